/** What is another in a record of the audit log. Pure. */
import { CAPABILITIES, type Capability } from '../shared/capability.ts';
import { movePoint, PRICE_NAMES, type PriceName, scaleOf } from './price-fields.ts';

/** Of what a price is one, and at which capabilities it is shown. */
interface PricePart {
  readonly name: PriceName;
  /** `1 off-peak`: the rule that it stands in; undefined for the price itself. */
  readonly rule: string | undefined;
  readonly capabilities: readonly Capability[];
}

export interface Change {
  /** `settings.tokensPerImage` for a field of a field. */
  readonly field: string;
  /** undefined = none. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** An amount in the installation's currency. */
  readonly isMoney: boolean;
  /** Its texts are moved to the scale that people read: of a million tokens. */
  readonly price?: PricePart;
}

/** Amounts of the log besides prices. */
const MONEY = /(^|\.)(balance|amount|budget|openingBalance|unbooked)$/;
const PRICE = /^pricing\.(?:rules\.(.+)\.)?([^.]+)$/s;
const DECIMAL = /^-?\d+(\.\d+)?$/;
const LONGEST = 120;

/** A field that the state after does not name stays; a field of a field that it does not name was taken away. */
export function changesOf(before: unknown, after: unknown): Change[] {
  const [from, to] = [membersOf(before), membersOf(after)];
  // Without a state after it was deleted.
  const isGone = after === null || after === undefined;
  const names = Object.keys(isGone ? from : to);
  const capabilities = capabilitiesOf(to.capabilities ?? from.capabilities);
  return names.flatMap((name) => {
    const [was, is] = [flat(from[name], name), flat(to[name], name)];
    const fields = new Set([...was.keys(), ...is.keys()]);
    return [...fields].flatMap((field) => {
      const change = { field, before: was.get(field), after: is.get(field) };
      if (change.before === change.after) return [];
      return [priceChange(change, capabilities) ?? { ...change, isMoney: MONEY.test(field) && isDecimal(change) }];
    });
  });
}

type Texts = Pick<Change, 'field' | 'before' | 'after'>;

function isDecimal({ before, after }: Texts): boolean {
  return [before, after].every((text) => text === undefined || DECIMAL.test(text));
}

function priceChange(change: Texts, capabilities: readonly Capability[]): Change | undefined {
  const [, rule, last] = PRICE.exec(change.field) ?? [];
  const name = PRICE_NAMES.find((each) => each === last);
  if (name === undefined || !isDecimal(change)) return undefined;
  const shown = (text: string | undefined) => text && movePoint(text, scaleOf(name, capabilities));
  const texts = { before: shown(change.before), after: shown(change.after) };
  return { ...change, ...texts, isMoney: true, price: { name, rule, capabilities } };
}

function capabilitiesOf(value: unknown): Capability[] {
  return Array.isArray(value) ? CAPABILITIES.filter((name) => value.includes(name)) : [];
}

function membersOf(state: unknown): Record<string, unknown> {
  if (state === null || state === undefined) return {};
  return typeof state === 'object' && !Array.isArray(state) ? { ...state } : { value: state };
}

/** Fields within fields by their path; null as what is not there; lists of texts as one text. */
function flat(value: unknown, path: string): Map<string, string> {
  if (value === null || value === undefined) return new Map();
  if (Array.isArray(value) && !value.some((member) => typeof member === 'object')) {
    return new Map(value.length === 0 ? [] : [[path, shortened(value.join(', '))]]);
  }
  if (typeof value !== 'object') return new Map([[path, shortened(String(value))]]);
  const members = Array.isArray(value) ? value.map(namedMember) : Object.entries(value);
  return new Map(members.flatMap(([name, member]) => [...flat(member, `${path}.${name}`)]));
}

/** By its place, which says which rule of a price comes first, and its name. */
function namedMember(member: unknown, index: number): [string, unknown] {
  const { name, ...rest } = membersOf(member);
  return typeof name === 'string' ? [`${index + 1} ${name}`, rest] : [String(index + 1), member];
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
