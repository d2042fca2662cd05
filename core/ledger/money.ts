/**
 * Money is a bigint of nano-units (1e-9 of the currency); token prices are nano-units per million tokens. Nothing here
 * touches a float. Pure.
 */
import type { UsageDoubt } from '../usage/usage-record.ts';

declare const nano: unique symbol;
/** Nano-units of the installation's currency. */
export type NanoAmount = bigint & { readonly [nano]: true };

export const NANO_PER_UNIT = 1_000_000_000n;
const MONEY_DECIMALS = 9;
const TOKEN_PRICE_DECIMALS = 15;
/** A BIGINT column less room for sums: one amount never exceeds a billion units. */
const MAX_AMOUNT = 1_000_000_000n * NANO_PER_UNIT;

/** The one constructor of NanoAmount. */
export function nanoAmount(value: bigint): NanoAmount {
  return value as NanoAmount;
}

/** Exact decimal text ("-1.5", "2e-7") → integer of 10^-decimals, or undefined when it is no such number. */
function scaledInteger(text: string, decimals: number): bigint | undefined {
  const match = /^([+-]?)(\d{1,30})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,2}))?$/.exec(text.trim());
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const shift = decimals - fraction.length + Number(exponent);
  const digits = BigInt(whole + fraction);
  if (shift >= 0) {
    if (shift > 60) return undefined;
    return (sign === '-' ? -1n : 1n) * digits * 10n ** BigInt(shift);
  }
  const divisor = 10n ** BigInt(-shift);
  if (digits % divisor !== 0n) return undefined;
  return (sign === '-' ? -1n : 1n) * (digits / divisor);
}

/**
 * Reads an amount from a decimal text or a JSON number, exactly.
 * @returns nano-units, or undefined when it is not a number, has more than 9 decimals, or exceeds a billion units.
 */
export function parseMoney(value: string | number): NanoAmount | undefined {
  const scaled = scaledInteger(String(value), MONEY_DECIMALS);
  if (scaled === undefined || scaled > MAX_AMOUNT || scaled < -MAX_AMOUNT) return undefined;
  return nanoAmount(scaled);
}

/** Reads the price of one token (at most 15 decimals) as nano-units per million tokens. */
export function parseTokenPrice(value: string | number): bigint | undefined {
  return scaledInteger(String(value), TOKEN_PRICE_DECIMALS);
}

function decimalText(value: bigint, decimals: number): string {
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, -decimals);
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

/** Nano-units → shortest decimal text, e.g. 1500000000n → "1.5". */
export function formatMoney(value: bigint): string {
  return decimalText(value, MONEY_DECIMALS);
}

/** Nano-units per million tokens → decimal text of the price of one token. */
export function formatTokenPrice(value: bigint): string {
  return decimalText(value, TOKEN_PRICE_DECIMALS);
}

/** What one call used; counts are integers >= 0. */
export interface Usage {
  readonly promptTokens: number;
  /** Part of `promptTokens`, as `cacheWriteTokens` is. */
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  /** Part of `cacheWriteTokens`: written for an hour instead of five minutes. */
  readonly hourCacheWriteTokens: number;
  readonly completionTokens: number;
  /** Part of `completionTokens`, as far as the provider says so. */
  readonly reasoningTokens: number;
  /** Searches and other calls of tools that the provider ran; search units of a reranker. */
  readonly searches: number;
  readonly imageCount: number;
  /** Of a text that was spoken. */
  readonly characters: number;
  /** Of speech that was written down, a begun one counts. */
  readonly audioSeconds: number;
  /** The tier that served the call, as the provider names it, in lower case; null where it does not. */
  readonly serviceTier: string | null;
  /** True when a count is ours because the provider's never came or cannot be true. */
  readonly estimated: boolean;
  readonly doubt: UsageDoubt | null;
}

export const NO_USAGE: Usage = {
  promptTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  hourCacheWriteTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  searches: 0,
  imageCount: 0,
  characters: 0,
  audioSeconds: 0,
  serviceTier: null,
  estimated: false,
  doubt: null,
};

/** Nano-units → a value that JSON.stringify writes as an exact number. */
export function moneyJson(nano: bigint): RawJson {
  return JSON.rawJSON(formatMoney(nano));
}
