/** A price as people write it, and as the API takes it. Exact: a point is moved in a text, nothing is a float. */
import type { Pricing } from '../api/generated/schema.ts';
import type { Capability } from '../shared/capability.ts';

export type Rule = NonNullable<Pricing['rules']>[number];
export type Condition = Rule['when'];

export const PRICE_NAMES = [
  ...(['input', 'output', 'cachedInput', 'cacheWrite', 'hourCacheWrite'] as const),
  ...(['perImage', 'perRequest', 'perSearch', 'perCharacter', 'perSecond'] as const),
] as const;
export type PriceName = (typeof PRICE_NAMES)[number];
type Prices<Value> = { [Name in PriceName]: Value };

const MILLION_DIGITS = 6;
const DECIMAL = /^\d+(\.\d+)?$/;

/** Moves the point of a decimal text to the right, with a negative count to the left. */
export function movePoint(decimal: string, places: number): string {
  const [whole = '', decimals = ''] = decimal.split('.');
  const digits = `${'0'.repeat(Math.max(0, -places))}${whole}${decimals}${'0'.repeat(Math.max(0, places))}`;
  const point = digits.length - Math.max(0, places) - decimals.length + places;
  const rest = digits.slice(point).replace(/0+$/, '');
  const moved = digits.slice(0, point).replace(/^0+(?=\d)/, '');
  return rest === '' ? moved : `${moved}.${rest}`;
}

function makesText(capabilities: readonly Capability[]): boolean {
  return capabilities.includes('text-to-text') || capabilities.includes('image-to-text');
}

function makesImages(capabilities: readonly Capability[]): boolean {
  return capabilities.some((name) => name.endsWith('-to-image'));
}

/** The output of a model that only makes images is images. */
export function isImagesOnly(capabilities: readonly Capability[]): boolean {
  return makesImages(capabilities) && !makesText(capabilities);
}

/** By how many digits a price is shown larger than it is: those of tokens and characters are for a million. */
export function scaleOf(name: PriceName, capabilities: readonly Capability[]): number {
  if (name === 'perImage' || name === 'perRequest' || name === 'perSearch' || name === 'perSecond') return 0;
  return name === 'output' && isImagesOnly(capabilities) ? 0 : MILLION_DIGITS;
}

/** The prices that a model of these capabilities can have. */
export function pricesFor(capabilities: readonly Capability[]): PriceName[] {
  const text = makesText(capabilities);
  const has = (name: Capability) => capabilities.includes(name);
  const wanted: Partial<Prices<boolean>> = {
    input: !isImagesOnly(capabilities) || has('text-to-embedding'),
    output: text || isImagesOnly(capabilities) || has('text-to-speech') || has('speech-to-text'),
    ...{ cachedInput: text, cacheWrite: text, hourCacheWrite: text },
    perImage: text && makesImages(capabilities),
    perCharacter: has('text-to-speech'),
    perSecond: has('speech-to-text'),
    perSearch: text || has('rerank'),
    perRequest: true,
  };
  return PRICE_NAMES.filter((name) => wanted[name]);
}

/** As fields of a form: empty for none. */
export interface RuleFields extends Prices<string> {
  name: string;
  when: {
    promptTokensAbove: string | number;
    completionTokensAbove: string | number;
    serviceTier: string;
    thinking: '' | 'yes' | 'no';
    utcFrom: string;
    utcUntil: string;
    utcDays: string[];
  };
}

export interface PriceFields extends Prices<string> {
  mostSearches: string | number;
  rules: RuleFields[];
}

function amountsOf(prices: Partial<Prices<string>>, capabilities: readonly Capability[]): Prices<string> {
  const shown = (name: PriceName) => {
    const price = prices[name];
    return price === undefined ? '' : movePoint(price, scaleOf(name, capabilities));
  };
  return {
    ...{ input: shown('input'), output: shown('output'), cachedInput: shown('cachedInput') },
    ...{ cacheWrite: shown('cacheWrite'), hourCacheWrite: shown('hourCacheWrite'), perImage: shown('perImage') },
    ...{ perRequest: shown('perRequest'), perSearch: shown('perSearch'), perCharacter: shown('perCharacter') },
    perSecond: shown('perSecond'),
  };
}

export function emptyRule(): RuleFields {
  const when = { promptTokensAbove: '', completionTokensAbove: '', serviceTier: '', thinking: '' } as const;
  return { name: '', when: { ...when, utcFrom: '', utcUntil: '', utcDays: [] }, ...amountsOf({}, []) };
}

export function fieldsOfPricing(pricing: Pricing | null, capabilities: readonly Capability[]): PriceFields {
  const { mostSearches = '', rules = [], ...prices } = pricing ?? {};
  return {
    ...amountsOf(prices, capabilities),
    mostSearches,
    rules: rules.map(({ name, when, ...changed }) => ({
      ...amountsOf(changed, capabilities),
      name,
      when: {
        promptTokensAbove: when.promptTokensAbove ?? '',
        completionTokensAbove: when.completionTokensAbove ?? '',
        serviceTier: when.serviceTier ?? '',
        thinking: when.thinking === undefined ? '' : when.thinking ? 'yes' : 'no',
        utcFrom: when.utcFrom ?? '',
        utcUntil: when.utcUntil ?? '',
        utcDays: [...(when.utcDays ?? [])],
      },
    })),
  };
}

/** Fields that hold no amount, as `pricing.input` or `pricing.rules.0.output`. */
export function wrongAmounts(fields: PriceFields, capabilities: readonly Capability[]): string[] {
  const names = pricesFor(capabilities);
  const wrong = (prices: Prices<string>, path: string) =>
    names.filter((name) => prices[name] !== '' && !DECIMAL.test(prices[name])).map((name) => `${path}.${name}`);
  return [...wrong(fields, 'pricing'), ...fields.rules.flatMap((rule, index) => wrong(rule, `pricing.rules.${index}`))];
}

/** Those that the form does not show go back as they came: nobody has taken them away. */
function pricesOf(fields: Prices<string>, capabilities: readonly Capability[]): Partial<Prices<string>> {
  const shown = pricesFor(capabilities);
  const given = PRICE_NAMES.filter((name) => (shown.includes(name) ? fields[name] !== '' : DECIMAL.test(fields[name])));
  return Object.fromEntries(given.map((name) => [name, movePoint(fields[name], -scaleOf(name, capabilities))]));
}

export const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

function conditionOf({ thinking, utcDays, ...when }: RuleFields['when']): Condition {
  const { promptTokensAbove, completionTokensAbove, serviceTier, utcFrom, utcUntil } = when;
  return {
    ...(promptTokensAbove === '' ? {} : { promptTokensAbove: Number(promptTokensAbove) }),
    ...(completionTokensAbove === '' ? {} : { completionTokensAbove: Number(completionTokensAbove) }),
    ...(serviceTier === '' ? {} : { serviceTier }),
    ...(thinking === '' ? {} : { thinking: thinking === 'yes' }),
    ...(utcFrom === '' ? {} : { utcFrom }),
    ...(utcUntil === '' ? {} : { utcUntil }),
    ...(utcDays.length === 0 ? {} : { utcDays: WEEK.filter((day) => utcDays.includes(day)) }),
  };
}

/** What the API takes; undefined for no price at all. */
export function pricingOfFields(fields: PriceFields, capabilities: readonly Capability[]) {
  const prices = pricesOf(fields, capabilities);
  if (Object.keys(prices).length === 0 && fields.rules.length === 0) return undefined;
  return {
    ...prices,
    ...(fields.mostSearches === '' ? {} : { mostSearches: Number(fields.mostSearches) }),
    rules: fields.rules.map((rule) => ({
      name: rule.name,
      when: conditionOf(rule.when),
      ...pricesOf(rule, capabilities),
    })),
  };
}
