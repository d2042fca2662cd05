/**
 * Money is a bigint of nano-units (1e-9 of the currency); token prices are nano-units per million tokens. Nothing here
 * touches a float. Pure.
 */
declare const nano: unique symbol;
/** Nano-units of the installation's currency. */
export type NanoAmount = bigint & { readonly [nano]: true };

export const NANO_PER_UNIT = 1_000_000_000n;
const MONEY_DECIMALS = 9;
const TOKEN_PRICE_DECIMALS = 15;
const TOKENS_PER_MILLION = 1_000_000n;
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

/** A price version, frozen when the hold is taken. Token prices per million tokens, the others plain nano-units. */
export interface Price {
  readonly id: number;
  readonly input: bigint;
  readonly output: bigint;
  readonly cachedInput: bigint | null;
  readonly cacheWrite: bigint | null;
  readonly perImage: bigint;
  readonly perRequest: bigint;
}

/** What one call used, as integers >= 0. `cachedTokens` and `cacheWriteTokens` are part of `promptTokens`. */
export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly completionTokens: number;
  readonly imageCount: number;
  /** True when we counted because the provider's usage never came. */
  readonly estimated: boolean;
}

export const NO_USAGE: Usage = {
  promptTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  completionTokens: 0,
  imageCount: 0,
  estimated: false,
};

/** The cost of one call: summed exactly, rounded up once to the nano-unit. */
export function costOf(price: Price, usage: Usage): NanoAmount {
  const cached = BigInt(Math.min(usage.cachedTokens, usage.promptTokens));
  const written = BigInt(Math.min(usage.cacheWriteTokens, usage.promptTokens - Number(cached)));
  const fresh = BigInt(usage.promptTokens) - cached - written;
  const perMillion =
    fresh * price.input +
    cached * (price.cachedInput ?? price.input) +
    written * (price.cacheWrite ?? price.input) +
    BigInt(usage.completionTokens) * price.output;
  const tokens = (perMillion + TOKENS_PER_MILLION - 1n) / TOKENS_PER_MILLION;
  return nanoAmount(tokens + BigInt(usage.imageCount) * price.perImage + price.perRequest);
}

/**
 * The most a call can cost: every input token at the highest input price, every output token, every image.
 * @throws {RangeError} for a count that is no integer >= 0: a hold must never be too small.
 */
export function costBound(price: Price, inputTokens: number, outputTokens: number, images: number): NanoAmount {
  for (const count of [inputTokens, outputTokens, images]) {
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`no count to bound a cost by: ${count}`);
  }
  const dearest = [price.cachedInput ?? 0n, price.cacheWrite ?? 0n].reduce((a, b) => (b > a ? b : a), price.input);
  return costOf(
    { ...price, input: dearest, cachedInput: null, cacheWrite: null },
    { ...NO_USAGE, promptTokens: inputTokens, completionTokens: outputTokens, imageCount: images },
  );
}

/** The number of output tokens that `budget` pays after the input; negative if the input alone costs more. */
export function affordableOutputTokens(price: Price, inputTokens: number, choices: number, budget: bigint): number {
  const rest = budget - costBound(price, inputTokens, 0, 0);
  if (rest < 0n) return -1;
  if (price.output === 0n) return Number.MAX_SAFE_INTEGER;
  const tokens = (rest * TOKENS_PER_MILLION) / (price.output * BigInt(choices));
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens);
}

/** Nano-units → a value that JSON.stringify writes as an exact number. */
export function moneyJson(nano: bigint): RawJson {
  return JSON.rawJSON(formatMoney(nano));
}
