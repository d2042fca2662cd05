/**
 * What a call costs: a price version and the rules by which a part of it changes with what the call used, which service
 * tier served it, and when. Nothing here touches a float. Pure.
 */
import { type NanoAmount, NO_USAGE, nanoAmount, type Usage } from './money.ts';

const TOKENS_PER_MILLION = 1_000_000n;
const MINUTES_A_DAY = 1_440;
const MS_PER_MINUTE = 60_000;

/** As `Date` numbers them. */
export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Day = (typeof DAYS)[number];

/** Prices of tokens in nano-units per million tokens, the others in nano-units. */
export interface Rates {
  readonly input: bigint;
  readonly output: bigint;
  /** null: as `input`. */
  readonly cachedInput: bigint | null;
  /** null: as `input`. */
  readonly cacheWrite: bigint | null;
  /** Of tokens that are kept for an hour; null: as `cacheWrite`. */
  readonly hourCacheWrite: bigint | null;
  readonly perImage: bigint;
  readonly perRequest: bigint;
  readonly perSearch: bigint;
  /** In nano-units per million, as prices of tokens; so is `perSecond`. */
  readonly perCharacter: bigint;
  readonly perSecond: bigint;
}

/** All that is named must hold. */
export interface PriceCondition {
  readonly promptTokensAbove?: number | undefined;
  readonly completionTokensAbove?: number | undefined;
  /** In lower case. */
  readonly serviceTier?: string | undefined;
  /** Whether the answer has tokens of thought. */
  readonly thinking?: boolean | undefined;
  /** Minutes of the day in UTC, the end not included; a window may pass midnight. */
  readonly utcWindow?: { readonly from: number; readonly until: number } | undefined;
  /** Days of the week in UTC. */
  readonly utcDays?: readonly Day[] | undefined;
}

export interface PriceRule {
  /** What statements and logs call it. */
  readonly name: string;
  readonly when: PriceCondition;
  /** What it changes; the rest is as without a rule. */
  readonly rates: Partial<Rates>;
}

/** A price version, frozen when the hold is taken. */
export interface Price extends Rates {
  readonly id: number;
  /** The most searches of one call that a hold covers. */
  readonly mostSearches: number;
  /** The first one whose condition holds applies; without one the price itself. */
  readonly rules: readonly PriceRule[];
}

/** What a price does not name. */
export const NO_RATES: Omit<Price, 'id'> = {
  input: 0n,
  output: 0n,
  cachedInput: null,
  cacheWrite: null,
  hourCacheWrite: null,
  perImage: 0n,
  perRequest: 0n,
  perSearch: 0n,
  perCharacter: 0n,
  perSecond: 0n,
  mostSearches: 0,
  rules: [],
};

/** @param endedAtMs when the provider had answered, which is the moment that vendors with off-peak prices go by. */
export function ruleOf(price: Price, usage: Usage, endedAtMs: number): PriceRule | undefined {
  return price.rules.find(({ when }) => holds(when, usage, endedAtMs));
}

function holds(when: PriceCondition, usage: Usage, endedAtMs: number): boolean {
  return (
    usage.promptTokens > (when.promptTokensAbove ?? -1) &&
    usage.completionTokens > (when.completionTokensAbove ?? -1) &&
    (when.serviceTier === undefined || when.serviceTier === usage.serviceTier) &&
    (when.thinking === undefined || when.thinking === usage.reasoningTokens > 0) &&
    (when.utcWindow === undefined || isWithin(when.utcWindow, endedAtMs)) &&
    (when.utcDays === undefined || isOn(when.utcDays, endedAtMs))
  );
}

function isOn(days: readonly Day[], atMs: number): boolean {
  const day = DAYS[new Date(atMs).getUTCDay()];
  return day !== undefined && days.includes(day);
}

function isWithin({ from, until }: { from: number; until: number }, atMs: number): boolean {
  const minute = Math.floor(atMs / MS_PER_MINUTE) % MINUTES_A_DAY;
  return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}

function ratesBy(price: Price, rule: PriceRule | undefined): Rates {
  return rule === undefined ? price : { ...price, ...rule.rates };
}

/** The cost of one call by the rule that applies to it: summed exactly, rounded up once to the nano-unit. */
export function costOf(price: Price, usage: Usage, rule?: PriceRule): NanoAmount {
  return costAt(ratesBy(price, rule), usage);
}

function costAt(rates: Rates, usage: Usage): NanoAmount {
  const cached = Math.min(usage.cachedTokens, usage.promptTokens);
  const written = Math.min(usage.cacheWriteTokens, usage.promptTokens - cached);
  const forAnHour = Math.min(usage.hourCacheWriteTokens, written);
  const writePrice = rates.cacheWrite ?? rates.input;
  const perMillion =
    BigInt(usage.promptTokens - cached - written) * rates.input +
    BigInt(cached) * (rates.cachedInput ?? rates.input) +
    BigInt(written - forAnHour) * writePrice +
    BigInt(forAnHour) * (rates.hourCacheWrite ?? writePrice) +
    BigInt(usage.completionTokens) * rates.output +
    BigInt(usage.characters) * rates.perCharacter +
    BigInt(usage.audioSeconds) * rates.perSecond;
  const tokens = (perMillion + TOKENS_PER_MILLION - 1n) / TOKENS_PER_MILLION;
  const images = BigInt(usage.imageCount) * rates.perImage;
  return nanoAmount(tokens + images + BigInt(usage.searches) * rates.perSearch + rates.perRequest);
}

/**
 * The most a call can cost: every input token at the highest input price, every output token, every image, search,
 * character and second, by the dearest rule that can apply.
 * @param more what other calls than of text and images use; searches unless named are as many as the price covers.
 * @throws {RangeError} for a count that is no integer >= 0: a hold must never be too small.
 */
export function costBound(
  price: Price,
  inputTokens: number,
  outputTokens: number,
  images: number,
  more: Partial<Pick<Usage, 'searches' | 'characters' | 'audioSeconds'>> = {},
): NanoAmount {
  const { searches = price.mostSearches, characters = 0, audioSeconds = 0 } = more;
  for (const count of [inputTokens, outputTokens, images, searches, characters, audioSeconds]) {
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`no count to bound a cost by: ${count}`);
  }
  const usage = {
    ...NO_USAGE,
    ...{ promptTokens: inputTokens, completionTokens: outputTokens, imageCount: images },
    ...{ searches, characters, audioSeconds },
  };
  const bounds = possibleRates(price, inputTokens, outputTokens).map((rates) => costAt(dearestInput(rates), usage));
  return bounds.reduce((most, bound) => (bound > most ? bound : most));
}

/** The price without a rule and by each one that so many tokens do not rule out. */
function possibleRates(price: Price, inputTokens: number, outputTokens: number): Rates[] {
  const possible = price.rules.filter(
    ({ when }) => inputTokens > (when.promptTokensAbove ?? -1) && outputTokens > (when.completionTokensAbove ?? -1),
  );
  return [price, ...possible.map((rule) => ratesBy(price, rule))];
}

function dearestInput(rates: Rates): Rates {
  const prices = [rates.cachedInput, rates.cacheWrite, rates.hourCacheWrite].map((price) => price ?? 0n);
  const input = prices.reduce((most, price) => (price > most ? price : most), rates.input);
  return { ...rates, input, cachedInput: null, cacheWrite: null, hourCacheWrite: null };
}

/** The number of output tokens that `budget` pays after the input; negative if the input alone costs more. */
export function affordableOutputTokens(price: Price, inputTokens: number, choices: number, budget: bigint): number {
  const most = Number.MAX_SAFE_INTEGER;
  const affordable = possibleRates(price, inputTokens, most).map((rates) => {
    const before = costBound({ ...price, ...rates, rules: [] }, inputTokens, 0, 0);
    if (before > budget) return -1;
    if (rates.output === 0n) return most;
    const tokens = ((budget - before) * TOKENS_PER_MILLION) / (rates.output * BigInt(choices));
    return tokens > BigInt(most) ? most : Number(tokens);
  });
  return Math.min(...affordable);
}
