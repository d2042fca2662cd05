/** Vectors of texts, as OpenAI's clients and programs for retrieval ask for them. */
import { z } from 'zod';
import { embeddingFields, embeddingRequest } from '../../activities/inference/embedding-request.ts';
import type { EmbeddingOutcome, EmbeddingService } from '../../activities/inference/embeddings.ts';
import { costInWords } from '../../activities/inference/openai-words.ts';
import type { EmbeddingRequest } from '../../core/providers/provider.ts';
import { OPENAI } from '../http/forms.ts';
import type { InferenceServices, WholeCall } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import { costOutput } from '../http/money.ts';
import type { Route } from '../http/route.ts';
import { modelNameInput, openAiRequestIdInput } from './chat.ts';

const body = z
  .looseObject({
    model: modelNameInput.describe('Identifier of the model. It is never chosen: vectors of two models do not compare'),
    ...embeddingFields,
    request_id: openAiRequestIdInput,
  })
  .meta({ description: 'OpenAI embeddings; fields that are not listed (dimensions …) pass to the provider.' });

const answer = z
  .looseObject({
    object: z.literal('list').describe('Always list'),
    model: z.string().describe('As the request names it'),
    data: z
      .array(
        z.looseObject({
          object: z.literal('embedding').describe('Always embedding'),
          index: z.number().int().describe('Place of its text in the input'),
          embedding: z
            .union([z.array(z.number()), z.string()])
            .describe('The vector in the encoding that was asked for'),
        }),
      )
      .describe('One for each text, in their order'),
    usage: z
      .object({
        prompt_tokens: z.number().int().describe('Tokens of all texts, as they are charged'),
        total_tokens: z.number().int().describe('The same'),
        ...costOutput,
      })
      .describe('What is charged'),
  })
  .meta({ description: 'OpenAI list of embeddings' });

interface Asked {
  readonly model: string;
  readonly requestId: string | undefined;
  readonly request: EmbeddingRequest;
}

interface Services extends InferenceServices {
  readonly embeddings: EmbeddingService;
}

export function embeddingRoutes(services: Services): Route[] {
  return [
    inferenceRoute(services, {
      path: '/v1/embeddings',
      operationId: 'createEmbeddings',
      summary: 'Vectors of texts, under OpenAI’s own path',
      body,
      success: answer,
      form: OPENAI,
      parse: ({ body: asked }) => askedOf(asked),
      requestId: ({ requestId }) => requestId,
      run: ({ model, request: asked }, { request, context }: WholeCall<EmbeddingOutcome>) =>
        services.embeddings.embed({ ...request, model: { identifier: model }, request: asked }, context),
      render: (outcome, { model }) => ({
        ...outcome.list,
        model,
        usage: {
          prompt_tokens: outcome.usage.promptTokens,
          total_tokens: outcome.usage.promptTokens,
          ...costInWords(outcome, services.costShown),
        },
      }),
    }),
  ];
}

/** @throws {AppError} naming each field that a caller may not set. */
function askedOf(asked: z.output<typeof body>): Asked {
  const { model, request_id: requestId, ...rest } = asked;
  return { model, requestId: requestId ?? undefined, request: embeddingRequest(rest) };
}
