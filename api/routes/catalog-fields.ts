/** Fields that the routes about providers, their keys and models share. */
import { z } from 'zod';
import { CAPABILITIES } from '../../core/catalog/model.ts';
import { defaultNeeds } from '../../core/catalog/model-needs.ts';
import type { Model } from '../../core/catalog/model-record.ts';
import { pricingOf } from '../../core/catalog/pricing.ts';
import { needsSchema } from '../../core/providers/needs.ts';
import { PROVIDER_KINDS } from '../../core/providers/provider.ts';
import { nameText } from '../http/fields.ts';
import { isoTime, recordTimes } from '../http/times.ts';
import { pricingRecord, pricingSchema } from './price-fields.ts';

export const MODEL_ADMINS = { roles: ['ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] } as const;

export const kindSchema = z.enum(PROVIDER_KINDS).describe('The wire format it speaks');
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
    ok: z.boolean().describe('Whether the call succeeded'),
    latencyMs: z.number().describe('How long it took, in milliseconds'),
    usage: z
      .object({
        promptTokens: z.number().int().describe('Tokens that were sent'),
        completionTokens: z.number().int().describe('Tokens that were generated'),
        imageCount: z.number().int().describe('Images that were made'),
      })
      .optional()
      .describe('What it used'),
    answer: z.string().optional().describe('What the model said'),
    error: z.string().optional().describe("The provider's own message"),
    failure: z.string().optional().describe('What kind of failure it was: account, rate, timeout …'),
    retryAfterMs: z.number().optional().describe('After how many milliseconds the provider may be asked again'),
  })
  .meta({ id: 'ProbeResult' });

/** Limits of a model in tokens. */
export const TOKEN_LIMITS = {
  contextWindow: 'Tokens that a prompt and its answer may have together; null for unknown',
  maxOutputTokens: 'Tokens that an answer may have; null for unknown',
  defaultMaxTokens: 'The limit of an answer for callers that set none; null for the default of the gateway',
  tokensPerImage: 'The most tokens that an image in a prompt is counted as; null for the default of the gateway',
} as const;

export const PRICED_FIELDS =
  'Request fields that change the price and may pass all the same, such as service_tier; tools for those that the provider runs';

export const modelSchema = z
  .object({
    id: z.number().int().describe('Id of the model'),
    displayName: z.string().describe('Its name for people'),
    modelIdentifier: z.string().describe('The name that callers use for it'),
    capabilities: z.array(capabilitySchema).readonly().describe('What it can do'),
    pricing: pricingSchema.nullable().describe('What callers pay; null while it has no price'),
    priceVersion: z.number().int().nullable().describe('Number of this price, from 1; null while it has none'),
    priority: z.number().int().describe('Models with a smaller number are tried first'),
    status: z.number().int().describe('1 online, 0 offline'),
    providerId: z.number().int().describe('Id of its provider'),
    providerName: z.string().describe('Name of its provider'),
    urlBase: z.string().optional().describe('Where its provider’s API begins; for administrators only'),
    upstreamModel: z.string().describe('The name that its provider knows it by'),
    contextWindow: z.number().int().nullable().describe(TOKEN_LIMITS.contextWindow),
    maxOutputTokens: z.number().int().nullable().describe(TOKEN_LIMITS.maxOutputTokens),
    defaultMaxTokens: z.number().int().nullable().describe(TOKEN_LIMITS.defaultMaxTokens),
    tokensPerImage: z.number().int().nullable().describe(TOKEN_LIMITS.tokensPerImage),
    pricedFields: z.array(z.string()).readonly().describe(PRICED_FIELDS),
    needs: needsSchema.nullable().describe('What was set of its needs; null for nothing'),
    knownNeeds: needsSchema.describe('What follows from its vendor and name, where needs say nothing'),
    ...recordTimes,
  })
  .meta({ id: 'Model' });

export function modelRecord(model: Model, forAdministrator: boolean, zone: string): z.input<typeof modelSchema> {
  const { id, displayName, modelIdentifier, capabilities, priority, providerId, providerName } = model;
  const { upstreamModel, contextWindow, maxOutputTokens, defaultMaxTokens, settings } = model;
  return {
    ...{ id, displayName, modelIdentifier, capabilities, priority, providerId, providerName },
    ...{ upstreamModel, contextWindow, maxOutputTokens, defaultMaxTokens },
    pricing: model.price === null ? null : pricingRecord(pricingOf(model.price, capabilities)),
    priceVersion: model.priceVersion,
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
