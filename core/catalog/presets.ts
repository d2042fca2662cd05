/** Known vendors, from a small dated data file. Its prices are drafts: list prices, with the rules that vendors publish. */

import { z } from 'zod';
import { NANO_PER_UNIT, parseMoney } from '../ledger/money.ts';
import { needsSchema } from '../providers/needs.ts';
import { PROVIDER_KINDS } from '../providers/provider.ts';
import { CAPABILITIES } from './model.ts';
import data from './presets.json' with { type: 'json' };
import { conditionSchema, ruleName } from './price-rules.ts';
import { makesImages, makesText, type PriceParts, type Pricing } from './pricing.ts';

const amount = z.string().refine((text) => parseMoney(text) !== undefined);

/** Models of these names, as the vendor knows them, need this beyond what all of the vendor's do. */
const needsByNameSchema = z
  .object({
    names: z.string().transform((pattern) => new RegExp(pattern, 'i')),
    needs: needsSchema,
    source: z.string(),
  })
  .array();

const tokenAmounts = z.strictObject({
  input: amount,
  output: amount,
  cachedInput: amount.optional(),
  cacheWrite: amount.optional(),
  /** Kept for an hour. */
  hourCacheWrite: amount.optional(),
});

const presetModelSchema = z.object({
  identifier: z.string(),
  displayName: z.string(),
  capabilities: z.array(z.enum(CAPABILITIES)),
  /** Amounts of the vendor's currency. */
  perMillionTokens: tokenAmounts.optional(),
  perImage: amount.optional(),
  perSearch: amount.optional(),
  perRequest: amount.optional(),
  perMillionCharacters: amount.optional(),
  /** Of one hour of speech, as vendors publish it by the hour or the minute. */
  perHour: amount.optional(),
  /** The first whose condition holds applies; what it does not name is as without it. */
  priceRules: z
    .array(
      z.strictObject({
        name: ruleName,
        when: conditionSchema,
        perMillionTokens: tokenAmounts.partial().optional(),
        perImage: amount.optional(),
        perSearch: amount.optional(),
      }),
    )
    .optional(),
  contextWindow: z.number().int().optional(),
  maxOutputTokens: z.number().int().optional(),
  /** Where an answer of the longest kind is dear: less is held for calls that set no limit. */
  defaultMaxTokens: z.number().int().optional(),
  tokensPerImage: z.number().int().optional(),
  /** Of price and limits, with the day on which it was read. */
  source: z.string(),
});

const presetSchema = z.object({
  name: z.string(),
  displayName: z.string(),
  kind: z.enum(PROVIDER_KINDS),
  urlBase: z.url(),
  /** null: the vendor takes no money (Ollama). */
  currency: z.string().nullable(),
  /** What was not found, and what to know. */
  notes: z.string().optional(),
  /** Of all its models. */
  needs: needsSchema.default({}),
  needsByName: needsByNameSchema.default([]),
  models: z.array(presetModelSchema),
});

const presetFileSchema = z.object({
  asOf: z.string(),
  /** Of vendors that have no preset, such as resellers. */
  needsByName: needsByNameSchema,
  providers: z.array(presetSchema),
});

export type Preset = Readonly<z.infer<typeof presetSchema>>;
export type PresetModel = Readonly<z.infer<typeof presetModelSchema>>;

/** `asOf` is the month in which the data was looked up. */
export const PRESETS = presetFileSchema.parse(data);

const PER_MILLION = 1_000_000n;
const SECONDS_AN_HOUR = 3_600n;

export function presetNamed(name: string): Preset | undefined {
  return PRESETS.providers.find((preset) => preset.name === name.trim().toLowerCase());
}

/** @throws Error for one that is not in the file. */
export function presetModel(vendor: string, identifier: string): PresetModel {
  const model = presetNamed(vendor)?.models.find((known) => known.identifier === identifier);
  if (model) return model;
  throw new Error(`presets.json has no model ${identifier} of ${vendor}`);
}

/**
 * How much of our currency one unit of the vendor's is, in nano-units; undefined where the two differ and nobody says.
 * @param given what somebody said.
 */
export function presetRate(preset: Preset, currency: string, given: bigint | undefined): bigint | undefined {
  if (given !== undefined) return given;
  return preset.currency === null || preset.currency === currency ? NANO_PER_UNIT : undefined;
}

/**
 * A preset's prices in the installation's currency, rounded up.
 * @param rate the price of one unit of the vendor's currency, in nano-units of ours.
 */
export function presetPricing(model: PresetModel, rate: bigint): Pricing {
  const text = makesText(model.capabilities);
  const imagesOnly = makesImages(model.capabilities) && !text;
  const rules = model.priceRules?.map(({ name, when, ...amounts }) => ({
    name,
    when,
    ...converted(amounts, imagesOnly, rate),
  }));
  const tokens = text ? { perMillionTokens: model.perMillionTokens ?? { input: '0', output: '0' } } : {};
  return { ...converted({ ...model, ...tokens }, imagesOnly, rate), ...(rules === undefined ? {} : { rules }) };
}

type PresetAmounts = Omit<NonNullable<PresetModel['priceRules']>[number], 'name' | 'when'> &
  Pick<PresetModel, 'perRequest' | 'perMillionCharacters' | 'perHour'>;

/** Nano-units per million tokens are what `Pricing` counts in; prices of one image or search are brought to that scale. */
function converted(amounts: PresetAmounts, imagesOnly: boolean, rate: bigint): PriceParts {
  const { perMillionTokens = {}, perImage, perSearch, perRequest, perMillionCharacters, perHour } = amounts;
  const units = { [imagesOnly ? 'output' : 'perImage']: perImage, perSearch, perRequest };
  const parts = [
    ...Object.entries(perMillionTokens).map(([name, text]) => [name, text, 1n] as const),
    ...Object.entries(units).map(([name, text]) => [name, text, PER_MILLION] as const),
    ['perCharacter', perMillionCharacters, 1n] as const,
  ];
  const given = parts.flatMap(([name, text, scale]) =>
    text === undefined ? [] : [[name, inOurs(text, rate) * scale]],
  );
  const hour = inOurs(perHour ?? '0', rate) * PER_MILLION;
  const perSecond = (hour + SECONDS_AN_HOUR - 1n) / SECONDS_AN_HOUR;
  return { ...Object.fromEntries(given), ...(perHour === undefined ? {} : { perSecond }) };
}

function inOurs(text: string, rate: bigint): bigint {
  const scaled = (parseMoney(text) ?? 0n) * rate;
  return (scaled + NANO_PER_UNIT - 1n) / NANO_PER_UNIT;
}
