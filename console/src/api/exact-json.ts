/** JSON whose money stays as it was written: a float cannot hold every amount. */
import { plainDecimal } from '../shared/amounts.ts';
import { MONEY_FIELDS } from './generated/money-fields.ts';

/** What JSON.parse says about the text of a value; older browsers say nothing. */
interface Source {
  readonly source?: string;
}

type Reviver = (name: string, value: unknown, context?: Source) => unknown;

const keepMoney: Reviver = (name, value, context) => {
  if (typeof value !== 'number' || !MONEY_FIELDS.has(name)) return value;
  return context?.source ?? plainDecimal(value);
};

/** What the API says has the type that its document says. @throws SyntaxError when it is not JSON. */
export function parseExact<T = unknown>(text: string): T {
  return JSON.parse(text, keepMoney);
}
