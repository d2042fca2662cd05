/** The caller's own access keys. */
import { z } from 'zod';
import type { AccessKey, AccessKeyChange } from '../../core/accounts/access-key.ts';
import { maskedAccessKey } from '../../core/accounts/access-key.ts';
import type { AccessKeys } from '../../core/accounts/access-keys.ts';
import { BUDGET_PERIODS } from '../../infra/calendar.ts';
import type { Config } from '../../infra/config.ts';
import { idParams, integerInput, nameText, optional, switchInput } from '../http/fields.ts';
import { decimalOutput, money, moneyInput } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { isoTime, recordTimes, timeInput, timeOutput } from '../http/times.ts';

const TAG = 'Access keys';
const MAX_ALLOWED_MODELS = 200;
/** Two hundred names of models at their longest. */
const KEY_BODY_BYTES = 128 * 1024;
const MAX_RATE = 1_000_000_000;

/** An absent or null limit is no limit; in PATCH an absent one stays. */
function limitFields(zone: string) {
  const rate = integerInput.pipe(z.number().int().min(1).max(MAX_RATE)).nullish();
  return {
    tag: nameText
      .pipe(z.string().max(40))
      .nullish()
      .describe('What it is for, such as a team or a project; spend is summed by it. null for none'),
    expiresAt: timeInput(zone)
      .refine((time) => time.getTime() > Date.now(), 'must be in the future')
      .nullish()
      .describe('The key is refused from then on; null for never'),
    allowedModels: z
      .array(z.string().min(1).max(150))
      .min(1, 'must name a model, or be null for all')
      .max(MAX_ALLOWED_MODELS)
      .nullish()
      .describe('Identifiers of the models that the key may call; null for all'),
    rpmLimit: rate.describe('Requests a minute; null for no limit'),
    tpmLimit: rate.describe('Tokens a minute; null for no limit'),
    parallelLimit: rate.describe('Requests at once; null for no limit'),
    budget: moneyInput
      .refine((amount) => amount >= 0n, 'must not be negative')
      .nullish()
      .describe('The most that the key may spend in its period; null for no limit'),
    budgetPeriod: z
      .enum(BUDGET_PERIODS)
      .nullish()
      .describe('How often the budget begins anew; total is never, and the default'),
  };
}

const keyFields = {
  id: z.number().int().describe('Id of the access key'),
  name: z.string().describe('Its name, empty without one'),
  tag: z.string().nullable().describe('What it is for; null without one'),
  isActive: z.boolean().describe('Whether the key works'),
  maskedKeyValue: z.string().describe('The key with its middle left out'),
  expiresAt: timeOutput.nullable().describe('When it stops working; null for never'),
  allowedModels: z
    .array(z.string())
    .readonly()
    .nullable()
    .describe('Identifiers of the models that it may call; null for all'),
  rpmLimit: z.number().nullable().describe('Requests a minute; null for no limit'),
  tpmLimit: z.number().nullable().describe('Tokens a minute; null for no limit'),
  parallelLimit: z.number().nullable().describe('Requests at once; null for no limit'),
  budget: decimalOutput.nullable().describe('The most that it may spend in its period; null for no limit'),
  budgetPeriod: z.enum(BUDGET_PERIODS).nullable().describe('How often the budget begins anew; total is never'),
  budgetUsed: decimalOutput.nullable().describe('Spent and held in the running period; null without a budget'),
  lastUsedAt: timeOutput.nullable().describe('Its last call, to the minute or so; null for none'),
  ...recordTimes,
};
const keySchema = z.object(keyFields).meta({ id: 'AccessKey' });
const newKeySchema = z.object({
  ...keyFields,
  keyValue: z.string().optional().meta({ description: 'The key itself, shown this once; absent in a repeated answer' }),
});

function keyRecord(key: AccessKey, budgetUsed: bigint | null, zone: string): z.input<typeof keySchema> {
  const { id, name, tag, allowedModels, rpmLimit, tpmLimit, parallelLimit, budgetPeriod } = key;
  return {
    ...{ id, name, tag, allowedModels, rpmLimit, tpmLimit, parallelLimit, budgetPeriod },
    isActive: key.active,
    maskedKeyValue: maskedAccessKey(key.publicPart, key.lastFour),
    expiresAt: key.expiresAt && isoTime(key.expiresAt, zone),
    budget: key.budget === null ? null : money(key.budget),
    budgetUsed: budgetUsed === null ? null : money(budgetUsed),
    lastUsedAt: key.lastUsedAt && isoTime(key.lastUsedAt, zone),
    createdAt: isoTime(key.createdAt, zone),
    updatedAt: isoTime(key.updatedAt, zone),
  };
}

export function accessKeyRoutes(services: { readonly accessKeys: AccessKeys }, config: Config): Route[] {
  const { accessKeys } = services;
  const zone = config.APP_TIME_ZONE;
  const limits = limitFields(zone);
  const answerOf = async (key: AccessKey) => {
    const used = await accessKeys.budgetsUsed([key]);
    return keyRecord(key, used.get(key.id) ?? null, zone);
  };
  return [
    route({
      method: 'post',
      path: '/v1/access-keys',
      operationId: 'createAccessKey',
      summary: 'Make an access key; its text is in this answer only',
      tag: TAG,
      access: 'jwt',
      body: z.object({ name: optional(nameText).describe('A name to tell keys apart'), ...limits }),
      bodyLimitBytes: KEY_BODY_BYTES,
      success: newKeySchema,
      idempotent: true,
      kept: ({ keyValue: _, ...rest }) => rest,
      handler: async ({ caller, body, operationId }) => {
        const { tag = null } = body;
        const limits = {
          expiresAt: body.expiresAt ?? null,
          allowedModels: body.allowedModels ?? null,
          rpmLimit: body.rpmLimit ?? null,
          tpmLimit: body.tpmLimit ?? null,
          parallelLimit: body.parallelLimit ?? null,
          budget: body.budget ?? null,
          budgetPeriod: body.budgetPeriod ?? null,
        };
        const { key, text } = await accessKeys.create(caller.userId, operationId, body.name ?? '', limits, tag || null);
        return { ...(await answerOf(key)), keyValue: text };
      },
    }),
    route({
      method: 'get',
      path: '/v1/access-keys',
      operationId: 'listAccessKeys',
      summary: 'The own access keys, masked',
      tag: TAG,
      access: 'jwt',
      success: z.array(keySchema),
      handler: async ({ caller }) => {
        const keys = await accessKeys.list(caller.userId);
        const used = await accessKeys.budgetsUsed(keys);
        return keys.map((key) => keyRecord(key, used.get(key.id) ?? null, zone));
      },
    }),
    route({
      method: 'patch',
      path: '/v1/access-keys/{id}',
      operationId: 'updateAccessKey',
      summary: 'Rename a key, switch it on or off, change its limits; null takes a limit away',
      tag: TAG,
      access: 'jwt',
      params: idParams('access key'),
      body: z.object({
        name: optional(nameText).describe('A name to tell keys apart'),
        isActive: optional(switchInput).describe('Whether the key works'),
        ...limits,
      }),
      bodyLimitBytes: KEY_BODY_BYTES,
      success: keySchema,
      handler: async ({ caller, params, body: { isActive, ...rest } }) => {
        const change: AccessKeyChange = present({ ...rest, active: isActive });
        return answerOf(await accessKeys.change(params.id, caller.userId, change));
      },
    }),
    route({
      method: 'delete',
      path: '/v1/access-keys/{id}',
      operationId: 'deleteAccessKey',
      summary: 'Delete a key; it stops working at once',
      tag: TAG,
      access: 'jwt',
      params: idParams('access key'),
      success: z.null(),
      handler: async ({ caller, params }) => {
        await accessKeys.remove(params.id, caller.userId);
        return null;
      },
    }),
  ];
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, so that only what was sent is changed. */
function present<T extends object>(fields: T): Present<T> {
  const sent: Present<T> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) sent[name] = value as Exclude<T[typeof name], undefined>;
  }
  return sent;
}
