/** Models: administered with a login token, read by everyone; with an access key alone in OpenAI's form. */
import { z } from 'zod';
import type { AccessKeyCaller, Caller } from '../../core/accounts/caller.ts';
import type { Catalog } from '../../core/catalog/catalog.ts';
import { CAPABILITIES } from '../../core/catalog/model.ts';
import type { Model } from '../../core/catalog/model-record.ts';
import { MODEL_SORT_KEYS } from '../../core/catalog/model-store.ts';
import type { Models } from '../../core/catalog/models.ts';
import { needsSchema } from '../../core/providers/needs.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { asRead, idInput, idParams, integerInput, optional, optionalText, switchInput } from '../http/fields.ts';
import { tokenPriceInput } from '../http/money.ts';
import { page, pageOf, pageQuery } from '../http/paging.ts';
import { ANSWERED, type Route, type RouteCall, route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';
import { by } from '../http/route-input.ts';
import { inputOf } from '../http/validation.ts';
import {
  apiKeyInput,
  capabilitySchema,
  kindSchema,
  MODEL_ADMINS,
  modelRecord,
  modelSchema,
  nameInput,
  optionalField,
  probeSchema,
  urlBaseInput,
} from './catalog-fields.ts';

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
const price = optional(tokenPriceInput);
const capabilitiesInput = z
  .array(capabilitySchema)
  .min(1)
  .max(2 * CAPABILITIES.length)
  .transform((capabilities) => [...new Set(capabilities)]);

const numericId = inputOf(idParams, 'refused');

/** The fields of which nothing follows when they are left out. */
const optionalFields = {
  pricing: optional(
    z.object({
      input: price,
      output: price,
      cachedInput: price,
      cacheWrite: price,
      perImage: price,
      perRequest: price,
    }),
  ).meta({
    description: 'Prices of one token; output is the price of one image for a model that only makes images',
  }),
  providerId: optional(idInput),
  providerName: optionalField(nameInput),
  urlBase: optionalField(urlBaseInput).meta({ description: 'Of a provider that does not exist yet' }),
  kind: optionalField(kindSchema),
  apiKey: optionalField(apiKeyInput),
  priority: optional(integerInput.pipe(z.number().int().min(1).max(MAX_PRIORITY))),
  status: optional(switchInput),
  upstreamModel: optional(z.string().trim().max(150)).meta({ description: 'The name the provider knows it by' }),
  contextWindow: tokensInput,
  maxOutputTokens: tokensInput,
  defaultMaxTokens: tokensInput,
  tokensPerImage: tokensInput.meta({ description: 'The most tokens that a picture in a prompt is counted as' }),
  needs: needsSchema.nullish().meta({
    description:
      'What the model needs a chat request to be like, where it differs from what is known of its vendor and name; replaced as a whole, null: nothing differs',
  }),
  pricedFields: optional(z.array(z.string().min(1).max(64)).max(MAX_PRICED_FIELDS)).meta({
    description:
      'Request fields that change the price and may pass all the same, such as service_tier; tools for those that the provider runs',
  }),
};

const createBody = z.object({
  ...optionalFields,
  displayName: nameInput,
  modelIdentifier: identifierInput,
  capabilities: capabilitiesInput,
});

const changeBody = z.object({
  ...optionalFields,
  displayName: optionalField(nameInput),
  modelIdentifier: optionalField(identifierInput),
  capabilities: optional(capabilitiesInput),
  ...{ id: asRead, createdAt: asRead, updatedAt: asRead, knownNeeds: needsSchema.nullish() },
});

const openAiModelSchema = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.number().int().meta({ description: 'Seconds since 1970' }),
    owned_by: z.string(),
  })
  .meta({ id: 'OpenAIModel' });

export function modelRoutes({ models, catalog }: ModelServices, config: Config): Route[] {
  const zone = config.APP_TIME_ZONE;
  return [...readingRoutes(models, catalog, zone), ...changingRoutes(models, zone)];
}

function readingRoutes(models: Models, catalog: Catalog, zone: string): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/models',
      summary: "All models; with an access key alone, those it may call, in OpenAI's form",
      tag: TAG,
      access: 'anyone-signed-in',
      query: pageQuery(MODEL_SORT_KEYS).extend({
        status: optionalText(switchInput),
        capability: optionalText(capabilitySchema),
      }),
      success: pageOf(modelSchema),
      successForKey: z.object({ object: z.literal('list'), data: z.array(openAiModelSchema) }),
      isForeign: isSdk,
      handler: async ({ ctx, caller, query }) => {
        if (caller.kind === 'access-key') {
          const data = catalog.onlineModels().filter((model) => mayCall(caller, model));
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
      slashes: true,
      summary: "One model by its id; with an access key alone by its identifier, in OpenAI's form",
      tag: TAG,
      access: 'anyone-signed-in',
      params: z.object({ id: z.string().min(1).max(150) }),
      success: modelSchema,
      successForKey: openAiModelSchema,
      isForeign: isSdk,
      handler: async ({ ctx, caller, params }) => {
        if (caller.kind === 'access-key') {
          const model = catalog.modelByIdentifier(params.id);
          if (model?.online && mayCall(caller, model)) return answer(ctx, openAiModel(model));
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
      method: 'put',
      path: '/v1/models/{id}',
      summary: 'Change a model; another price becomes a new version; null takes a limit away',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams,
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
      summary: 'Put a model online (1) or offline (0)',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams,
      body: z.object({ status: switchInput }),
      success: modelSchema,
      handler: async (input) => {
        await models.setOnline(input.params.id, input.body.status, by(input));
        return modelRecord(await models.get(input.params.id), true, zone);
      },
    }),
    route({
      method: 'post',
      path: '/v1/models/{id}/test',
      summary: 'One small real call to the model, also when it is offline',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams,
      success: probeSchema,
      handler: ({ params, signal }) => models.test(params.id, signal),
    }),
    route({
      method: 'delete',
      path: '/v1/models/{id}',
      summary: 'Delete a model; its prices stay for what was charged by them',
      tag: TAG,
      access: MODEL_ADMINS,
      params: idParams,
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

function openAiModel({ modelIdentifier, createdAt, providerName }: Model): z.output<typeof openAiModelSchema> {
  const created = Math.floor(createdAt.getTime() / 1000);
  return { id: modelIdentifier, object: 'model', created, owned_by: providerName };
}

function answer(ctx: ApiContext, body: object) {
  ctx.body = body;
  return ANSWERED;
}
