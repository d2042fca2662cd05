/** Providers, for those who administer models. */
import { z } from 'zod';
import { addPreset, type PresetServices } from '../../core/catalog/add-preset.ts';
import type { Model } from '../../core/catalog/model-record.ts';
import { PRESETS, presetNamed, presetRate } from '../../core/catalog/presets.ts';
import { conditionSchema, ruleName } from '../../core/catalog/price-rules.ts';
import { PROVIDER_SORT_KEYS, type Provider } from '../../core/catalog/provider-store.ts';
import type { Providers } from '../../core/catalog/providers.ts';
import type { Config } from '../../infra/config.ts';
import { invalid } from '../../infra/errors.ts';
import { asRead, idParams, optional } from '../http/fields.ts';
import { moneyInput } from '../http/money.ts';
import { page, pageOf, pageQuery } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { isoTime, recordTimes } from '../http/times.ts';
import {
  apiKeyInput,
  capabilitySchema,
  kindSchema,
  MODEL_ADMINS,
  modelRecord,
  modelSchema,
  nameInput,
  optionalField,
  urlBaseInput,
} from './catalog-fields.ts';

const TAG = 'Providers';
const MOST_MODELS = 1_000;
const rateInput = moneyInput.refine((rate) => rate > 0n, 'must be above 0');

const urlBaseField = optionalField(urlBaseInput).describe('Where its API begins; may end in the endpoint itself');
const kindField = optionalField(kindSchema).describe(
  'The wire format it speaks; follows from the address when left out',
);

const providerSchema = z
  .object({
    id: z.number().int().describe('Id of the provider'),
    name: z.string().describe('Its name'),
    kind: kindSchema,
    urlBase: z.string().describe('Where its API begins; empty while it has none'),
    ...recordTimes,
  })
  .meta({ id: 'Provider' });

const tokenPrices = z.object({
  input: z.string().describe('Of tokens that are sent'),
  output: z.string().describe('Of tokens that are generated'),
  cachedInput: z.string().optional().describe('Of sent tokens that the vendor has in its cache'),
  cacheWrite: z.string().optional().describe('Of sent tokens that the vendor writes into its cache'),
  hourCacheWrite: z.string().optional().describe('Of sent tokens that it keeps there for an hour'),
});
const presetPrices = {
  perMillionTokens: tokenPrices.optional().describe('Draft prices of a million tokens'),
  perImage: z.string().optional().describe('Draft price of an image'),
  perSearch: z.string().optional().describe('Draft price of a search, or of a search unit of a reranker'),
};
const otherPresetPrices = {
  perRequest: z.string().optional().describe('Draft price of a call'),
  perMillionCharacters: z.string().optional().describe('Draft price of a million characters that are spoken'),
  perHour: z.string().optional().describe('Draft price of an hour of speech that is written down'),
};

const presetSchema = z.object({
  name: z.string().describe('The name to give the provider'),
  displayName: z.string().describe('Name of the vendor'),
  kind: kindSchema,
  urlBase: z.string().describe('Where its API begins'),
  currency: z.string().nullable().describe('Currency of its prices; null for a vendor that takes no money'),
  notes: z.string().optional().describe('What was not found, and what to know'),
  pricesAsOf: z.string().describe('Month in which the draft prices were looked up'),
  models: z
    .array(
      z.object({
        identifier: z.string().describe("The vendor's name for the model"),
        displayName: z.string().describe('Its name for people'),
        capabilities: z.array(capabilitySchema).describe('What it can do'),
        ...presetPrices,
        ...otherPresetPrices,
        priceRules: z
          .array(
            z.object({
              name: ruleName.describe('What statements and logs call it'),
              when: conditionSchema.describe('When it applies; all that is named must hold'),
              ...presetPrices,
              perMillionTokens: tokenPrices.partial().optional().describe('What it changes of these prices'),
            }),
          )
          .optional()
          .describe('The first that applies changes the prices that it names'),
        contextWindow: z.number().int().optional().describe('Tokens that a prompt and its answer may have together'),
        maxOutputTokens: z.number().int().optional().describe('Tokens that an answer may have'),
        defaultMaxTokens: z.number().int().optional().describe('The limit of an answer for callers that set none'),
        tokensPerImage: z.number().int().optional().describe('The most tokens that an image in a prompt is counted as'),
        source: z.string().describe('Of price and limits, with the day on which it was read'),
      }),
    )
    .describe('Its models'),
});

function providerRecord(provider: Provider, zone: string): z.input<typeof providerSchema> {
  const { id, name, kind, urlBase } = provider;
  const times = { createdAt: isoTime(provider.createdAt, zone), updatedAt: isoTime(provider.updatedAt, zone) };
  return { id, name, kind, urlBase, ...times };
}

/** `presets` stands before `{id}`: the first path that fits is taken. */
export function providerRoutes(services: PresetServices, config: Config): Route[] {
  return [...vendorRoutes(services, config), ...ownRoutes(services.providers, config.APP_TIME_ZONE)];
}

function vendorRoutes(services: PresetServices, { APP_TIME_ZONE: zone, CURRENCY: currency }: Config): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/providers/presets',
      operationId: 'listPresets',
      summary: 'Known vendors with base URL, kind and draft prices',
      tag: TAG,
      access: MODEL_ADMINS,
      success: z.array(presetSchema),
      handler: () =>
        PRESETS.providers.map(({ needs: _needs, needsByName: _byName, ...preset }) => ({
          ...preset,
          pricesAsOf: PRESETS.asOf,
        })),
    }),
    route({
      method: 'post',
      path: '/v1/providers/presets',
      operationId: 'addPreset',
      summary: 'Make provider, key and models of a known vendor in one step; what is there already stays as it is',
      tag: TAG,
      access: MODEL_ADMINS,
      body: z.object({
        name: nameInput.describe('Name of the preset'),
        apiKey: optionalField(apiKeyInput).describe('A key of the vendor; may be left out where its provider exists'),
        rate: optional(rateInput).describe(
          "How much of this installation's currency one unit of the vendor's is; required where the two differ",
        ),
        urlBase: optionalField(urlBaseInput).describe("Another address than the vendor's"),
        models: optional(z.array(z.string().min(1).max(150)).max(MOST_MODELS)).describe(
          "Only these models, by the vendor's names; all of the preset when left out",
        ),
      }),
      success: z.object({
        provider: providerSchema.describe('The provider'),
        keyId: z.number().int().nullable().describe('Id of the key; null where none was given'),
        added: z.array(modelSchema).describe('Models that were made, with draft prices'),
        existing: z.array(modelSchema).describe('Models that were there already, as they are'),
      }),
      idempotent: true,
      handler: async (input) => {
        const { name, rate: given, ...rest } = input.body;
        const preset = presetNamed(name);
        if (preset === undefined) throw invalid([{ path: 'name', message: 'is no preset' }]);
        const rate = presetRate(preset, currency, given);
        if (rate === undefined) {
          const message = `is required: the prices are in ${preset.currency}, this installation counts in ${currency}`;
          throw invalid([{ path: 'rate', message }], 'missingParameter');
        }
        const {
          provider,
          keyId = null,
          added,
          existing,
        } = await addPreset(services, { preset, rate, ...rest }, by(input));
        const shown = (model: Model) => modelRecord(model, true, zone);
        return {
          ...{ provider: providerRecord(provider, zone), keyId },
          ...{ added: added.map(shown), existing: existing.map(shown) },
        };
      },
    }),
    route({
      method: 'get',
      path: '/v1/providers/{id}/upstream-models',
      operationId: 'listUpstreamModels',
      summary: 'Ask the vendor for its models, with the first active key',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams('provider'),
      success: z.array(
        z.object({
          id: z.string().describe("The vendor's name for the model"),
          ownedBy: z.string().nullable().describe('Whose model it is, where the vendor says so'),
        }),
      ),
      handler: ({ params, signal }) => services.providers.upstreamModels(params.id, signal),
    }),
  ];
}

function ownRoutes(providers: Providers, zone: string): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/providers',
      operationId: 'createProvider',
      summary: 'Make a provider; base URL and kind of a known vendor follow from its name',
      tag: TAG,
      access: MODEL_ADMINS,
      body: z.object({
        name: nameInput.describe('A name that no other provider has'),
        urlBase: urlBaseField,
        kind: kindField,
      }),
      success: providerSchema,
      idempotent: true,
      handler: async (input) => providerRecord(await providers.create(input.body, by(input)), zone),
    }),
    route({
      method: 'get',
      path: '/v1/providers',
      operationId: 'listProviders',
      summary: 'All providers',
      tag: TAG,
      access: MODEL_ADMINS,
      query: pageQuery(PROVIDER_SORT_KEYS),
      success: pageOf(providerSchema),
      handler: async ({ query }) => {
        const { records, total } = await providers.page(query);
        const shown = records.map((provider) => providerRecord(provider, zone));
        return page(shown, total, query);
      },
    }),
    route({
      method: 'get',
      path: '/v1/providers/{id}',
      operationId: 'getProvider',
      summary: 'One provider',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams('provider'),
      success: providerSchema,
      handler: async ({ params }) => providerRecord(await providers.get(params.id), zone),
    }),
    route({
      method: 'put',
      path: '/v1/providers/{id}',
      operationId: 'updateProvider',
      summary: 'Change a provider; another address or kind switches its keys off until they are entered again',
      description: `A first address leaves on the keys that its caller entered. Without \`kind\`, the kind is what the new
host says; one that was chosen for a host of no known vendor stays.`,
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams('provider'),
      body: z.object({
        name: optionalField(nameInput).describe('Another name'),
        urlBase: urlBaseField,
        kind: kindField,
        ...{ id: asRead, createdAt: asRead, updatedAt: asRead },
      }),
      success: providerSchema,
      handler: async (input) => {
        const { name, urlBase, kind } = input.body;
        return providerRecord(await providers.update(input.params.id, { name, urlBase, kind }, by(input)), zone);
      },
    }),
    route({
      method: 'delete',
      path: '/v1/providers/{id}',
      operationId: 'deleteProvider',
      summary: 'Delete a provider with its keys; refused while a model refers to it',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams('provider'),
      success: z.null(),
      handler: async (input) => {
        await providers.delete(input.params.id, by(input));
        return null;
      },
    }),
  ];
}
