/** Keys of providers, for those who administer models. Answers never contain a key. */
import { z } from 'zod';
import type { StoredKey } from '../../core/catalog/key-store.ts';
import type { ProviderKeys } from '../../core/catalog/provider-keys.ts';
import { KEY_STATUS } from '../../core/catalog/tables.ts';
import { OPEN_REASONS } from '../../core/key-pool/circuit.ts';
import type { KeyHealth } from '../../core/key-pool/key-healths.ts';
import type { Config } from '../../infra/config.ts';
import { idInput, integerInput, nameText, optional, switchInput } from '../http/fields.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { isoTime, timeOutput } from '../http/times.ts';
import { apiKeyInput, MODEL_ADMINS, nameInput, optionalField, probeSchema } from './catalog-fields.ts';

const TAG = 'Providers';
const MAX_WEIGHT = 1_000;
const WEIGHT = 'Its share of the calls beside the other keys';
const weightInput = integerInput.pipe(z.number().int().min(1).max(MAX_WEIGHT));

const keyFields = {
  id: z.number().int().describe('Id of the key'),
  providerId: z.number().int().describe('Id of its provider'),
  name: z.string().describe('Its name'),
  maskedApiKey: z.string().describe('Its last four characters'),
  status: z.number().int().describe('1 active, 0 switched off'),
  mustBeEnteredAgain: z
    .boolean()
    .describe("Switched off because the provider's host has changed; enter the key again to use it"),
  weight: z.number().int().describe(WEIGHT),
  createdAt: timeOutput.describe('When it was entered'),
};
const newKeySchema = z.object(keyFields).meta({ id: 'ProviderKey' });
const circuitState = z.enum(['closed', 'open', 'half-open']);
const whyOpen = {
  reason: z
    .enum(OPEN_REASONS)
    .nullable()
    .describe('Why: rate limit, refused key or account, failures of the provider, timeouts; null when it is closed'),
  until: timeOutput.nullable().describe('When it is tried again; null when it is closed or tried right now'),
};
const keySchema = z
  .object({
    ...keyFields,
    circuit: circuitState.describe(
      'Not closed: the key is called for no model, because of its account or of each single model',
    ),
    ...whyOpen,
    modelCircuits: z
      .array(
        z.object({
          modelId: z.number().int().describe('Id of the model'),
          modelIdentifier: z.string().describe('The name that callers use for it'),
          circuit: circuitState.describe('open: no call; half-open: one call is tried'),
          ...whyOpen,
        }),
      )
      .describe('The models that the key is not called for at the moment'),
    recentFailures: z.number().int().describe('Failures of the provider in the last five minutes, of all processes'),
    recentCalls: z.number().int().describe('Calls that it was picked for in the last five minutes, of all processes'),
    lastError: z
      .object({
        kind: z.string().describe('What kind of failure it was: account, rate, transient, timeout …'),
        message: z.string().describe('What the provider said, without keys'),
        time: timeOutput.describe('When it was'),
      })
      .nullable()
      .describe('Its last failure in a day; null without one'),
  })
  .meta({ id: 'ProviderKeyWithHealth' });

export function maskedApiKey(lastFour: string): string {
  return `sk-…${lastFour}`;
}

function keyRecord(key: StoredKey, zone: string): z.input<typeof newKeySchema> {
  const { id, providerId, name, weight } = key;
  return {
    ...{ id, providerId, name, weight },
    maskedApiKey: maskedApiKey(key.lastFour),
    status: key.status === KEY_STATUS.on ? 1 : 0,
    mustBeEnteredAgain: key.status === KEY_STATUS.mustBeEnteredAgain,
    createdAt: isoTime(key.createdAt, zone),
  };
}

function keyWithHealth(key: StoredKey & KeyHealth, zone: string): z.input<typeof keySchema> {
  const { circuit, reason, untilMs, recentFailures, recentSuccesses, lastFailure } = key;
  const until = (ms: number | null) => (ms === null ? null : isoTime(new Date(ms), zone));
  return {
    ...{ ...keyRecord(key, zone), circuit, reason, until: until(untilMs), recentFailures },
    modelCircuits: key.modelCircuits.map(({ untilMs: ms, ...model }) => ({ ...model, until: until(ms) })),
    recentCalls: recentFailures + recentSuccesses,
    lastError: lastFailure
      ? {
          kind: lastFailure.failure,
          message: lastFailure.text,
          time: isoTime(new Date(lastFailure.atMs), zone),
        }
      : null,
  };
}

export interface ProviderKeyServices {
  readonly providerKeys: ProviderKeys;
}

export function providerKeyRoutes({ providerKeys }: ProviderKeyServices, config: Config): Route[] {
  const zone = config.APP_TIME_ZONE;
  const keyParams = z.object({ keyId: idInput.describe('Id of the key') });
  return [
    route({
      method: 'post',
      path: '/v1/providers/keys',
      operationId: 'createProviderKey',
      summary: 'Add a key to a provider, or enter one again; it is stored encrypted and never shown',
      tag: TAG,
      access: MODEL_ADMINS,
      body: z.object({
        providerId: optional(idInput).describe('Id of its provider; this or its name'),
        providerName: optionalField(nameInput).describe('Name of its provider; this or its id'),
        apiKey: apiKeyInput.describe('The key itself'),
        name: optionalField(nameInput).describe('A name to tell keys apart'),
        weight: optional(weightInput).describe(`${WEIGHT}; 1 by default`),
      }),
      success: newKeySchema,
      idempotent: true,
      handler: async (input) => {
        const { providerId, providerName, ...key } = input.body;
        const provider = {
          ...(providerId === undefined ? {} : { id: providerId }),
          ...(providerName === undefined ? {} : { name: providerName }),
        };
        return keyRecord(await providerKeys.create(provider, key, by(input)), zone);
      },
    }),
    route({
      method: 'get',
      path: '/v1/providers/{providerId}/keys',
      operationId: 'listProviderKeys',
      summary: 'The keys of a provider, masked, with their health',
      tag: TAG,
      access: MODEL_ADMINS,
      params: z.object({ providerId: idInput.describe('Id of the provider') }),
      success: z.array(keySchema),
      handler: async ({ params }) =>
        (await providerKeys.list(params.providerId)).map((key) => keyWithHealth(key, zone)),
    }),
    route({
      method: 'get',
      path: '/v1/admin/provider-keys',
      operationId: 'listAllProviderKeys',
      summary: 'The keys of all providers, masked, with their health: which circuits are open, why and until when',
      tag: TAG,
      access: MODEL_ADMINS,
      success: z.array(keySchema),
      handler: async () => (await providerKeys.all()).map((key) => keyWithHealth(key, zone)),
    }),
    route({
      method: 'patch',
      path: '/v1/providers/keys/{keyId}',
      operationId: 'updateProviderKey',
      summary: 'Change the name or the weight of a key',
      tag: TAG,
      access: MODEL_ADMINS,
      params: keyParams,
      body: z.object({
        name: optional(nameText).describe('Another name; empty for none'),
        weight: optional(weightInput).describe(WEIGHT),
      }),
      success: newKeySchema,
      handler: async (input) => keyRecord(await providerKeys.update(input.params.keyId, input.body, by(input)), zone),
    }),
    route({
      method: 'post',
      path: '/v1/providers/keys/{keyId}/status',
      operationId: 'setProviderKeyStatus',
      summary: 'Switch a key on or off',
      tag: TAG,
      access: MODEL_ADMINS,
      params: keyParams,
      body: z.object({ status: switchInput.describe('Whether the key is used') }),
      success: z.null(),
      handler: async (input) => {
        await providerKeys.setActive(input.params.keyId, input.body.status, by(input));
        return null;
      },
    }),
    route({
      method: 'post',
      path: '/v1/providers/keys/{keyId}/test',
      operationId: 'testProviderKey',
      summary: 'One small real call with this key',
      tag: TAG,
      access: MODEL_ADMINS,
      params: keyParams,
      success: probeSchema,
      handler: ({ params, signal }) => providerKeys.test(params.keyId, signal),
    }),
    route({
      method: 'delete',
      path: '/v1/providers/keys/{keyId}',
      operationId: 'deleteProviderKey',
      summary: 'Delete a key',
      tag: TAG,
      access: MODEL_ADMINS,
      params: keyParams,
      success: z.null(),
      handler: async (input) => {
        await providerKeys.delete(input.params.keyId, by(input));
        return null;
      },
    }),
  ];
}
