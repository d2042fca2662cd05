/** Documents in the order of what they say about a query, as Jina's and Cohere's clients ask for it. */
import { z } from 'zod';
import { costInWords } from '../../activities/inference/openai-words.ts';
import { passedFields } from '../../activities/inference/request-policy.ts';
import type { RerankOutcome, RerankService } from '../../activities/inference/rerank.ts';
import type { RerankRequest } from '../../core/providers/provider.ts';
import { invalid } from '../../infra/errors.ts';
import { OPENAI } from '../http/forms.ts';
import type { InferenceServices, WholeCall } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import { costOutput } from '../http/money.ts';
import type { Route } from '../http/route.ts';
import { MOST_CHARACTERS, modelNameInput, openAiRequestIdInput } from './chat.ts';

/** Jina takes as many; others fewer, and say so. */
const MOST_DOCUMENTS = 2_048;

const text = z.string().max(MOST_CHARACTERS);
const document = z.union([text, z.looseObject({ text: text.describe('The text') })], {
  error: 'must be a text, or an object with one',
});
const body = z
  .looseObject({
    model: modelNameInput.describe('Identifier of the model. It is never chosen: scores of two models do not compare'),
    query: text.min(1).describe('What the documents are compared with'),
    documents: z.array(document).min(1).max(MOST_DOCUMENTS).describe('Texts, or objects with a text'),
    top_n: z.number().int().min(1).nullish().describe('How many of the best are given; all when left out'),
    return_documents: z.boolean().nullish().describe('Give each text with its score; false when left out'),
    request_id: openAiRequestIdInput,
  })
  .meta({
    description: 'Jina’s and Cohere’s form; fields that are not listed (max_tokens_per_doc …) pass to the provider.',
  });

const answer = z
  .object({
    id: z.string().describe('Id of the call'),
    model: z.string().describe('As the request names it'),
    results: z
      .array(
        z.object({
          index: z.number().int().describe('Place of the document in the request'),
          relevance_score: z.number().describe('The higher, the more it says about the query'),
          document: z
            .looseObject({ text: text.describe('The text') })
            .optional()
            .describe('As it was given, where return_documents is true'),
        }),
      )
      .describe('The best first'),
    usage: z
      .object({
        prompt_tokens: z.number().int().describe('Tokens of query and documents, as they are charged'),
        total_tokens: z.number().int().describe('The same'),
        ...costOutput,
      })
      .describe('What is charged'),
    meta: z
      .object({
        billed_units: z
          .object({ search_units: z.number().int().describe('Search units, where the provider counts them') })
          .describe('What is charged, in Cohere’s words'),
      })
      .describe('For Cohere’s clients'),
  })
  .meta({ description: 'Documents in their order' });

type Given = z.output<typeof document>;

interface Asked {
  readonly model: string;
  readonly requestId: string | undefined;
  readonly request: RerankRequest;
  /** As they were given, where they are to be given back. */
  readonly returned: readonly Given[] | undefined;
}

interface Services extends InferenceServices {
  readonly reranking: RerankService;
}

export function rerankRoutes(services: Services): Route[] {
  const rerank = (path: string, operationId: string, summary: string): Route =>
    inferenceRoute(services, {
      path,
      operationId,
      summary,
      body,
      success: answer,
      form: OPENAI,
      parse: ({ body: asked }) => askedOf(asked),
      requestId: ({ requestId }) => requestId,
      run: ({ model, request: asked }, { request, context }: WholeCall<RerankOutcome>) =>
        services.reranking.rerank({ ...request, model: { identifier: model }, request: asked }, context),
      render: (outcome, { model, returned }) => ({
        id: outcome.requestId,
        model,
        results: outcome.ranked.map(({ index, score }) => ({
          index,
          relevance_score: score,
          ...documentOf(returned?.[index]),
        })),
        usage: {
          prompt_tokens: outcome.usage.promptTokens,
          total_tokens: outcome.usage.promptTokens,
          ...costInWords(outcome, services.costShown),
        },
        meta: { billed_units: { search_units: outcome.usage.searches } },
      }),
    });
  return [
    rerank('/v1/rerank', 'rerank', 'Documents in the order of what they say about a query'),
    rerank('/v2/rerank', 'rerankCohere', 'The same, where Cohere’s second client asks for it'),
  ];
}

function documentOf(given: Given | undefined): { document?: object } {
  if (given === undefined) return {};
  return { document: typeof given === 'string' ? { text: given } : given };
}

/** @throws {AppError} naming each field that a caller may not set. */
function askedOf(asked: z.output<typeof body>): Asked {
  const { model, query, documents, top_n: topN, return_documents: returns, request_id: requestId, ...rest } = asked;
  if (documents.every((one) => textOf(one) === '')) {
    throw invalid([{ path: 'documents', message: 'must have at least one text that is not empty' }]);
  }
  return {
    model,
    requestId: requestId ?? undefined,
    request: { query, documents: documents.map(textOf), topN: topN ?? undefined, extra: passedFields(rest) },
    returned: returns === true ? documents : undefined,
  };
}

function textOf(given: Given): string {
  return typeof given === 'string' ? given : given.text;
}
