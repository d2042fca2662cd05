/** Merges what a request says about a model with the model, or with the defaults of a new one. Pure. */
import { invalid } from '../../infra/errors.ts';
import type { ModelNeeds } from '../providers/needs.ts';
import type { Capability } from './model.ts';
import type { ProviderReference } from './model-provider.ts';
import type { Model, ModelFields } from './model-record.ts';
import { makesImages, makesText, type PriceFields, type Pricing, priceOf } from './pricing.ts';

/** Left out on a change: as before. Left out on creation: the value after the bar. */
export interface ModelInput extends ProviderReference {
  readonly displayName?: string | undefined;
  readonly modelIdentifier?: string | undefined;
  readonly capabilities?: readonly Capability[] | undefined;
  /** | none, which is only allowed offline. */
  readonly pricing?: Pricing | undefined;
  /** Of the price that was looked at; null: there was none. */
  readonly priceVersion?: number | null | undefined;
  /** | 1 */
  readonly priority?: number | undefined;
  /** | true */
  readonly online?: boolean | undefined;
  readonly upstreamModel?: string | undefined;
  /** null removes it; the same for the next three. */
  readonly contextWindow?: number | null | undefined;
  readonly maxOutputTokens?: number | null | undefined;
  readonly defaultMaxTokens?: number | null | undefined;
  readonly tokensPerImage?: number | null | undefined;
  readonly pricedFields?: readonly string[] | undefined;
  /** All of it at once; null: what follows from vendor and name. */
  readonly needs?: ModelNeeds | null | undefined;
}

export type NewModelInput = ModelInput & {
  readonly displayName: string;
  readonly modelIdentifier: string;
  readonly capabilities: readonly Capability[];
};

export const BLANK_MODEL: Omit<ModelFields, 'displayName' | 'modelIdentifier' | 'capabilities' | 'providerId'> = {
  upstreamModel: '',
  priority: 1,
  online: true,
  contextWindow: null,
  maxOutputTokens: null,
  defaultMaxTokens: null,
  settings: {},
};

export function merged(base: ModelFields, input: ModelInput): ModelFields {
  const { tokensPerImage: tokensBefore, needs: needsBefore, ...settings } = base.settings;
  const tokensPerImage = changed(tokensBefore ?? null, input.tokensPerImage);
  const needs = changed(needsBefore ?? null, input.needs);
  return {
    ...base,
    displayName: input.displayName ?? base.displayName,
    modelIdentifier: input.modelIdentifier ?? base.modelIdentifier,
    upstreamModel: input.upstreamModel ?? base.upstreamModel,
    priority: input.priority ?? base.priority,
    online: input.online ?? base.online,
    contextWindow: changed(base.contextWindow, input.contextWindow),
    maxOutputTokens: changed(base.maxOutputTokens, input.maxOutputTokens),
    defaultMaxTokens: changed(base.defaultMaxTokens, input.defaultMaxTokens),
    settings: {
      ...settings,
      ...(tokensPerImage === null ? {} : { tokensPerImage }),
      ...(input.pricedFields === undefined ? {} : { pricedFields: [...input.pricedFields] }),
      ...(needs === null ? {} : { needs }),
    },
  };
}

function changed<Value>(before: Value | null, given: Value | null | undefined): Value | null {
  return given === undefined ? before : given;
}

export function namesProvider({ providerId, providerName, urlBase, apiKey }: ModelInput): boolean {
  return [providerId, providerName, urlBase, apiKey].some((value) => value !== undefined);
}

/** The meaning of `output` depends on the capabilities, so a change of them needs a new price. */
export function newPrice(model: Model, input: ModelInput, capabilities: readonly Capability[]): PriceFields | null {
  if (input.pricing !== undefined) return priceOf(input.pricing, capabilities);
  const same =
    makesText(capabilities) === makesText(model.capabilities) &&
    makesImages(capabilities) === makesImages(model.capabilities);
  if (same || model.price === null) return model.price;
  throw invalid([{ path: 'pricing', message: 'is required when a model starts or stops making text or images' }]);
}

export function fieldsOf(model: Model): ModelFields {
  const { id, providerName, kind, urlBase, price, priceVersion, createdAt, updatedAt, ...fields } = model;
  return fields;
}
