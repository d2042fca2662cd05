/** The beginning of every chat call, whole or streamed: which models may serve it, and the hold. */
import { AppError, invalid } from '../../infra/errors.ts';
import type { AccessKeyCaller } from '../accounts/caller.ts';
import type { Ledger } from '../billing/ledger.ts';
import type { ClaimRequest, StoredAnswer } from '../billing/operations/claim.ts';
import type { Capability, ModelSource, PricedModel } from './model.ts';
import { type Asked, type Plan, planChat } from './plan.ts';
import { promptSize } from './prompt-size.ts';
import type { ChatBody } from './providers/provider.ts';
import { holdOf, reserve } from './reservation.ts';
import type { CallIdentity } from './settlement.ts';

export interface ModelName {
  readonly id?: number;
  readonly identifier?: string;
}

export interface ChatRequest {
  readonly caller: AccessKeyCaller;
  readonly model: ModelName;
  readonly body: ChatBody;
  readonly traceId: string;
  readonly claim?: ClaimRequest;
}

export type Begun =
  | { readonly kind: 'held'; readonly plan: Plan; readonly identity: CallIdentity; readonly startedAtMs: number }
  | { readonly kind: 'answered-before'; readonly answer: StoredAnswer };

/**
 * Takes the hold of a chat.
 * @param lifeMs the longest the call may take; its hold is swept after that, whatever became of it.
 * @throws {AppError} no such model, no balance, a key in use, no database.
 */
export async function beginChat(
  ledger: Ledger,
  source: ModelSource,
  request: ChatRequest,
  requestId: string,
  lifeMs: number,
): Promise<Begun> {
  const startedAtMs = Date.now();
  const { models, asked } = candidatesOf(source, request);
  const { caller, claim } = request;
  const day = ledger.day(startedAtMs);
  const reservation = await reserve(ledger, caller, planChat(models, asked), asked, (plan) =>
    ledger.hold({
      ...holdOf(caller, plan, day),
      id: requestId,
      owner: 'call',
      lifeMs,
      ...(claim ? { claim } : {}),
    }),
  );
  if (reservation.kind === 'answered') return { kind: 'answered-before', answer: reservation.answer };
  const identity: CallIdentity = {
    requestId,
    userId: caller.userId,
    accountId: caller.accountId,
    accessKeyId: caller.accessKeyId,
    budgeted: caller.budget !== null,
    traceId: request.traceId,
    isAsync: false,
    day,
  };
  return { kind: 'held', plan: reservation.plan, identity, startedAtMs };
}

/** The models that may serve a chat and what it asks for. @throws {AppError} when no model may. */
export function candidatesOf(
  source: ModelSource,
  request: Pick<ChatRequest, 'caller' | 'model' | 'body'>,
): { models: readonly PricedModel[]; asked: Asked } {
  const size = promptSize(request.body);
  const capability: Capability = size.images > 0 ? 'image-to-text' : 'text-to-text';
  const models = allowingPricedFields(usableModels(source, request, capability), request.body);
  return { models, asked: { size, ...limitsOf(request.body) } };
}

/** The named model, or all with the capability; only those that the access key may use. @throws {AppError} */
export function usableModels(
  source: ModelSource,
  { caller, model }: Pick<ChatRequest, 'caller' | 'model'>,
  capability: Capability,
): readonly PricedModel[] {
  const named = model.id !== undefined || model.identifier !== undefined;
  const models = named ? [source.named(model, capability)] : source.capable(capability);
  const allowed = caller.allowedModels;
  const usable = allowed === null ? models : models.filter((one) => allowed.includes(one.modelIdentifier));
  if (usable.length > 0) return usable;
  throw models.length === 0
    ? new AppError('modelOffline', `no model for ${capability} is online`)
    : new AppError('forbidden', 'this access key may not use the model');
}

/** Fields that can make a call dearer than its tokens. */
const PRICED_FIELDS = [
  'service_tier',
  'web_search_options',
  'enable_search',
  'search_options',
  'enable_code_interpreter',
];

function allowingPricedFields(models: readonly PricedModel[], body: ChatBody): readonly PricedModel[] {
  const used = PRICED_FIELDS.filter(
    (field) => body[field] !== undefined && body[field] !== null && body[field] !== false,
  );
  if (used.length === 0) return models;
  const allowing = models.filter((model) => used.every((field) => model.pricedFields.has(field)));
  if (allowing.length > 0) return allowing;
  throw invalid(used.map((path) => ({ path, message: 'changes the price and is not allowed for this model' })));
}

function limitsOf(body: ChatBody): { maxTokens: number | undefined; choices: number } {
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return {
    maxTokens: typeof limit === 'number' ? limit : undefined,
    choices: typeof body.n === 'number' ? body.n : 1,
  };
}
