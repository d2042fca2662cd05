/** A model's price in requests and answers. */
import { z } from 'zod';
import { conditionSchema, MOST_RULES, ruleName } from '../../core/catalog/price-rules.ts';
import type { Pricing, PricingRule } from '../../core/catalog/pricing.ts';
import { optional } from '../http/fields.ts';
import { decimalOutput, tokenPrice, tokenPriceInput } from '../http/money.ts';

const MOST_SEARCHES = 1_000;

const DESCRIPTIONS = {
  input: 'Of one token of the prompt',
  output: 'Of one token of the answer; of one image for a model that only makes images',
  cachedInput: 'Of one token that was read from the cache; as input unless set',
  cacheWrite: 'Of one token that was written to the cache; as input unless set',
  hourCacheWrite: 'Of one token that was written to the cache for an hour; as cacheWrite unless set',
  perImage: 'Of one image, for a model that makes text and images',
  perRequest: 'Of each call',
  perSearch:
    'Of each search, or other call of a tool that the provider runs and counts in its usage; of each search unit of a reranker',
  perCharacter: 'Of one character that is spoken',
  perSecond: 'Of one second of speech that is written down',
} as const;

/** One field for each price. */
function eachPrice<S extends z.ZodType>(schema: S) {
  const described = (name: keyof typeof DESCRIPTIONS) => schema.meta({ description: DESCRIPTIONS[name] });
  return {
    input: described('input'),
    output: described('output'),
    cachedInput: described('cachedInput'),
    cacheWrite: described('cacheWrite'),
    hourCacheWrite: described('hourCacheWrite'),
    perImage: described('perImage'),
    perRequest: described('perRequest'),
    perSearch: described('perSearch'),
    perCharacter: described('perCharacter'),
    perSecond: described('perSecond'),
  };
}

const mostSearches = z.number().int().min(0).max(MOST_SEARCHES);
const MOST_SEARCHES_MEANING = 'Searches of one call that a hold covers; 10 where a search has a price';
const RULES_MEANING =
  'Other prices under a condition; the first rule whose condition holds applies. What a rule does not name is as without it. A hold takes the dearest one that can apply';

const ruleHead = {
  name: ruleName.describe('What statements and logs call it'),
  when: conditionSchema.describe('When it applies; all that is named must hold'),
};

export const pricingInput = z
  .strictObject({
    ...eachPrice(optional(tokenPriceInput)),
    mostSearches: optional(mostSearches).meta({ description: MOST_SEARCHES_MEANING }),
    rules: optional(
      z.array(z.strictObject({ ...ruleHead, ...eachPrice(optional(tokenPriceInput)) })).max(MOST_RULES),
    ).meta({ description: RULES_MEANING }),
  })
  .meta({ description: 'Prices of one token, image, call or search, and rules that change them' });

export const pricingSchema = z
  .object({
    ...eachPrice(decimalOutput.optional()),
    mostSearches: mostSearches.optional().meta({ description: MOST_SEARCHES_MEANING }),
    rules: z
      .array(z.object({ ...ruleHead, ...eachPrice(decimalOutput.optional()) }))
      .optional()
      .meta({ description: RULES_MEANING }),
  })
  .meta({ id: 'Pricing' });

/** All prices of `Pricing` have the scale of token prices. */
export function pricingRecord({ mostSearches: searches, rules, ...prices }: Pricing): z.input<typeof pricingSchema> {
  return {
    ...written(prices),
    ...(searches === undefined ? {} : { mostSearches: searches }),
    ...(rules === undefined
      ? {}
      : { rules: rules.map(({ name, when, ...rule }) => ({ name, when, ...written(rule) })) }),
  };
}

function written(prices: Omit<PricingRule, 'name' | 'when'>): Record<string, RawJson> {
  const set = Object.entries(prices).flatMap(([field, value]) =>
    value === undefined ? [] : [[field, tokenPrice(value)] as const],
  );
  return Object.fromEntries(set);
}
