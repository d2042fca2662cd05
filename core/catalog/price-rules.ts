/** Rules of a price as they are written: in requests and presets, and in the price history. Pure. */
import { z } from 'zod';
import type { FieldError } from '../../infra/errors.ts';
import { DAYS, type PriceCondition, type PriceRule, type Rates } from '../ledger/price.ts';

export const MOST_RULES = 20;
const MOST_TOKENS = 1_000_000_000;

/** Appears in statements, logs and a header. */
export const ruleName = z
  .string()
  .trim()
  .max(40)
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'must be visible ASCII characters');

const tokensAbove = z.number().int().min(0).max(MOST_TOKENS).optional();
const timeOfDay = z
  .string()
  .max(5)
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day in UTC such as 16:30')
  .optional();

/** When a rule applies, as people write it. All that is named must hold. */
export const conditionSchema = z.strictObject({
  promptTokensAbove: tokensAbove.meta({ description: 'The prompt has more tokens than this' }),
  completionTokensAbove: tokensAbove.meta({ description: 'The answer has more tokens than this' }),
  serviceTier: z.string().trim().toLowerCase().min(1).max(40).optional().meta({
    description: 'The service tier that served, as the answer names it',
  }),
  thinking: z.boolean().optional().meta({ description: 'Whether the answer has tokens of thought' }),
  utcFrom: timeOfDay.meta({ description: 'With utcUntil: the time of day at which the answer ended' }),
  utcUntil: timeOfDay.meta({ description: 'The end, not included; before utcFrom it is that of the next day' }),
  utcDays: z.array(z.enum(DAYS)).min(1).max(DAYS.length).readonly().optional().meta({
    description: 'Days of the week in UTC on which the answer ended; a window over midnight has two',
  }),
});
export type WrittenCondition = Readonly<z.infer<typeof conditionSchema>>;

export function conditionOf({ utcFrom, utcUntil, utcDays, ...rest }: WrittenCondition): PriceCondition {
  // In the order of the week, so that the same days are the same price.
  const when = { ...rest, ...(utcDays === undefined ? {} : { utcDays: DAYS.filter((day) => utcDays.includes(day)) }) };
  if (utcFrom === undefined || utcUntil === undefined) return when;
  return { ...when, utcWindow: { from: minuteOf(utcFrom), until: minuteOf(utcUntil) } };
}

export function writtenCondition({ utcWindow, ...when }: PriceCondition): WrittenCondition {
  const window = utcWindow && { utcFrom: timeOf(utcWindow.from), utcUntil: timeOf(utcWindow.until) };
  return { ...when, ...window };
}

function minuteOf(time: string): number {
  return 60 * Number(time.slice(0, 2)) + Number(time.slice(3));
}

function timeOf(minute: number): string {
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  return `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`;
}

/** What is wrong with the conditions of a price's rules. @param path of the rules. */
export function conditionProblems(
  rules: readonly { readonly name: string; readonly when: WrittenCondition }[],
  path: string,
): FieldError[] {
  return rules.flatMap(({ name, when }, index) => {
    const at = `${path}.${index}`;
    const before = rules.slice(0, index);
    const problems: FieldError[] = [];
    const add = (field: string, message: string) => problems.push({ path: `${at}.${field}`, message });
    if (before.some((rule) => rule.name === name)) add('name', 'is the name of another rule');
    if (Object.values(when).every((value) => value === undefined)) add('when', 'must name at least one condition');
    if ((when.utcFrom === undefined) !== (when.utcUntil === undefined)) {
      add(`when.${when.utcFrom === undefined ? 'utcFrom' : 'utcUntil'}`, 'is required: a window has both ends');
    } else if (when.utcFrom !== undefined && when.utcFrom === when.utcUntil) {
      add('when.utcUntil', 'must differ from utcFrom');
    }
    const hiding = before.find((rule) => covers(rule.when, when));
    if (hiding) add('when', `never applies: "${hiding.name}" comes first and holds whenever this does`);
    return problems;
  });
}

/** Whether the first holds whenever the second does. */
function covers(first: WrittenCondition, second: WrittenCondition): boolean {
  const isAtMost = (bound: number | undefined, other: number | undefined) =>
    bound === undefined || (other !== undefined && bound <= other);
  const isSame = <Value>(value: Value | undefined, other: Value | undefined) => value === undefined || value === other;
  return (
    isAtMost(first.promptTokensAbove, second.promptTokensAbove) &&
    isAtMost(first.completionTokensAbove, second.completionTokensAbove) &&
    isSame(first.serviceTier, second.serviceTier) &&
    isSame(first.thinking, second.thinking) &&
    isSame(first.utcFrom, second.utcFrom) &&
    isSame(first.utcUntil, second.utcUntil) &&
    (first.utcDays === undefined || (second.utcDays?.every((day) => first.utcDays?.includes(day)) ?? false))
  );
}

const storedAmount = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform((text) => BigInt(text));
const amount = storedAmount.exactOptional();
const amountOrNull = storedAmount.nullable().exactOptional();
const minute = z.number().int().min(0).max(1_439);

const storedRules = z.array(
  z.object({
    name: z.string(),
    when: z.object({
      promptTokensAbove: z.number().exactOptional(),
      completionTokensAbove: z.number().exactOptional(),
      serviceTier: z.string().exactOptional(),
      thinking: z.boolean().exactOptional(),
      utcWindow: z.object({ from: minute, until: minute }).exactOptional(),
      utcDays: z.array(z.enum(DAYS)).exactOptional(),
    }),
    rates: z.object({
      ...{ input: amount, output: amount, perImage: amount, perRequest: amount, perSearch: amount },
      ...{ perCharacter: amount, perSecond: amount },
      ...{ cachedInput: amountOrNull, cacheWrite: amountOrNull, hourCacheWrite: amountOrNull },
    }),
  }),
);

/**
 * Reads the column of a price version. @throws for what no version writes: a call must not be charged by half a price.
 */
export function readRules(stored: unknown): readonly PriceRule[] {
  return storedRules.parse(stored ?? []);
}

/** For the column, with amounts as text: JSON has no exact integers. Equal rules are written alike. */
export function storableRules(rules: readonly PriceRule[]) {
  return rules.map(({ name, when, rates }) => ({
    name,
    when: {
      promptTokensAbove: when.promptTokensAbove,
      completionTokensAbove: when.completionTokensAbove,
      serviceTier: when.serviceTier,
      thinking: when.thinking,
      utcWindow: when.utcWindow && { from: when.utcWindow.from, until: when.utcWindow.until },
      utcDays: when.utcDays,
    },
    rates: storableRates(rates),
  }));
}

function storableRates(rates: Partial<Rates>) {
  const { input, output, cachedInput, cacheWrite, hourCacheWrite, perImage, perRequest, perSearch } = rates;
  const { perCharacter, perSecond } = rates;
  const ofTokens = { input, output, cachedInput, cacheWrite, hourCacheWrite };
  const all = { ...ofTokens, perImage, perRequest, perSearch, perCharacter, perSecond };
  const given = Object.entries(all).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
