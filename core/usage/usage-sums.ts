/** Sums of calls by local day and model, and by local day and user: what the usage log and the ledger must agree on. */

export const SUMMED = ['calls', 'failures', 'cost', 'promptTokens', 'completionTokens', 'images'] as const;

/**
 * Sums of one group; `cost` in nano-units, `calls` are the successful ones. An absent field is zero: for users only calls
 * and cost are summed.
 */
export type GroupSum = Readonly<Partial<Record<(typeof SUMMED)[number], bigint>>>;

/** By `groupOf`. */
export type UsageSums = ReadonlyMap<string, GroupSum>;

export type GroupKind = 'model' | 'user';

/** Begins with the day, so that groups sort by it. */
export function groupOf(day: string, kind: GroupKind, id: number | string): string {
  return `${day}, ${kind} ${id}`;
}

/** `a` + `sign` x `b`, for every group of either. */
export function combine(a: UsageSums, b: UsageSums, sign: 1n | -1n): UsageSums {
  const groups = new Set([...a.keys(), ...b.keys()]);
  return new Map([...groups].map((group) => [group, plus(a.get(group), b.get(group), sign)]));
}

/** `a` + `sign` x `b`, field by field. */
export function plus(a: GroupSum = {}, b: GroupSum = {}, sign: 1n | -1n = 1n): GroupSum {
  return Object.fromEntries(SUMMED.map((field) => [field, (a[field] ?? 0n) + sign * (b[field] ?? 0n)]));
}
