/** What a model needs a request to be like: by its vendor, by its name, and last by its own record. Pure. */
import { type ModelNeeds, onlyStreams, withoutWordsOfChats } from '../providers/needs.ts';
import { kindOfHost } from '../providers/vendors.ts';
import type { Model } from './model-record.ts';
import { PRESETS, type Preset } from './presets.ts';
import type { ProbeTarget } from './probe.ts';
import type { Provider } from './provider-store.ts';

type Served = Pick<Model, 'modelIdentifier' | 'upstreamModel' | 'providerName' | 'kind' | 'urlBase' | 'settings'>;

/** What the record does not say follows from the vendor, else from the name alone, as at resellers. */
export function needsOf(model: Served): ModelNeeds {
  const { chatInterface, ...needs } = { ...defaultNeeds(model), ...model.settings.needs };
  // Others are never asked by it.
  if (chatInterface === undefined || model.kind !== 'openai') return needs;
  const asked = { ...needs, chatInterface };
  return chatInterface === 'responses' ? withoutWordsOfChats(asked) : asked;
}

export function defaultNeeds(model: Omit<Served, 'settings'>): ModelNeeds {
  const name = upstreamName(model);
  const vendor = vendorOf(model);
  const rules = vendor ? [{ needs: vendor.needs }, ...matching(vendor.needsByName, name)] : [];
  return mergedNeeds(rules.length > 0 ? rules : matching(PRESETS.needsByName, name));
}

function matching(rules: Preset['needsByName'], name: string): Preset['needsByName'] {
  return rules.filter(({ names }) => names.test(name));
}

function mergedNeeds(rules: readonly { readonly needs: ModelNeeds }[]): ModelNeeds {
  return Object.fromEntries(rules.flatMap(({ needs }) => Object.entries(needs)));
}

/** By the host of its address, by the kind of a vendor with a kind of its own, or by the name that the preset gives. */
function vendorOf({ providerName, kind, urlBase }: Pick<Served, 'providerName' | 'kind' | 'urlBase'>) {
  const host = hostOf(urlBase);
  const ownKind = host === '' ? kind : (kindOfHost(urlBase) ?? kind);
  const { providers } = PRESETS;
  return (
    providers.find((preset) => host !== '' && hostOf(preset.urlBase) === host) ??
    providers.find((preset) => ownKind !== 'openai' && preset.kind === ownKind) ??
    providers.find((preset) => preset.name === providerName.toLowerCase())
  );
}

function hostOf(urlBase: string): string {
  return URL.canParse(urlBase) ? new URL(urlBase).host : '';
}

function upstreamName({ upstreamModel, modelIdentifier }: Pick<Served, 'upstreamModel' | 'modelIdentifier'>): string {
  return upstreamModel === '' ? modelIdentifier : upstreamModel;
}

/** Where a test call to a model goes, with one of its provider's keys. */
export function probeTarget(model: Model, { kind, urlBase }: Provider, apiKey: string): ProbeTarget {
  const needs = needsOf(model);
  return {
    kind,
    urlBase,
    apiKey,
    model: upstreamName(model),
    onlyStreams: onlyStreams(needs),
    chatInterface: needs.chatInterface,
    needs,
  };
}
