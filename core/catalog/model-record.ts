/** A model as the catalog knows it, made from its rows. Pure. */
import { z } from 'zod';
import type { Price } from '../ledger/price.ts';
import { needsSchema } from '../providers/needs.ts';
import type { ProviderKind } from '../providers/provider.ts';
import { CAPABILITIES, type Capability } from './model.ts';
import { readRules } from './price-rules.ts';
import type { ModelRow, PriceRow, ProviderRow } from './tables.ts';

const settingsSchema = z.object({
  /** Upper bound of the tokens of one image in a prompt. */
  tokensPerImage: z.number().int().positive().optional(),
  /** Fields of a request that change its price and still may pass to the provider (`service_tier`). */
  pricedFields: z.array(z.string()).optional(),
  /** What an administrator has set of it; the rest follows from vendor and name. */
  needs: needsSchema.optional(),
});

export type ModelSettings = Readonly<z.infer<typeof settingsSchema>>;

/** What administrators set for a model, except its price. */
export interface ModelFields {
  readonly displayName: string;
  readonly modelIdentifier: string;
  readonly providerId: number;
  /** The name the provider knows; empty: the identifier. */
  readonly upstreamModel: string;
  readonly capabilities: readonly Capability[];
  /** 1 is tried first. */
  readonly priority: number;
  readonly online: boolean;
  /** Tokens; null = not known. */
  readonly contextWindow: number | null;
  readonly maxOutputTokens: number | null;
  readonly defaultMaxTokens: number | null;
  readonly settings: ModelSettings;
}

export interface Model extends ModelFields {
  readonly id: number;
  readonly providerName: string;
  readonly kind: ProviderKind;
  readonly urlBase: string;
  /** null: the model has no price yet and cannot be online. */
  readonly price: Price | null;
  /** Number of the price's version, from 1. */
  readonly priceVersion: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** @returns undefined when the provider is not among those read. */
export function modelOf(
  row: ModelRow,
  providers: ReadonlyMap<number, ProviderRow>,
  prices: ReadonlyMap<number, PriceRow>,
): Model | undefined {
  const provider = providers.get(row.providerId);
  if (provider === undefined) return undefined;
  const price = row.priceId === null ? undefined : prices.get(row.priceId);
  const { status, priceId: _priceId, capabilities, settings, ...rest } = row;
  return {
    ...rest,
    online: status === 1,
    capabilities: capabilitiesOf(capabilities),
    settings: settingsOf(settings),
    providerName: provider.name,
    kind: provider.kind,
    urlBase: provider.urlBase,
    price: price === undefined ? null : priceOfRow(price),
    priceVersion: price?.version ?? null,
  };
}

export function priceOfRow(row: PriceRow): Price {
  const { modelId: _modelId, version: _version, capabilities: _, createdBy: _by, createdAt: _at, ...price } = row;
  return { ...price, rules: readRules(price.rules) };
}

/** In the order of the list. @param text as it is stored, with commas. */
export function capabilitiesOf(text: string): Capability[] {
  const listed = text.split(',');
  return CAPABILITIES.filter((capability) => listed.includes(capability));
}

function settingsOf(stored: unknown): ModelSettings {
  return settingsSchema.parse(stored ?? {});
}
