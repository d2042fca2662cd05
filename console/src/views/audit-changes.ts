/** What is another in a record of the audit log. Pure. */

export interface Change {
  /** `pricing.input` for a field of a field. */
  readonly field: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** An amount in the installation's currency. */
  readonly isMoney: boolean;
}

/** Amounts of the log; prices of a token have other names. */
const MONEY = /(^|\.)(balance|amount|budget|openingBalance)$/;
const DECIMAL = /^-?\d+(\.\d+)?$/;
const LONGEST = 120;

export function changesOf(before: unknown, after: unknown): Change[] {
  const [from, to] = [flat(before), flat(after)];
  // Without a state after it was deleted.
  const isGone = after === null || after === undefined;
  const fields = isGone ? [...from.keys()] : [...to.keys()];
  return fields
    .map((field) => {
      const [was, is] = [from.get(field), to.get(field)];
      const isMoney = MONEY.test(field) && [was, is].every((text) => text === undefined || DECIMAL.test(text));
      return { field, before: was, after: is, isMoney };
    })
    .filter((change) => change.before !== change.after);
}

/** Fields within fields by their path; lists as one text. */
function flat(value: unknown, path = ''): Map<string, string> {
  if (value === null || value === undefined) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) return new Map([[path || 'value', textOf(value)]]);
  const found = new Map<string, string>();
  for (const [name, member] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    if (member === null) found.set(at, '–');
    else for (const [inner, text] of flat(member, at)) found.set(inner, text);
  }
  return found;
}

function textOf(value: unknown): string {
  const text =
    Array.isArray(value) && value.every((member) => typeof member !== 'object') ? value.join(', ') : undefined;
  const shown = text ?? (typeof value === 'object' ? JSON.stringify(value) : String(value));
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}
