/** Providers, for those who administer models. */
import { z } from 'zod';
import { PRESETS } from '../../core/catalog/presets.ts';
import { PROVIDER_SORT_KEYS, type Provider } from '../../core/catalog/provider-store.ts';
import type { Providers } from '../../core/catalog/providers.ts';
import type { Config } from '../../infra/config.ts';
import { asRead, idParams } from '../http/fields.ts';
import { page, pageOf, pageQuery } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { isoTime, timeOutput } from '../http/times.ts';
import {
  capabilitySchema,
  kindSchema,
  MODEL_ADMINS,
  nameInput,
  optionalField,
  urlBaseInput,
} from './catalog-fields.ts';

const TAG = 'Providers';

const providerSchema = z
  .object({
    id: z.number().int(),
    name: z.string(),
    kind: kindSchema,
    urlBase: z.string().meta({ description: 'Empty while it has none' }),
    createdAt: timeOutput,
    updatedAt: timeOutput,
  })
  .meta({ id: 'Provider' });

const presetSchema = z.object({
  name: z.string(),
  displayName: z.string(),
  kind: kindSchema,
  urlBase: z.string(),
  currency: z.string().nullable().meta({ description: 'Of its prices; null for a vendor that takes no money' }),
  notes: z.string().optional().meta({ description: 'What was not found, and what to know' }),
  pricesAsOf: z.string().meta({ description: 'Month in which the draft prices were looked up' }),
  models: z.array(
    z.object({
      identifier: z.string(),
      displayName: z.string(),
      capabilities: z.array(capabilitySchema),
      perMillionTokens: z
        .object({
          input: z.string(),
          output: z.string(),
          cachedInput: z.string().optional(),
          cacheWrite: z.string().optional(),
        })
        .optional(),
      perImage: z.string().optional(),
      contextWindow: z.number().int().optional(),
      maxOutputTokens: z.number().int().optional(),
      defaultMaxTokens: z.number().int().optional(),
      tokensPerImage: z.number().int().optional(),
      source: z.string().meta({ description: 'Of price and limits, with the day on which it was read' }),
    }),
  ),
});

function providerRecord(provider: Provider, zone: string): z.input<typeof providerSchema> {
  const { id, name, kind, urlBase } = provider;
  const times = { createdAt: isoTime(provider.createdAt, zone), updatedAt: isoTime(provider.updatedAt, zone) };
  return { id, name, kind, urlBase, ...times };
}

export interface ProviderServices {
  readonly providers: Providers;
}

/** `presets` stands before `{id}`: the first path that fits is taken. */
export function providerRoutes({ providers }: ProviderServices, config: Config): Route[] {
  return [...vendorRoutes(providers), ...ownRoutes(providers, config.APP_TIME_ZONE)];
}

function vendorRoutes(providers: Providers): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/providers/presets',
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
      method: 'get',
      path: '/v1/providers/{id}/upstream-models',
      summary: 'Ask the vendor for its models, with the first active key',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams,
      success: z.array(z.object({ id: z.string(), ownedBy: z.string().nullable() })),
      handler: ({ params, signal }) => providers.upstreamModels(params.id, signal),
    }),
  ];
}

function ownRoutes(providers: Providers, zone: string): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/providers',
      summary: 'Make a provider; base URL and kind of a known vendor follow from its name',
      tag: TAG,
      access: MODEL_ADMINS,
      body: z.object({ name: nameInput, urlBase: optionalField(urlBaseInput), kind: optionalField(kindSchema) }),
      success: providerSchema,
      idempotent: true,
      handler: async (input) => providerRecord(await providers.create(input.body, by(input)), zone),
    }),
    route({
      method: 'get',
      path: '/v1/providers',
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
      summary: 'One provider',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams,
      success: providerSchema,
      handler: async ({ params }) => providerRecord(await providers.get(params.id), zone),
    }),
    route({
      method: 'put',
      path: '/v1/providers/{id}',
      summary: 'Change a provider; another address or kind switches its keys off until they are entered again',
      description: `A first address leaves on the keys that its caller entered. Without \`kind\`, the kind is what the new
host says; one that was chosen for a host of no known vendor stays.`,
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams,
      body: z.object({
        name: optionalField(nameInput),
        urlBase: optionalField(urlBaseInput),
        kind: optionalField(kindSchema),
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
      summary: 'Delete a provider with its keys; refused while a model refers to it',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams,
      success: z.null(),
      handler: async (input) => {
        await providers.delete(input.params.id, by(input));
        return null;
      },
    }),
  ];
}
