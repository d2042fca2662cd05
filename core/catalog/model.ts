/** A model as inference sees it: where it is served, what it can do, and its price at this moment. */
import type { Price } from '../ledger/price.ts';
import type { ModelNeeds } from '../providers/needs.ts';
import type { ProviderKind } from '../providers/provider.ts';

export const CAPABILITIES = [
  'text-to-text',
  'image-to-text',
  'text-to-image',
  'image-to-image',
  'text-to-embedding',
  'rerank',
  'text-to-speech',
  'speech-to-text',
  'moderation',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** A model at its provider. */
export interface ServedModel {
  readonly modelId: number;
  readonly modelIdentifier: string;
  readonly providerId: number;
  readonly providerName: string;
  readonly kind: ProviderKind;
  readonly urlBase: string;
  /** The name the provider knows. */
  readonly upstreamModel: string;
  readonly priority: number;
}

export interface PricedModel extends ServedModel {
  readonly capabilities: ReadonlySet<Capability>;
  readonly price: Price;
  /** Tokens; null = not known. */
  readonly contextWindow: number | null;
  readonly maxOutputTokens: number | null;
  readonly defaultMaxTokens: number | null;
  /** Upper bound of the tokens of one image in a prompt; null = not known. */
  readonly tokensPerImage: number | null;
  /** Fields that change a call's price and still may pass to the provider, because this price covers them. */
  readonly pricedFields: ReadonlySet<string>;
  /** What its record says and what follows from vendor and name. */
  readonly needs: ModelNeeds;
}

/** What inference asks of the catalog; answered from memory. */
export interface ModelSource {
  /** @throws {AppError} modelNotFound, modelOffline, modelIncapable. */
  named(name: { readonly id?: number; readonly identifier?: string }, capability: Capability): PricedModel;
  /** Online models with the capability, in the order in which they are tried. */
  capable(capability: Capability): readonly PricedModel[];
  /** Online models whose present or former price is among these ids, with that price. For jobs: prices are frozen. */
  pricedAt(priceIds: readonly number[]): Promise<readonly PricedModel[]>;
}
