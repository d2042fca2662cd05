/** Vectors of texts: plan, then one charge by the tokens of the texts. */
import type { PricedModel } from '../../core/catalog/model.ts';
import { NO_USAGE, type Usage } from '../../core/ledger/money.ts';
import { inputsOf } from '../../core/providers/openai/embeddings.ts';
import type { EmbeddingAnswer, EmbeddingRequest, ReportedUsage } from '../../core/providers/provider.ts';
import { estimateTokens } from '../../infra/tokens.ts';
import type { CallOutcome, InferenceDeps, Reply, RequestContext } from './charge.ts';
import { type ChargedCommand, chargedCall } from './charged-call.ts';
import { inputBound, isForModel, type Plan, unclampablePlan } from './plan.ts';
import { pricedInChat } from './request-policy.ts';
import { allowingPriced, type ModelName, usableModels } from './routing.ts';
import { isFarBeyond, type NoteUsageDoubt, tierAsked } from './usage.ts';

export interface EmbeddingCommand extends ChargedCommand<EmbeddingOutcome> {
  readonly model: ModelName;
  readonly request: EmbeddingRequest;
}

export interface EmbeddingOutcome extends CallOutcome {
  /** OpenAI's list of embeddings. */
  readonly list: Readonly<Record<string, unknown>>;
}

export class EmbeddingService {
  readonly #deps: InferenceDeps;

  constructor(deps: InferenceDeps) {
    this.#deps = deps;
  }

  /** All inputs in one call, charged once. @throws {AppError} what the caller may know. */
  async embed(command: EmbeddingCommand, caller: RequestContext): Promise<Reply<EmbeddingOutcome>> {
    const { models, embeddingAdapters, noteUsageDoubt } = this.#deps;
    const { request } = command;
    return chargedCall<EmbeddingAnswer, EmbeddingOutcome>(
      this.#deps,
      command,
      planEmbeddings(usableModels(models, command, 'text-to-embedding'), request),
      {
        output: 'embedding',
        call: ({ kind }, target, context) => embeddingAdapters[kind].embed(target, request, context),
        usage: ({ usage }, candidate) => embeddingUsage(usage, request, candidate, noteUsageDoubt),
        outcome: (call, { list }) => ({ ...call, list }),
        keptBytes: ({ list }) => answerBytes(list),
      },
      caller,
    );
  }
}

/** All or nothing: vectors of a part of the texts are of no use. @throws {AppError} when no price covers what is asked. */
export function planEmbeddings(models: readonly PricedModel[], request: EmbeddingRequest): Plan {
  const able = allowingPriced(models, pricedInChat(request.extra));
  return unclampablePlan(able, (model) => tokenBound(model, request), {});
}

/** The start and end that some models count with each text. */
const MARKERS = 4;

/** Each text counts at most the model's context. A vendor may prepend its own text fields (`instruction`) to each text. */
function tokenBound(model: PricedModel, { input, extra }: EmbeddingRequest): number {
  const forModel = Object.values(extra).filter(isForModel);
  const bytesForModel = forModel.reduce<number>(
    (sum, value) => sum + Buffer.byteLength(JSON.stringify(value)),
    MARKERS,
  );
  return inputsOf(input).reduce((sum, one) => {
    const textBytes = typeof one === 'string' ? Buffer.byteLength(one) : one.length;
    return sum + inputBound(model, { textBytes: textBytes + bytesForModel, images: 0 });
  }, 0);
}

/** The provider's count, or ours in place of one that is missing or cannot be true. */
export function embeddingUsage(
  reported: ReportedUsage,
  request: EmbeddingRequest,
  model: PricedModel,
  noteDoubt: NoteUsageDoubt,
): Usage {
  // Some vendors say the total alone, which is the prompt here.
  const said = reported && (reported.promptTokens || reported.unexplainedTokens);
  const estimate = (doubt: 'missing' | 'impossible' | 'too-small'): Usage => {
    noteDoubt(doubt, model, reported ?? {});
    return {
      ...NO_USAGE,
      promptTokens: countedTokens(request),
      estimated: true,
      doubt,
      serviceTier: tierAsked(request.extra),
    };
  };
  if (reported === undefined || said === undefined) return estimate('missing');
  if (reported.impossible !== null) return estimate('impossible');
  if (said === 0) return estimate('too-small');
  const { cachedTokens, serviceTier } = reported;
  const usage = {
    ...NO_USAGE,
    promptTokens: said,
    cachedTokens: Math.min(cachedTokens, said),
    serviceTier: serviceTier ?? tierAsked(request.extra),
  };
  if (!isFarBeyond(usage, { promptTokens: tokenBound(model, request), completionTokens: 0 })) return usage;
  noteDoubt('too-large', model, reported);
  return { ...usage, doubt: 'too-large' };
}

function countedTokens({ input }: EmbeddingRequest): number {
  const inputs = inputsOf(input);
  const ofTexts = estimateTokens(inputs.filter((one) => typeof one === 'string'));
  const ofTokens = inputs.map((one) => (typeof one === 'string' ? 0 : one.length));
  return [...ofTexts, ...ofTokens].reduce((sum, tokens) => sum + tokens, 0);
}

/** Of one number as text. */
const DIGITS = 22;

function answerBytes({ data }: EmbeddingOutcome['list']): number {
  const vectors: unknown[] = Array.isArray(data) ? data : [];
  return vectors.reduce<number>((sum, one) => {
    const embedding = typeof one === 'object' && one !== null && 'embedding' in one ? one.embedding : undefined;
    if (typeof embedding === 'string') return sum + embedding.length;
    return sum + (Array.isArray(embedding) ? embedding.length * DIGITS : 0);
  }, 0);
}
