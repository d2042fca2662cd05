/** What a model's prices may be, and how the contract's `pricing` maps to a stored price. Pure. */
import { type FieldError, invalid } from '../../infra/errors.ts';
import { NO_RATES, type Price } from '../ledger/price.ts';
import type { Capability } from './model.ts';

/**
 * Prices as they come in, all at the scale of token prices: nano-units per million, 1e-15 of the currency.
 * `output` is the price of one token, of one image for a model that only makes images; a model that makes both names
 * the price of an image as `perImage`.
 */
export interface Pricing {
  readonly input?: bigint | undefined;
  readonly output?: bigint | undefined;
  readonly cachedInput?: bigint | undefined;
  readonly cacheWrite?: bigint | undefined;
  readonly perImage?: bigint | undefined;
  readonly perRequest?: bigint | undefined;
}

/** A price before it is a stored version. Token prices in nano-units per million tokens, the others in nano-units. */
export type PriceFields = Omit<Price, 'id'>;

const PER_MILLION = 1_000_000n;
/** 0.01 a token; real prices are a hundred times lower. */
const HIGHEST_TOKEN_PRICE = 10n ** 13n;
/** A thousand for one image or one request. */
const HIGHEST_UNIT_PRICE = 10n ** 12n;

export function makesText(capabilities: readonly Capability[]): boolean {
  return capabilities.some((capability) => capability.endsWith('-to-text'));
}

export function makesImages(capabilities: readonly Capability[]): boolean {
  return capabilities.some((capability) => capability.endsWith('-to-image'));
}

/** @throws {AppError} invalidParameter naming every field that is missing or cannot be meant. */
export function priceOf(pricing: Pricing, capabilities: readonly Capability[]): PriceFields {
  const text = makesText(capabilities);
  const imagesOnly = makesImages(capabilities) && !text;
  const image = imagesOnly
    ? { field: 'output', value: pricing.output }
    : { field: 'perImage', value: pricing.perImage };
  const problems = [
    ...(text ? missing({ input: pricing.input, output: pricing.output }) : []),
    ...(makesImages(capabilities) ? missing({ [image.field]: image.value }) : []),
    ...tokenPriceProblems({
      input: pricing.input,
      output: imagesOnly ? undefined : pricing.output,
      cachedInput: pricing.cachedInput,
      cacheWrite: pricing.cacheWrite,
    }),
    ...unitPriceProblems({ [image.field]: image.value, perRequest: pricing.perRequest }),
  ];
  if (problems.length > 0) throw invalid(problems);
  return {
    ...NO_RATES,
    input: pricing.input ?? 0n,
    output: imagesOnly ? 0n : (pricing.output ?? 0n),
    cachedInput: pricing.cachedInput ?? null,
    cacheWrite: pricing.cacheWrite ?? null,
    perImage: makesImages(capabilities) ? (image.value ?? 0n) / PER_MILLION : 0n,
    perRequest: (pricing.perRequest ?? 0n) / PER_MILLION,
  };
}

/** The stored price in the contract's form. */
export function pricingOf(price: PriceFields, capabilities: readonly Capability[]): Pricing {
  const imagesOnly = makesImages(capabilities) && !makesText(capabilities);
  const perImage = price.perImage * PER_MILLION;
  return {
    input: price.input,
    output: imagesOnly ? perImage : price.output,
    ...(makesImages(capabilities) && !imagesOnly ? { perImage } : {}),
    ...(price.cachedInput === null ? {} : { cachedInput: price.cachedInput }),
    ...(price.cacheWrite === null ? {} : { cacheWrite: price.cacheWrite }),
    ...(price.perRequest === 0n ? {} : { perRequest: price.perRequest * PER_MILLION }),
  };
}

export function samePrice(left: PriceFields, right: PriceFields): boolean {
  return (
    left.input === right.input &&
    left.output === right.output &&
    left.cachedInput === right.cachedInput &&
    left.cacheWrite === right.cacheWrite &&
    left.perImage === right.perImage &&
    left.perRequest === right.perRequest
  );
}

type Amounts = Readonly<Record<string, bigint | undefined>>;

function missing(amounts: Amounts): FieldError[] {
  return Object.entries(amounts)
    .filter(([, value]) => value === undefined)
    .map(([field]) => ({ path: `pricing.${field}`, message: 'is required' }));
}

function tokenPriceProblems(amounts: Amounts): FieldError[] {
  return problemsOf(amounts, (value) =>
    value > HIGHEST_TOKEN_PRICE
      ? 'is above 0.01 for one token: is it meant per thousand or million tokens?'
      : undefined,
  );
}

function unitPriceProblems(amounts: Amounts): FieldError[] {
  return problemsOf(amounts, (value) => {
    if (value > HIGHEST_UNIT_PRICE * PER_MILLION) return 'must be at most 1000';
    return value % PER_MILLION === 0n ? undefined : 'must have at most 9 decimals';
  });
}

function problemsOf(amounts: Amounts, complaint: (value: bigint) => string | undefined): FieldError[] {
  return Object.entries(amounts).flatMap(([field, value]) => {
    if (value === undefined) return [];
    const message = value < 0n ? 'must not be negative' : complaint(value);
    return message === undefined ? [] : [{ path: `pricing.${field}`, message }];
  });
}
