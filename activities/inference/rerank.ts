/** Documents in the order of what they say about a query: plan, then one charge by tokens, search units or the call. */
import type { PricedModel } from '../../core/catalog/model.ts';
import { NO_USAGE, type Usage } from '../../core/ledger/money.ts';
import type { RankedDocument, RerankAnswer, RerankRequest } from '../../core/providers/provider.ts';
import { estimateTokens } from '../../infra/tokens.ts';
import type { CallOutcome, InferenceDeps, Reply, RequestContext } from './charge.ts';
import { type ChargedCommand, chargedCall } from './charged-call.ts';
import { inputBound, isForModel, isPriced, type Plan, unclampablePlan } from './plan.ts';
import { pricedInChat } from './request-policy.ts';
import { allowingPriced, type ModelName, usableModels } from './routing.ts';
import { isFarBeyond, type NoteUsageDoubt, tierAsked } from './usage.ts';

export interface RerankCommand extends ChargedCommand<RerankOutcome> {
  readonly model: ModelName;
  readonly request: RerankRequest;
}

export interface RerankOutcome extends CallOutcome {
  readonly ranked: readonly RankedDocument[];
}

export class RerankService {
  readonly #deps: InferenceDeps;

  constructor(deps: InferenceDeps) {
    this.#deps = deps;
  }

  /** @throws {AppError} what the caller may know. */
  async rerank(command: RerankCommand, caller: RequestContext): Promise<Reply<RerankOutcome>> {
    const { models, rerankAdapters, noteUsageDoubt } = this.#deps;
    const { request } = command;
    return chargedCall<RerankAnswer, RerankOutcome>(
      this.#deps,
      command,
      planRerank(usableModels(models, command, 'rerank'), request),
      {
        output: 'ranking',
        call: ({ kind }, target, context) => rerankAdapters[kind].rerank(target, request, context),
        usage: (answer, candidate) => rerankUsage(answer, request, candidate, noteUsageDoubt),
        outcome: (call, { ranked }) => ({ ...call, ranked }),
        keptBytes: () => keptBytes(request),
      },
      caller,
    );
  }
}

/** Of one result beside its document. */
const RESULT_BYTES = 80;

function keptBytes({ documents }: RerankRequest): number {
  return documents.reduce((sum, text) => sum + text.length + RESULT_BYTES, 0);
}

/** All or nothing. @throws {AppError} when no price covers what is asked. */
export function planRerank(models: readonly PricedModel[], request: RerankRequest): Plan {
  const able = allowingPriced(models, pricedInChat(request.extra));
  const searches = searchUnits(request.documents.map((text) => Buffer.byteLength(text)));
  return unclampablePlan(able, (model) => tokenBound(model, request), { searches });
}

/** What a model may put around query and document. */
const TEMPLATE_TOKENS = 64;

/** The query is read with each document. */
function tokenBound(model: PricedModel, { query, documents, extra }: RerankRequest): number {
  const forModel = Object.values(extra).filter(isForModel);
  const asked = forModel.reduce<number>(
    (sum, value) => sum + Buffer.byteLength(JSON.stringify(value)),
    TEMPLATE_TOKENS,
  );
  const withEach = asked + Buffer.byteLength(query);
  return documents.reduce(
    (sum, text) => sum + inputBound(model, { textBytes: withEach + Buffer.byteLength(text), images: 0 }),
    0,
  );
}

/** Cohere's: a query with up to 100 documents, of which longer ones than 500 tokens count as several. */
const DOCUMENTS_A_UNIT = 100;
const TOKENS_A_DOCUMENT = 500;

function searchUnits(tokensOfEach: readonly number[]): number {
  const documents = tokensOfEach.reduce((sum, tokens) => sum + Math.max(1, Math.ceil(tokens / TOKENS_A_DOCUMENT)), 0);
  return Math.ceil(documents / DOCUMENTS_A_UNIT);
}

/** The provider's counts, or ours in place of those that are missing or cannot be true and have a price. */
export function rerankUsage(
  { usage: reported, searchUnits: units }: RerankAnswer,
  request: RerankRequest,
  model: PricedModel,
  noteDoubt: NoteUsageDoubt,
): Usage {
  const serviceTier = reported?.serviceTier ?? tierAsked(request.extra);
  // Most vendors say the total alone, which is the prompt here.
  const said = reported?.impossible === null ? reported.promptTokens || reported.unexplainedTokens : 0;
  const lacksTokens = said === 0 && isPriced(model.price, 'input');
  const lacksUnits = units === undefined && isPriced(model.price, 'perSearch');
  if (lacksTokens || lacksUnits) {
    const doubt = reported && reported.impossible !== null ? 'impossible' : reported ? 'too-small' : 'missing';
    noteDoubt(doubt, model, reported ?? {});
    const [ofQuery = 0, ...counts] = estimateTokens([request.query, ...request.documents]);
    return {
      ...NO_USAGE,
      promptTokens: said || counts.reduce((sum, count) => sum + count, ofQuery * counts.length),
      searches: units ?? (lacksUnits ? searchUnits(counts) : 0),
      estimated: true,
      doubt,
      serviceTier,
    };
  }
  const usage = { ...NO_USAGE, promptTokens: said, searches: units ?? 0, serviceTier };
  if (!isFarBeyond(usage, { promptTokens: tokenBound(model, request), completionTokens: 0 })) return usage;
  noteDoubt('too-large', model, reported ?? {});
  return { ...usage, doubt: 'too-large' };
}
