/** Creates provider, key and models of a known vendor in one step. */

import { invalid } from '../../infra/errors.ts';
import type { By } from '../accounts/audit-log.ts';
import type { Catalog } from './catalog.ts';
import type { Model } from './model-record.ts';
import type { Models } from './models.ts';
import { type Preset, type PresetModel, presetPricing } from './presets.ts';
import type { ProviderKeys } from './provider-keys.ts';
import type { Provider } from './provider-store.ts';
import type { Providers } from './providers.ts';
import type { ListUpstreamModels } from './upstream-models.ts';

export interface PresetRequest {
  readonly preset: Preset;
  /** Left out: the address of the provider, where there is one, or the vendor's. */
  readonly urlBase?: string | undefined;
  /** Left out: the provider has one already. */
  readonly apiKey?: string | undefined;
  /** How much of the installation's currency one unit of the vendor's is, in nano-units. */
  readonly rate: bigint;
  /** Only these, by the vendor's names; left out: all of the preset. */
  readonly models?: readonly string[] | undefined;
}

export interface AddedPreset {
  readonly provider: Provider;
  readonly added: readonly Model[];
  /** Models that already existed and were not changed. */
  readonly existing: readonly Model[];
  /** Of the key that was given. */
  readonly keyId: number | undefined;
}

export interface PresetServices {
  readonly providers: Providers;
  readonly providerKeys: ProviderKeys;
  readonly models: Models;
  readonly catalog: Catalog;
  readonly listUpstreamModels: ListUpstreamModels;
}

/**
 * A vendor without a list of models (Ollama) serves what it has, free of charge.
 * @throws {AppError} as creating a model does; what was made before stays, so that repeating goes on from there.
 */
export async function addPreset(services: PresetServices, request: PresetRequest, by: By): Promise<AddedPreset> {
  const { preset } = request;
  const chosen = chosenModels(request);
  // One that takes no key is called with one all the same.
  const apiKey = request.apiKey ?? (preset.currency === null ? preset.name : undefined);
  const known = await services.providers.named(preset.name);
  if (known === undefined && apiKey === undefined) throw missingKey();
  const { name, kind } = preset;
  const provider =
    known ?? (await services.providers.create({ name, kind, urlBase: request.urlBase ?? preset.urlBase }, by));
  const urlBase = request.urlBase ?? (provider.urlBase === '' ? preset.urlBase : undefined);
  // Also if all models already existed: this is the way to enter a new key.
  const keyId = apiKey === undefined ? undefined : await services.providerKeys.enter(preset.name, { apiKey }, by);
  const added: Model[] = [];
  const existing: Model[] = [];
  const asked = { ...request, urlBase, apiKey };
  for (const model of chosen ?? (await listedModels(services, provider, asked))) {
    const present = services.catalog.modelByIdentifier(model.identifier);
    if (present === undefined) added.push(await services.models.create(modelInput(model, asked), by));
    else existing.push(present);
  }
  return { provider: await services.providers.get(provider.id), added, existing, keyId };
}

function missingKey() {
  return invalid([{ path: 'apiKey', message: 'is required: the provider does not exist yet' }], 'missingParameter');
}

/** @returns undefined for a vendor without a list. @throws {AppError} invalidParameter for a name that it lacks. */
function chosenModels({ preset, models }: PresetRequest): PresetModel[] | undefined {
  if (preset.models.length === 0) return undefined;
  if (models === undefined) return preset.models;
  return models.map((name, index) => {
    const model = preset.models.find(({ identifier }) => identifier === name);
    if (model) return model;
    throw invalid([{ path: `models.${index}`, message: `is no model of the preset ${preset.name}` }]);
  });
}

async function listedModels(
  services: PresetServices,
  provider: Provider,
  { preset, urlBase = provider.urlBase, apiKey = '', models }: PresetRequest,
): Promise<PresetModel[]> {
  const listed = await services.listUpstreamModels({ kind: preset.kind, urlBase }, apiKey);
  const wanted = models === undefined ? listed : listed.filter(({ id }) => models.includes(id));
  return wanted.map(({ id }) => ({
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
