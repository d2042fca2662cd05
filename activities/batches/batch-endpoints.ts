/** What a line of a batch may ask for, and how: the use cases of the same paths, in OpenAI's words. */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import type { ModelSource } from '../../core/catalog/model.ts';
import type { ClaimRequest, StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { HoldShare } from '../../core/ledger/operations/hold.ts';
import { inputsOf } from '../../core/providers/openai/embeddings.ts';
import type { EmbeddingRequest } from '../../core/providers/provider.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { isJsonObject, parseJson } from '../../infra/json-object.ts';
import type { Logger } from '../../infra/logger.ts';
import type { CallOutcome, Reply, RequestContext } from '../inference/charge.ts';
import type { ChatOutcome, ChatService } from '../inference/chat.ts';
import { openAiChatInput } from '../inference/chat-request.ts';
import { embeddingRequestIn } from '../inference/embedding-request.ts';
import { type EmbeddingOutcome, type EmbeddingService, planEmbeddings } from '../inference/embeddings.ts';
import { type CostShown, completionInOpenAiWords, costInWords, usageInOpenAiWords } from '../inference/openai-words.ts';
import { planChat } from '../inference/plan.ts';
import { BATCH_TIER } from '../inference/request-policy.ts';
import { candidatesOf, usableModels } from '../inference/routing.ts';
import type { BatchEndpoint } from './batch-lines.ts';

export interface LineCall {
  readonly caller: AccessKeyCaller;
  readonly traceId: string;
  readonly batchId: string;
  readonly requestId: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly claim: ClaimRequest;
  readonly from: HoldShare;
  readonly log: Logger;
}

export interface LineAnswer {
  readonly requestId: string;
  /** JSON text. */
  readonly body: string;
}

export type BatchEndpoints = Readonly<Record<BatchEndpoint, (call: LineCall) => Promise<LineAnswer>>>;

export interface BatchServices {
  readonly chat: Pick<ChatService, 'complete'>;
  readonly embeddings: Pick<EmbeddingService, 'embed'>;
  readonly costShown: CostShown | undefined;
}

export function batchEndpoints({ chat, embeddings, costShown }: BatchServices): BatchEndpoints {
  return {
    '/v1/chat/completions': (call) => {
      const { model, body } = openAiChatInput(call.body);
      return answered<ChatOutcome>(
        call,
        (request, context) =>
          chat.complete({ ...request, model: model === undefined ? {} : { identifier: model }, body }, context),
        (outcome) => {
          const usage = usageInOpenAiWords(outcome.completion.usage, outcome, costShown);
          return completionInOpenAiWords(outcome.completion, model ?? outcome.modelIdentifier, usage);
        },
      );
    },
    '/v1/embeddings': (call) => {
      const { model, ...rest } = call.body;
      const request = keepableRequestIn(rest);
      const identifier = modelOf(model);
      return answered<EmbeddingOutcome>(
        call,
        (charged, context) => embeddings.embed({ ...charged, model: { identifier }, request }, context),
        (outcome) => {
          const { promptTokens } = outcome.usage;
          const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens, ...costInWords(outcome, costShown) };
          return { ...outcome.list, model: identifier, usage };
        },
      );
    },
  };
}

/** Runs a keyed call whose answer is kept, so that a line that is run again is not charged again. */
async function answered<Outcome extends CallOutcome>(
  { caller, traceId, batchId, claim, from, log, requestId }: LineCall,
  run: (
    request: Pick<LineCall, 'caller' | 'traceId' | 'batchId' | 'claim' | 'from'> & {
      readonly serviceTier: string;
      readonly keep: (outcome: Outcome) => { status: number; body: Buffer };
    },
    context: RequestContext,
  ) => Promise<Reply<Outcome>>,
  render: (outcome: Outcome) => object,
): Promise<LineAnswer> {
  const keep = (outcome: Outcome) => ({
    status: 200,
    body: Buffer.from(JSON.stringify({ requestId: outcome.requestId, body: JSON.stringify(render(outcome)) })),
  });
  const request = { caller, traceId, batchId, claim, from, serviceTier: BATCH_TIER, keep };
  const reply = await run(request, { heartbeat: () => undefined, log: () => log, requestId });
  if (reply.kind === 'answered-now') {
    return { requestId: reply.outcome.requestId, body: JSON.stringify(render(reply.outcome)) };
  }
  return keptLineAnswer(reply.answer);
}

/** The answer of a line as its charge has kept it. */
export function keptLineAnswer(answer: StoredAnswer): LineAnswer {
  const kept = parseJson(answer.body.toString('utf8'));
  if (isJsonObject(kept) && typeof kept.requestId === 'string' && typeof kept.body === 'string') {
    return { requestId: kept.requestId, body: kept.body };
  }
  throw new AppError('internal', 'the kept answer of a line cannot be read');
}

/** What is kept of one answer (`core/ledger/operations/claim.ts`), less its words beside the vectors. */
const MOST_VECTOR_BYTES = 4_000_000;
/** Of a vector, unless fewer are asked for: as many as the longest that a vendor has sold (text-similarity-davinci-001). */
const MOST_DIMENSIONS = 12_288;
/** Of one number: as text, or its four bytes in base64. */
const BYTES_OF_A_NUMBER = { float: 22, base64: 5.4 } as const;

/** A line is paid once because its answer is kept: one too large for that would be paid for and lost. */
function keepableRequestIn(body: Readonly<Record<string, unknown>>): EmbeddingRequest {
  const request = embeddingRequestIn(body);
  const { dimensions } = request.extra;
  const numbers = typeof dimensions === 'number' && dimensions > 0 ? dimensions : MOST_DIMENSIONS;
  const most = Math.floor(MOST_VECTOR_BYTES / (numbers * BYTES_OF_A_NUMBER[request.encoding]));
  if (inputsOf(request.input).length <= most) return request;
  const message = `a line of a batch may have at most ${most} texts of ${numbers} dimensions as ${request.encoding}; more with fewer \`dimensions\` or \`encoding_format\` base64`;
  throw invalid([{ path: 'input', message }]);
}

function modelOf(model: unknown): string {
  if (typeof model === 'string' && model !== '') return model;
  throw invalid([{ path: 'model', message: 'is required' }], 'missingParameter');
}

/** What a line may cost; nothing for one that will be refused when it is run. */
export function lineAmount(
  endpoint: BatchEndpoint,
  models: ModelSource,
  caller: AccessKeyCaller,
  request: string,
): bigint {
  const parsed = parseJson(request);
  const body = isJsonObject(parsed) ? parsed : {};
  try {
    if (endpoint === '/v1/embeddings') {
      const { model, ...rest } = body;
      const usable = usableModels(models, { caller, model: { identifier: modelOf(model) } }, 'text-to-embedding');
      return planEmbeddings(usable, keepableRequestIn(rest)).holdAmount;
    }
    const { model, body: chatBody } = openAiChatInput(body);
    const name = model === undefined ? {} : { identifier: model };
    const { models: candidates, asked } = candidatesOf(models, { caller, model: name, body: chatBody });
    return planChat(candidates, asked).holdAmount;
  } catch (error) {
    if (error instanceof AppError) return 0n;
    throw error;
  }
}
