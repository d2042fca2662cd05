/** Which models may serve a request, and in which order they are tried. Pure but for the catalog it looks into. */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import type { Capability, ModelSource, PricedModel } from '../../core/catalog/model.ts';
import type { KeyPool, Standing } from '../../core/key-pool/key-pool.ts';
import { unmetWishes } from '../../core/providers/fit.ts';
import type { ChatBody } from '../../core/providers/provider.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import type { ChargeRequest } from './charge.ts';
import { type KeptTexts, sizeWithTexts } from './kept-files.ts';
import { ableToHear, type NativeChat, untoldIn } from './native.ts';
import { type Asked, promptSize } from './plan.ts';
import { askedLimit, BATCH_TIER, type PricedUse, pricedInChat, SEARCH_FIELDS } from './request-policy.ts';

/** `priority`: as the administrators ordered them; `smart`: weighed against how the providers do at the moment. */
export type RoutingStrategy = 'priority' | 'smart';

interface Routable {
  /** The lower the sooner. */
  readonly priority: number;
}

interface Rated<C> {
  readonly candidate: C;
  readonly standing: Standing;
}

/** Weights of the `smart` score; their sum is 1. */
const PRIORITY_WEIGHT = 0.4;
const USABLE_KEYS_WEIGHT = 0.2;
const USABLE_RATIO_WEIGHT = 0.2;
const RELIABILITY_WEIGHT = 0.2;

/** The candidates in the order of the strategy; equals keep the order in which they came. */
export function routed<C extends Routable>(
  candidates: readonly C[],
  strategy: RoutingStrategy,
  standingOf: (candidate: C) => Standing,
): C[] {
  if (candidates.length < 2) return [...candidates];
  const rated = candidates.map((candidate) => ({ candidate, standing: standingOf(candidate) }));
  const ordered = strategy === 'priority' ? byPriority(rated) : byScore(rated);
  return ordered.map(({ candidate }) => candidate);
}

/** Priority ascending; among equals the one that failed less in the last five minutes. */
function byPriority<C extends Routable>(rated: readonly Rated<C>[]): Rated<C>[] {
  return [...rated].sort(
    (a, b) => a.candidate.priority - b.candidate.priority || a.standing.failureRate - b.standing.failureRate,
  );
}

function byScore<C extends Routable>(rated: readonly Rated<C>[]): Rated<C>[] {
  const priorities = rated.map(({ candidate }) => candidate.priority);
  const bounds: Bounds = {
    lowestPriority: Math.min(...priorities),
    highestPriority: Math.max(...priorities),
    mostUsableKeys: Math.max(...rated.map(({ standing }) => standing.usableKeys)),
  };
  return rated.map((one) => ({ ...one, score: smartScore(one, bounds) })).sort((a, b) => b.score - a.score);
}

interface Bounds {
  readonly lowestPriority: number;
  readonly highestPriority: number;
  readonly mostUsableKeys: number;
}

/**
 * 0–1, each part normalised to 0–1 over the candidates of this request:
 * - priority: 1 for the lowest number among them, 0 for the highest, linear between; 1 when all are the same;
 * - usable keys: their number as a share of the most that any candidate has; 0 when nobody has one;
 * - usable ratio: usable keys of the provider's active keys; 0 without any;
 * - reliability: 1 − failure rate of the last five minutes; 1 without calls.
 */
function smartScore({ candidate, standing }: Rated<Routable>, bounds: Bounds): number {
  const { lowestPriority, highestPriority, mostUsableKeys } = bounds;
  const { usableKeys, activeKeys, failureRate } = standing;
  const priority = ratio(highestPriority - candidate.priority, highestPriority - lowestPriority, 1);
  return (
    PRIORITY_WEIGHT * priority +
    USABLE_KEYS_WEIGHT * ratio(usableKeys, mostUsableKeys, 0) +
    USABLE_RATIO_WEIGHT * ratio(usableKeys, activeKeys, 0) +
    RELIABILITY_WEIGHT * (1 - failureRate)
  );
}

function ratio(part: number, whole: number, ofNothing: number): number {
  return whole === 0 ? ofNothing : part / whole;
}

export function routedModels(
  source: ModelSource,
  strategy: RoutingStrategy,
  pool: Pick<KeyPool, 'standing'>,
): ModelSource {
  return {
    named: (name, capability) => source.named(name, capability),
    capable: (capability) =>
      routed(source.capable(capability), strategy, ({ providerId, modelId }) => pool.standing(providerId, modelId)),
    // Jobs keep the order in which they were held for.
    pricedAt: (priceIds) => source.pricedAt(priceIds),
  };
}

export interface ModelName {
  readonly id?: number;
  readonly identifier?: string;
}

type ModelCaller = Pick<AccessKeyCaller, 'allowedModels'>;

export interface ChatRequest extends ChargeRequest {
  readonly model: ModelName;
  readonly body: ChatBody;
  /** The request as its client wrote it, where that is not as a chat; `body` says the same. */
  readonly native?: NativeChat;
  /** What names the conversation outside of the body (affinityOf). */
  readonly session?: string | undefined;
}

/** The models that may serve a chat and what it asks for. @throws {AppError} when no model may. */
export function candidatesOf(
  source: ModelSource,
  request: Pick<ChatRequest, 'model' | 'body' | 'native'> & {
    readonly caller: ModelCaller;
    /** Of the files that it names; without them each counts as a document. */
    readonly texts?: KeptTexts;
  },
): { models: readonly PricedModel[]; asked: Asked } {
  const { native, body, texts } = request;
  const whole = native?.size ?? promptSize(body);
  const size = texts === undefined ? whole : sizeWithTexts(whole, request, texts);
  const isSeen = size.images > 0 || (size.uncounted ?? 0) > 0;
  const capability: Capability = isSeen ? 'image-to-text' : 'text-to-text';
  const able = ableToHear(modelsSeeing(source, request, capability), request);
  const usable = allowingPriced(able, native?.priced ?? pricedInChat(body));
  const limits = limitsOf(body);
  return { models: giving(usable, body), asked: { size, ...limits } };
}

/** As `usableModels`; where it is a document that the model cannot see, the refusal names it. */
function modelsSeeing(
  source: ModelSource,
  request: Parameters<typeof candidatesOf>[1],
  capability: Capability,
): readonly PricedModel[] {
  try {
    return usableModels(source, request, capability);
  } catch (error) {
    const documents = untoldIn(request);
    if (documents.length > 0 && error instanceof AppError && error.kind === 'modelIncapable') throw invalid(documents);
    throw error;
  }
}

/** The models that can answer all that is asked for; all when none can: then the refusal names the field. */
function giving(models: readonly PricedModel[], body: ChatBody): readonly PricedModel[] {
  const able = models.filter(({ needs }) => unmetWishes(body, needs).length === 0);
  return able.length > 0 ? able : models;
}

/** The named model, or all with the capability; only those that the access key may use. @throws {AppError} */
export function usableModels(
  source: ModelSource,
  { caller, model }: { readonly caller: ModelCaller; readonly model: ModelName },
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

/** That some model may be asked, before what may be large is read for it. @throws {AppError} as `usableModels`. */
export function requireChatModel(source: ModelSource, request: Parameters<typeof usableModels>[1]): void {
  try {
    usableModels(source, request, 'text-to-text');
  } catch (error) {
    try {
      usableModels(source, request, 'image-to-text');
    } catch {
      throw error;
    }
  }
}

/** The models whose price covers what is used. @throws {AppError} naming each field when there is none. */
export function allowingPriced(models: readonly PricedModel[], used: readonly PricedUse[]): readonly PricedModel[] {
  if (used.length === 0) return models;
  const allowing = models.filter((model) => used.every((use) => isCovered(model, use)));
  if (allowing.length > 0) return allowing;
  throw invalid(used.map(({ path }) => ({ path, message: 'changes the price and is not allowed for this model' })));
}

/** By the model's record, or by its price itself. */
function isCovered({ pricedFields, price }: PricedModel, { field, value }: PricedUse): boolean {
  if (pricedFields.has(field)) return true;
  if (SEARCH_FIELDS.has(field)) return price.perSearch > 0n;
  const tier = field === 'service_tier' && typeof value === 'string' ? value.toLowerCase() : undefined;
  return tier !== undefined && tier !== BATCH_TIER && price.rules.some(({ when }) => when.serviceTier === tier);
}

function limitsOf(body: ChatBody): { maxTokens: number | undefined; choices: number } {
  return {
    maxTokens: askedLimit(body),
    choices: typeof body.n === 'number' ? body.n : 1,
  };
}
