/** What a model's prices may be, and how the contract's `pricing` maps to a stored price. Pure. */
import { type FieldError, invalid } from '../../infra/errors.ts';
import { formatTokenPrice } from '../ledger/money.ts';
import { NO_RATES, type Price, type PriceRule, type Rates } from '../ledger/price.ts';
import type { Capability } from './model.ts';
import {
  conditionOf,
  conditionProblems,
  storableRules,
  type WrittenCondition,
  writtenCondition,
} from './price-rules.ts';

/**
 * Prices as they come in, all at the scale of token prices: nano-units per million, 1e-15 of the currency. Those of
 * characters and seconds are kept at it.
 * `output` is the price of one token, of one image for a model that only makes images; a model that makes both names
 * the price of an image as `perImage`.
 */
export interface PriceParts {
  readonly input?: bigint | undefined;
  readonly output?: bigint | undefined;
  readonly cachedInput?: bigint | undefined;
  readonly cacheWrite?: bigint | undefined;
  readonly hourCacheWrite?: bigint | undefined;
  readonly perImage?: bigint | undefined;
  readonly perRequest?: bigint | undefined;
  readonly perSearch?: bigint | undefined;
  readonly perCharacter?: bigint | undefined;
  readonly perSecond?: bigint | undefined;
}

/** What it names in place of the price's own; the first rule whose condition holds applies. */
export interface PricingRule extends PriceParts {
  readonly name: string;
  readonly when: WrittenCondition;
}

export interface Pricing extends PriceParts {
  /** Searches of one call that a hold covers. */
  readonly mostSearches?: number | undefined;
  readonly rules?: readonly PricingRule[] | undefined;
}

/** A price before it is a stored version. Token prices in nano-units per million tokens, the others in nano-units. */
export type PriceFields = Omit<Price, 'id'>;

const PER_MILLION = 1_000_000n;
/** 0.01 a token; real prices are a hundred times lower. */
const HIGHEST_TOKEN_PRICE = 10n ** 13n;
/** A thousand for one image or one request. */
const HIGHEST_UNIT_PRICE = 10n ** 12n;
/** Held for where a search has a price and nobody says how many one call may make. */
const USUAL_SEARCHES = 10;

export function makesText(capabilities: readonly Capability[]): boolean {
  return capabilities.includes('text-to-text') || capabilities.includes('image-to-text');
}

export function makesImages(capabilities: readonly Capability[]): boolean {
  return capabilities.some((capability) => capability.endsWith('-to-image'));
}

/** What a model is paid by that makes neither text nor images; any of these will do. Moderations may be free. */
const PAID_BY: Readonly<Partial<Record<Capability, readonly (keyof PriceParts)[]>>> = {
  'text-to-embedding': ['input'],
  rerank: ['input', 'perSearch', 'perRequest'],
  'text-to-speech': ['perCharacter', 'input', 'output', 'perRequest'],
  'speech-to-text': ['perSecond', 'input', 'output', 'perRequest'],
};

function unpaid(pricing: Pricing, capabilities: readonly Capability[]): FieldError[] {
  if (makesText(capabilities)) return [];
  return capabilities.flatMap((capability) => {
    const [first, ...others] = PAID_BY[capability] ?? [];
    if (first === undefined || [first, ...others].some((name) => pricing[name] !== undefined)) return [];
    const message = others.length === 0 ? 'is required' : `is required, or ${others.join(' or ')}`;
    return [{ path: `pricing.${first}`, message }];
  });
}

/** @throws {AppError} invalidParameter naming every field that is missing or cannot be meant. */
export function priceOf(pricing: Pricing, capabilities: readonly Capability[]): PriceFields {
  const text = makesText(capabilities);
  const images = makesImages(capabilities);
  const { rules = [] } = pricing;
  const problems = [
    ...(text ? missing({ input: pricing.input, output: pricing.output }) : []),
    ...unpaid(pricing, capabilities),
    ...(images && text ? missing({ perImage: pricing.perImage }) : []),
    ...(images && !text ? missing({ output: pricing.output }) : []),
    ...partProblems(pricing, images && !text, 'pricing'),
    ...rules.flatMap((rule, index) => ruleProblems(rule, images && !text, `pricing.rules.${index}`)),
    ...conditionProblems(rules, 'pricing.rules'),
  ];
  if (problems.length > 0) throw invalid(problems);
  const rates: Rates = { ...NO_RATES, ...ratesOf(pricing, images && !text) };
  const searched = [rates.perSearch, ...rules.map(({ perSearch = 0n }) => perSearch)].some((price) => price > 0n);
  return {
    ...rates,
    perImage: images ? rates.perImage : 0n,
    mostSearches: pricing.mostSearches ?? (searched ? USUAL_SEARCHES : 0),
    rules: rules.map((rule) => ({
      name: rule.name,
      when: conditionOf(rule.when),
      rates: ratesOf(rule, images && !text),
    })),
  };
}

/** What the parts say of a price's rates, in its scales. */
function ratesOf(parts: PriceParts, imagesOnly: boolean): Partial<Rates> {
  const rates = {
    input: parts.input,
    output: imagesOnly ? undefined : parts.output,
    cachedInput: parts.cachedInput,
    cacheWrite: parts.cacheWrite,
    hourCacheWrite: parts.hourCacheWrite,
    perImage: unitPrice(imagesOnly ? parts.output : parts.perImage),
    perRequest: unitPrice(parts.perRequest),
    perSearch: unitPrice(parts.perSearch),
    perCharacter: parts.perCharacter,
    perSecond: parts.perSecond,
  };
  return Object.fromEntries(Object.entries(rates).filter(([, value]) => value !== undefined));
}

function unitPrice(value: bigint | undefined): bigint | undefined {
  return value === undefined ? undefined : value / PER_MILLION;
}

/** The stored price in the contract's form. */
export function pricingOf(price: PriceFields, capabilities: readonly Capability[]): Pricing {
  const text = makesText(capabilities);
  const imagesOnly = makesImages(capabilities) && !text;
  const { input, output, cachedInput, cacheWrite, hourCacheWrite, perImage, perRequest, perSearch } = price;
  const { mostSearches, rules, perCharacter, perSecond } = price;
  const ofTokens = { input, ...(text || output > 0n ? { output } : {}), cachedInput, cacheWrite, hourCacheWrite };
  return {
    ...partsOf(ofTokens, imagesOnly),
    ...(makesImages(capabilities) ? partsOf({ perImage }, imagesOnly) : {}),
    ...(perRequest === 0n ? {} : partsOf({ perRequest }, imagesOnly)),
    ...(perSearch === 0n ? {} : partsOf({ perSearch }, imagesOnly)),
    ...(perCharacter === 0n ? {} : { perCharacter }),
    ...(perSecond === 0n ? {} : { perSecond }),
    ...(mostSearches === 0 ? {} : { mostSearches }),
    ...(rules.length === 0 ? {} : { rules: rules.map((rule) => writtenRule(rule, imagesOnly)) }),
  };
}

/** The same with exact decimal texts, for records. */
export function pricingText({ mostSearches, rules, ...parts }: Pricing): object {
  return {
    ...textsOf(parts),
    ...(mostSearches === undefined ? {} : { mostSearches }),
    ...(rules === undefined
      ? {}
      : { rules: rules.map(({ name, when, ...rule }) => ({ name, when, ...textsOf(rule) })) }),
  };
}

function textsOf(parts: PriceParts): Record<string, string> {
  const set = Object.entries(parts).flatMap(([name, value]) =>
    typeof value === 'bigint' ? [[name, formatTokenPrice(value)] as const] : [],
  );
  return Object.fromEntries(set);
}

function writtenRule({ name, when, rates }: PriceRule, imagesOnly: boolean): PricingRule {
  return { name, when: writtenCondition(when), ...partsOf(rates, imagesOnly) };
}

function partsOf(rates: Partial<Rates>, imagesOnly: boolean): PriceParts {
  const { perImage, perRequest, perSearch, ...ofTokens } = rates;
  const units = { [imagesOnly ? 'output' : 'perImage']: perImage, perRequest, perSearch };
  const parts = [
    ...Object.entries(ofTokens),
    ...Object.entries(units).map(([name, value]) => [name, value && value * PER_MILLION] as const),
  ];
  return Object.fromEntries(parts.filter(([, value]) => value !== undefined && value !== null));
}

export function samePrice(left: PriceFields, right: PriceFields): boolean {
  return comparable(left) === comparable(right);
}

function comparable(price: PriceFields): string {
  const { input, output, cachedInput, cacheWrite, hourCacheWrite, perImage, perRequest, perSearch } = price;
  const ofUnits = [perImage, perRequest, perSearch, price.perCharacter, price.perSecond];
  const rates = [input, output, cachedInput, cacheWrite, hourCacheWrite, ...ofUnits].map(String);
  return JSON.stringify([rates, price.mostSearches, storableRules(price.rules)]);
}

function ruleProblems(rule: PricingRule, imagesOnly: boolean, path: string): FieldError[] {
  const changes = Object.keys(ratesOf(rule, imagesOnly)).length > 0;
  return [
    ...(changes ? [] : [{ path, message: 'must name a price that it changes' }]),
    ...partProblems(rule, imagesOnly, path),
  ];
}

function partProblems(parts: PriceParts, imagesOnly: boolean, path: string): FieldError[] {
  const { input, output, cachedInput, cacheWrite, hourCacheWrite, perImage, perRequest, perSearch } = parts;
  const { perCharacter, perSecond } = parts;
  const ofOutput = imagesOnly ? undefined : output;
  const ofToken = { input, output: ofOutput, cachedInput, cacheWrite, hourCacheWrite, perCharacter, perSecond };
  const ofUnit = imagesOnly ? { output, perRequest, perSearch } : { perImage, perRequest, perSearch };
  return [...tokenPriceProblems(ofToken, path), ...unitPriceProblems(ofUnit, path)];
}

type Amounts = Readonly<Record<string, bigint | undefined>>;

function missing(amounts: Amounts): FieldError[] {
  return Object.entries(amounts)
    .filter(([, value]) => value === undefined)
    .map(([field]) => ({ path: `pricing.${field}`, message: 'is required' }));
}

function tokenPriceProblems(amounts: Amounts, path: string): FieldError[] {
  return problemsOf(amounts, path, (value) =>
    value > HIGHEST_TOKEN_PRICE
      ? 'is above 0.01 for one token: is it meant per thousand or million tokens?'
      : undefined,
  );
}

function unitPriceProblems(amounts: Amounts, path: string): FieldError[] {
  return problemsOf(amounts, path, (value) => {
    if (value > HIGHEST_UNIT_PRICE * PER_MILLION) return 'must be at most 1000';
    return value % PER_MILLION === 0n ? undefined : 'must have at most 9 decimals';
  });
}

function problemsOf(amounts: Amounts, path: string, complaint: (value: bigint) => string | undefined): FieldError[] {
  return Object.entries(amounts).flatMap(([field, value]) => {
    if (value === undefined) return [];
    const message = value < 0n ? 'must not be negative' : complaint(value);
    return message === undefined ? [] : [{ path: `${path}.${field}`, message }];
  });
}
