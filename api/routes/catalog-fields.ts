/** Fields that the routes about providers, their keys and models share. */
import { z } from 'zod';
import { CAPABILITIES } from '../../core/catalog/model.ts';
import { defaultNeeds } from '../../core/catalog/model-needs.ts';
import type { Model } from '../../core/catalog/model-record.ts';
import { type Pricing, pricingOf } from '../../core/catalog/pricing.ts';
import { needsSchema } from '../../core/providers/needs.ts';
import { PROVIDER_KINDS } from '../../core/providers/provider.ts';
import { nameText } from '../http/fields.ts';
import { decimalOutput, tokenPrice } from '../http/money.ts';
import { isoTime, timeOutput } from '../http/times.ts';

export const MODEL_ADMINS = { roles: ['ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] } as const;

export const kindSchema = z.enum(PROVIDER_KINDS);
export const capabilitySchema = z.enum(CAPABILITIES);

export const nameInput = nameText.min(1);
export const urlBaseInput = z.string().trim().min(1).max(500);
/** It becomes a header, so that it can only be visible ASCII. */
export const apiKeyInput = z
  .string()
  .trim()
  .min(1)
  .max(512)
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII characters without spaces');

/** A text that may be left out; forms send an empty or null one for that. */
export function optionalField<S extends z.ZodType>(schema: S) {
  return z
    .union([z.literal('').transform(() => undefined), schema])
    .nullish()
    .transform((value) => value ?? undefined);
}

/** What a test call gave. */
export const probeSchema = z
  .object({
    ok: z.boolean(),
    latencyMs: z.number(),
    usage: z
      .object({ promptTokens: z.number().int(), completionTokens: z.number().int(), imageCount: z.number().int() })
      .optional(),
    answer: z.string().optional(),
    error: z.string().optional().meta({ description: "The provider's own message" }),
    failure: z.string().optional().meta({ description: 'What kind of failure it was: account, rate, timeout, …' }),
    retryAfterMs: z.number().optional(),
  })
  .meta({ id: 'ProbeResult' });

const price = decimalOutput.optional();

export const modelSchema = z
  .object({
    id: z.number().int(),
    displayName: z.string(),
    modelIdentifier: z.string(),
    capabilities: z.array(capabilitySchema).readonly(),
    pricing: z
      .object({
        input: price,
        output: price.meta({ description: 'Of one token; of one image for a model that only makes images' }),
        cachedInput: price,
        cacheWrite: price,
        perImage: price,
        perRequest: price,
      })
      .nullable(),
    priority: z.number().int(),
    status: z.number().int().meta({ description: '1 online, 0 offline' }),
    providerId: z.number().int(),
    providerName: z.string(),
    urlBase: z.string().optional().meta({ description: 'For administrators only' }),
    upstreamModel: z.string(),
    contextWindow: z.number().int().nullable(),
    maxOutputTokens: z.number().int().nullable(),
    defaultMaxTokens: z.number().int().nullable(),
    tokensPerImage: z.number().int().nullable(),
    pricedFields: z.array(z.string()).readonly(),
    needs: needsSchema.nullable().meta({ description: 'What was set of its needs' }),
    knownNeeds: needsSchema.meta({ description: 'What follows from its vendor and name, where needs say nothing' }),
    createdAt: timeOutput,
    updatedAt: timeOutput,
  })
  .meta({ id: 'Model' });

export function modelRecord(model: Model, forAdministrator: boolean, zone: string): z.input<typeof modelSchema> {
  const { id, displayName, modelIdentifier, capabilities, priority, providerId, providerName } = model;
  const { upstreamModel, contextWindow, maxOutputTokens, defaultMaxTokens, settings } = model;
  return {
    ...{ id, displayName, modelIdentifier, capabilities, priority, providerId, providerName },
    ...{ upstreamModel, contextWindow, maxOutputTokens, defaultMaxTokens },
    pricing: model.price === null ? null : pricingRecord(pricingOf(model.price, capabilities)),
    status: model.online ? 1 : 0,
    ...(forAdministrator ? { urlBase: model.urlBase } : {}),
    tokensPerImage: settings.tokensPerImage ?? null,
    pricedFields: settings.pricedFields ?? [],
    needs: settings.needs ?? null,
    knownNeeds: defaultNeeds(model),
    createdAt: isoTime(model.createdAt, zone),
    updatedAt: isoTime(model.updatedAt, zone),
  };
}

/** All parts of `Pricing` have the scale of token prices. */
function pricingRecord(pricing: Pricing) {
  const set = Object.entries(pricing).flatMap(([field, value]) =>
    value === undefined ? [] : [[field, tokenPrice(value)] as const],
  );
  return Object.fromEntries(set);
}
