/** Creates provider, key and models of a known vendor in one step. */

import type { By } from '../accounts/audit-log.ts';
import type { Catalog } from './catalog.ts';
import type { Model } from './model-record.ts';
import type { Models } from './models.ts';
import { type Preset, type PresetModel, presetPricing } from './presets.ts';
import type { ProviderKeys } from './provider-keys.ts';
import type { ListUpstreamModels } from './upstream-models.ts';

export interface PresetRequest {
  readonly preset: Preset;
  readonly urlBase: string;
  readonly apiKey: string;
  /** How much of the installation's currency one unit of the vendor's is, in nano-units. */
  readonly rate: bigint;
}

export interface AddedPreset {
  readonly added: readonly Model[];
  /** Models that already existed and were not changed. */
  readonly existing: readonly Model[];
  readonly keyId: number;
}

export interface PresetServices {
  readonly providerKeys: ProviderKeys;
  readonly models: Models;
  readonly catalog: Catalog;
  readonly listUpstreamModels: ListUpstreamModels;
}

/**
 * A vendor without a list of models (Ollama) serves what it has, free of charge.
 * @throws {AppError} as creating a model does; what was made before stays.
 */
export async function addPreset(services: PresetServices, request: PresetRequest, by: By): Promise<AddedPreset> {
  const added: Model[] = [];
  const existing: Model[] = [];
  for (const model of await modelsOf(services, request)) {
    const known = services.catalog.modelByIdentifier(model.identifier);
    if (known === undefined) added.push(await services.models.create(modelInput(model, request), by));
    else existing.push(known);
  }
  const { preset, apiKey } = request;
  // Also if all models already existed: the command is the way to test a new key.
  const keyId = await services.providerKeys.enter(preset.name, { apiKey }, by);
  return { added, existing, keyId };
}

async function modelsOf(services: PresetServices, { preset, urlBase, apiKey }: PresetRequest): Promise<PresetModel[]> {
  if (preset.models.length > 0) return preset.models;
  const listed = await services.listUpstreamModels({ kind: preset.kind, urlBase }, apiKey);
  return listed.map(({ id }) => ({
    identifier: id,
    displayName: id.slice(0, 100),
    capabilities: ['text-to-text'],
    perMillionTokens: { input: '0', output: '0' },
    source: 'listed by the vendor',
  }));
}

function modelInput(model: PresetModel, { preset, urlBase, apiKey, rate }: PresetRequest) {
  return {
    displayName: model.displayName,
    modelIdentifier: model.identifier,
    capabilities: model.capabilities,
    pricing: presetPricing(model, rate),
    contextWindow: model.contextWindow,
    maxOutputTokens: model.maxOutputTokens,
    defaultMaxTokens: model.defaultMaxTokens,
    tokensPerImage: model.tokensPerImage,
    providerName: preset.name,
    kind: preset.kind,
    urlBase,
    apiKey,
  };
}
