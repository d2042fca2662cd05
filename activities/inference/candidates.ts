/** Which models may serve a call, and what a chat asks for. Pure but for the catalog it looks into. */

import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import type { Capability, ModelSource, PricedModel } from '../../core/catalog/model.ts';
import type { ChatBody } from '../../core/providers/provider.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import type { ChargeRequest } from './charge.ts';
import { type PricedUse, pricedInChat } from './owned-fields.ts';
import type { Asked } from './plan.ts';
import { promptSize } from './prompt-size.ts';

export interface ModelName {
  readonly id?: number;
  readonly identifier?: string;
}

type ModelCaller = Pick<AccessKeyCaller, 'allowedModels'>;

export interface ChatRequest extends ChargeRequest {
  readonly model: ModelName;
  readonly body: ChatBody;
}

/** The models that may serve a chat and what it asks for. @throws {AppError} when no model may. */
export function candidatesOf(
  source: ModelSource,
  request: Pick<ChatRequest, 'model' | 'body'> & { readonly caller: ModelCaller },
): { models: readonly PricedModel[]; asked: Asked } {
  const size = promptSize(request.body);
  const capability: Capability = size.images > 0 ? 'image-to-text' : 'text-to-text';
  const models = allowingPriced(usableModels(source, request, capability), pricedInChat(request.body));
  return { models, asked: { size, ...limitsOf(request.body) } };
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

/** The models whose price covers what is used. @throws {AppError} naming each field when there is none. */
export function allowingPriced(models: readonly PricedModel[], used: readonly PricedUse[]): readonly PricedModel[] {
  if (used.length === 0) return models;
  const allowing = models.filter((model) => used.every(({ field }) => model.pricedFields.has(field)));
  if (allowing.length > 0) return allowing;
  throw invalid(used.map(({ path }) => ({ path, message: 'changes the price and is not allowed for this model' })));
}

function limitsOf(body: ChatBody): { maxTokens: number | undefined; choices: number } {
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return {
    maxTokens: typeof limit === 'number' ? limit : undefined,
    choices: typeof body.n === 'number' ? body.n : 1,
  };
}
