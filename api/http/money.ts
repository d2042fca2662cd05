/** Money on the wire: exact both ways, never through a float. */
import { z } from 'zod';
import {
  formatMoney,
  formatTokenPrice,
  type NanoAmount,
  parseMoney,
  parseTokenPrice,
} from '../../core/ledger/money.ts';

/** Marks decimal inputs in the OpenAPI document; a body that has one is read with its long numbers kept as text. */
export const DECIMAL_FORMAT = 'decimal';

/** Nine digits before the point, fifteen after it, and some zeros that say nothing. */
const MAX_DECIMAL_CHARACTERS = 60;

/** Nano-units → a JSON number written exactly. */
export function money(nano: bigint): RawJson {
  return JSON.rawJSON(formatMoney(nano));
}

/** Nano-units per million tokens → the price of one token as a JSON number written exactly. */
export function tokenPrice(nanoPerMillion: bigint): RawJson {
  return JSON.rawJSON(formatTokenPrice(nanoPerMillion));
}

/** What `money` and `tokenPrice` give, for `success` schemas. */
export const decimalOutput = z
  .custom<RawJson>((value) => JSON.isRawJSON(value))
  .meta({ override: { type: 'number', format: DECIMAL_FORMAT } });

/** What an answer says of its cost, inside its usage, unless USAGE_COST is off. */
export const costOutput = {
  cost: decimalOutput.optional().describe('What the call cost, in the currency of cost_details'),
  cost_details: z
    .object({
      currency: z.string().describe("The gateway's currency"),
      price_rule: z.string().optional().describe('The rule of the price that was applied, if one was'),
    })
    .optional()
    .describe('What the cost is'),
};

const decimalText = z.union([z.number(), z.string().max(MAX_DECIMAL_CHARACTERS)]).meta({ format: DECIMAL_FORMAT });

/** An amount as number or decimal text, at most 9 decimals → nano-units. */
export const moneyInput = decimalText.transform((value, context): NanoAmount => {
  const amount = parseMoney(value);
  if (amount !== undefined) return amount;
  context.addIssue('must be an amount with at most 9 decimals, up to one billion');
  return z.NEVER;
});

/** The price of one token as number or decimal text, at most 15 decimals → nano-units per million tokens. */
export const tokenPriceInput = decimalText.transform((value, context): bigint => {
  const price = parseTokenPrice(value);
  if (price !== undefined) return price;
  context.addIssue('must be a price with at most 15 decimals');
  return z.NEVER;
});
