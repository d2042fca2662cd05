/** Models: administered with a login token, read by everyone; with an access key alone in OpenAI's form. */
import { z } from 'zod';
import type { AccessKeyCaller, Caller } from '../../core/accounts/caller.ts';
import type { Catalog } from '../../core/catalog/catalog.ts';
import { CAPABILITIES } from '../../core/catalog/model.ts';
import type { Model } from '../../core/catalog/model-record.ts';
import { MODEL_SORT_KEYS } from '../../core/catalog/model-store.ts';
import type { Models } from '../../core/catalog/models.ts';
import { pricingOf } from '../../core/catalog/pricing.ts';
import { needsSchema } from '../../core/providers/needs.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { isAnthropicClient } from '../http/anthropic-form.ts';
import { asRead, idInput, idParams, integerInput, optional, optionalText, switchInput } from '../http/fields.ts';
import { cursorPage, cursorPageOf, cursorQuery, page, pageOf, pageQuery } from '../http/paging.ts';
import { ANSWERED, type Route, type RouteCall, route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';
import { by } from '../http/route-input.ts';
import { isoTime, timeOutput } from '../http/times.ts';
import { inputOf } from '../http/validation.ts';
import { anthropicModel, anthropicModelSchema, anthropicModelsSchema, anthropicPage } from './anthropic-models.ts';
import {
  apiKeyInput,
  capabilitySchema,
  kindSchema,
  MODEL_ADMINS,
  modelRecord,
  modelSchema,
  nameInput,
  optionalField,
  PRICED_FIELDS,
  probeSchema,
  TOKEN_LIMITS,
  urlBaseInput,
} from './catalog-fields.ts';
import { openAiModel, openAiModelSchema } from './model-list.ts';
import { pricingInput, pricingRecord, pricingSchema } from './price-fields.ts';

const TAG = 'Models';
const MAX_PRIORITY = 1_000_000;
const MAX_TOKENS = 1_000_000_000;
const MAX_PRICED_FIELDS = 50;

export interface ModelServices {
  readonly models: Models;
  readonly catalog: Catalog;
}

const identifierInput = z
  .string()
  .trim()
  .min(1)
  .max(150)
  .regex(/^[^\s\p{C}]+$/u, 'must not contain spaces or control characters');
/** null is no limit; in a change it takes the limit away. */
const tokensInput = integerInput.pipe(z.number().int().min(1).max(MAX_TOKENS)).nullish();
const capabilitiesInput = z
  .array(capabilitySchema)
  .min(1)
  .max(2 * CAPABILITIES.length)
  .transform((capabilities) => [...new Set(capabilities)]);

const priceVersion = z.object({
  version: z.number().int().describe('Number of the version, from 1'),
  pricing: pricingSchema.describe('What callers paid from then on'),
  capabilities: z
    .array(capabilitySchema)
    .readonly()
    .describe('What the model could do then: the output of one that only makes images is an image'),
  createdBy: z.number().int().nullable().describe('Id of who set it; null for the command line'),
  createdAt: timeOutput.describe('When it was set'),
});

const params = idParams('model');
const numericId = inputOf(params, 'refused');

/** The fields of which nothing follows when they are left out. */
const optionalFields = {
  pricing: optional(pricingInput).describe('What callers pay; a model without a price cannot be online'),
  providerId: optional(idInput).describe('Id of its provider; this or its name'),
  providerName: optionalField(nameInput).describe('Name of its provider, which is created when there is none of it'),
  urlBase: optionalField(urlBaseInput).describe('Address of a provider that does not exist yet'),
  kind: optionalField(kindSchema).describe('Wire format of a provider that does not exist yet'),
  apiKey: optionalField(apiKeyInput).describe('A key of the provider, stored encrypted'),
  priority: optional(integerInput.pipe(z.number().int().min(1).max(MAX_PRIORITY))).describe(
    'Models with a smaller number are tried first',
  ),
  status: optional(switchInput).describe('1 online, 0 offline'),
  upstreamModel: optional(z.string().trim().max(150)).describe(
    'The name that its provider knows it by; the identifier when left out',
  ),
  contextWindow: tokensInput.describe(TOKEN_LIMITS.contextWindow),
  maxOutputTokens: tokensInput.describe(TOKEN_LIMITS.maxOutputTokens),
  defaultMaxTokens: tokensInput.describe(TOKEN_LIMITS.defaultMaxTokens),
  tokensPerImage: tokensInput.describe(TOKEN_LIMITS.tokensPerImage),
  needs: needsSchema.nullish().meta({
    description:
      'What the model needs a chat request to be like, where it differs from what is known of its vendor and name; replaced as a whole, null: nothing differs',
  }),
  pricedFields: optional(z.array(z.string().min(1).max(64)).max(MAX_PRICED_FIELDS)).describe(PRICED_FIELDS),
};

const createBody = z.object({
  ...optionalFields,
  displayName: nameInput.describe('Its name for people'),
  modelIdentifier: identifierInput.describe('The name that callers use for it; no other model has it'),
  capabilities: capabilitiesInput.describe('What it can do'),
});

const changeBody = z.object({
  ...optionalFields,
  displayName: optionalField(nameInput).describe('Its name for people'),
  modelIdentifier: optionalField(identifierInput).describe('The name that callers use for it'),
  capabilities: optional(capabilitiesInput).describe('What it can do'),
  priceVersion: integerInput
    .nullish()
    .describe('The price that `pricing` was made from: 409 where it is no longer in force, and nothing is changed'),
  ...{
    id: asRead,
    createdAt: asRead,
    updatedAt: asRead,
    knownNeeds: needsSchema.nullish().describe('As it was read; changes nothing'),
  },
});

export function modelRoutes({ models, catalog }: ModelServices, config: Config): Route[] {
  const zone = config.APP_TIME_ZONE;
  return [...readingRoutes(models, catalog, zone), ...changingRoutes(models, zone)];
}

function readingRoutes(models: Models, catalog: Catalog, zone: string): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/models',
      operationId: 'listModels',
      summary: "All models; with an access key alone, those it may call, in OpenAI's form",
      description:
        "With the header anthropic-version the list of a key is in Anthropic's form, by `limit`, `after_id` and `before_id`.",
      tag: TAG,
      access: 'anyone-signed-in',
      query: pageQuery(MODEL_SORT_KEYS).extend({
        status: optionalText(switchInput).describe('Only models that are online (1) or offline (0)'),
        capability: optionalText(capabilitySchema).describe('Only models that can do this'),
        providerId: optionalText(idInput).describe('Only models of this provider'),
        search: optionalText(z.string().trim().max(150)).describe('Only models with this in their identifier or name'),
      }),
      success: pageOf(modelSchema),
      successForKey: z.union([
        z.object({
          object: z.literal('list').describe('Always list'),
          data: z.array(openAiModelSchema).describe('The models'),
        }),
        anthropicModelsSchema,
      ]),
      isForeign: isSdk,
      handler: async ({ ctx, caller, query }) => {
        if (caller.kind === 'access-key') {
          const data = catalog.onlineModels().filter((model) => mayCall(caller, model));
          if (isAnthropicClient(ctx)) return answer(ctx, anthropicPage(data, new URLSearchParams(ctx.querystring)));
          return answer(ctx, { object: 'list', data: data.map(openAiModel) });
        }
        const { records, total } = await models.page({ ...query, online: query.status });
        const shown = records.map((model) => modelRecord(model, administers(caller), zone));
        return page(shown, total, query);
      },
    }),
    route({
      method: 'get',
      path: '/v1/models/{id}',
      operationId: 'getModel',
      slashes: true,
      summary: "One model by its id; with an access key alone by its identifier, in OpenAI's form",
      description: "With the header anthropic-version in Anthropic's form.",
      tag: TAG,
      access: 'anyone-signed-in',
      params: z.object({
        id: z.string().min(1).max(150).describe('Id of the model; its identifier with an access key alone'),
      }),
      success: modelSchema,
      successForKey: z.union([openAiModelSchema, anthropicModelSchema]),
      isForeign: isSdk,
      handler: async ({ ctx, caller, params }) => {
        if (caller.kind === 'access-key') {
          const model = catalog.modelByIdentifier(params.id);
          if (model?.online && mayCall(caller, model)) {
            return answer(ctx, isAnthropicClient(ctx) ? anthropicModel(model) : openAiModel(model));
          }
          throw new AppError('modelNotFound', `there is no model ${params.id}`, { param: 'model' });
        }
        const { id } = numericId.parse(params);
        return modelRecord(await models.get(id), administers(caller), zone);
      },
    }),
  ];
}

function changingRoutes(models: Models, zone: string): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/models',
      operationId: 'createModel',
      summary: 'Make a model, and its provider and key where they do not exist yet',
      tag: TAG,
      access: MODEL_ADMINS,
      body: createBody,
      success: modelSchema,
      idempotent: true,
      handler: async (input) => {
        const { status, ...fields } = input.body;
        return modelRecord(await models.create({ ...fields, online: status }, by(input)), true, zone);
      },
    }),
    route({
      method: 'get',
      path: '/v1/admin/models/{id}/prices',
      operationId: 'listModelPrices',
      summary: 'All versions of the price of a model, the newest, which is in force, first',
      tag: TAG,
      access: MODEL_ADMINS,
      params,
      query: cursorQuery(idInput),
      success: cursorPageOf(priceVersion),
      handler: async ({ params, query: { cursor, pageSize } }) => {
        const { capabilities: now } = await models.get(params.id);
        const found = await models.prices(params.id, cursor, pageSize + 1);
        return cursorPage(
          found,
          pageSize,
          ({ version }) => version,
          ({ version, price, capabilities, createdBy, createdAt }) => ({
            ...{ version, pricing: pricingRecord(pricingOf(price, capabilities ?? now)) },
            ...{ capabilities: capabilities ?? now, createdBy, createdAt: isoTime(createdAt, zone) },
          }),
        );
      },
    }),
    route({
      method: 'put',
      path: '/v1/models/{id}',
      operationId: 'updateModel',
      summary: 'Change a model; another price becomes a new version; null takes a limit away',
      tag: TAG,
      access: MODEL_ADMINS,
      params,
      body: changeBody,
      success: modelSchema,
      handler: async (input) => {
        const {
          status,
          id: _id,
          createdAt: _createdAt,
          updatedAt: _updatedAt,
          knownNeeds: _known,
          ...fields
        } = input.body;
        return modelRecord(await models.update(input.params.id, { ...fields, online: status }, by(input)), true, zone);
      },
    }),
    route({
      method: 'post',
      path: '/v1/models/{id}/status',
      operationId: 'setModelStatus',
      summary: 'Put a model online (1) or offline (0)',
      tag: TAG,
      access: MODEL_ADMINS,
      params,
      body: z.object({ status: switchInput.describe('1 online, 0 offline') }),
      success: modelSchema,
      handler: async (input) => {
        await models.setOnline(input.params.id, input.body.status, by(input));
        return modelRecord(await models.get(input.params.id), true, zone);
      },
    }),
    route({
      method: 'post',
      path: '/v1/models/{id}/test',
      operationId: 'testModel',
      summary: 'One small real call to the model, also when it is offline',
      tag: TAG,
      access: MODEL_ADMINS,
      params,
      success: probeSchema,
      handler: ({ params, signal }) => models.test(params.id, signal),
    }),
    route({
      method: 'delete',
      path: '/v1/models/{id}',
      operationId: 'deleteModel',
      summary: 'Delete a model; its prices stay for what was charged by them',
      tag: TAG,
      access: MODEL_ADMINS,
      params,
      success: z.null(),
      handler: async (input) => {
        await models.delete(input.params.id, by(input));
        return null;
      },
    }),
  ];
}

/** SDKs list models with filters of their own vendors. */
function isSdk({ caller }: RouteCall): boolean {
  return caller?.kind === 'access-key';
}

function administers(caller: Caller): boolean {
  return caller.kind === 'user' && caller.role !== 'ROLE_USER';
}

function mayCall({ allowedModels }: AccessKeyCaller, { modelIdentifier }: Model): boolean {
  return allowedModels === null || allowedModels.includes(modelIdentifier);
}

function answer(ctx: ApiContext, body: object) {
  ctx.body = body;
  return ANSWERED;
}
