/** Money reserved for a running call or job, or leased to a process. Open until captured (in part or whole) or released. */
import { literal, literals } from '../../../infra/mysql/literal.ts';
import { column, orNull } from '../../../infra/mysql/rows.ts';
import { type LedgerSink, ledgerTable, type RowIn } from '../commit-queue/table.ts';

export const OWNERS = ['call', 'job', 'batch', 'lease'] as const;
export type HoldOwner = Exclude<(typeof OWNERS)[number], 'lease'>;
export const HOLD_STATES = ['open', 'captured', 'released'] as const;
export type HoldState = (typeof HOLD_STATES)[number];

/** The columns of every hold that are written once. */
const fixed = {
  id: column.text,
  accountId: column.integer,
  accessKeyId: orNull(column.integer),
  owner: column.oneOf(OWNERS),
  /** Ids of the candidates' price versions, comma-separated. */
  prices: column.text,
  /** First day of the budget period that it was taken from, or null. */
  budgetPeriod: orNull(column.day),
  /** What that budget allows in a period, or null without one. */
  budgetLimit: orNull(column.bigint),
  createdAtMs: column.ms,
};

export const holds = ledgerTable({
  name: 'holds',
  key: ['id'],
  fixed: { ...fixed, amount: column.bigint, expiresAtMs: column.ms },
  changing: {
    captured: column.bigint,
    released: column.bigint,
    state: column.oneOf(HOLD_STATES),
    closedAtMs: orNull(column.ms),
  },
  stamped: true,
});
export type Hold = RowIn<typeof holds>;

/**
 * The holds that a process leases to itself (operations/lease.ts). A lease grows, and what it has captured is only ever
 * added to (`leaseCharges`), without reading its row first.
 */
export const leases = ledgerTable({
  name: 'holds',
  key: ['id'],
  fixed: { ...fixed, captured: column.bigint },
  changing: {
    amount: column.bigint,
    released: column.bigint,
    state: column.oneOf(HOLD_STATES),
    /** From then on it pays for running calls only; far away while it is in use. */
    expiresAtMs: column.ms,
    closedAtMs: orNull(column.ms),
  },
  stamped: true,
});
export type Lease = RowIn<typeof leases>;

/** What was charged to leases. Only the writer of a lease may add to it, so that no row is read first. */
export const leaseCharges: LedgerSink<{ readonly leaseId: string; readonly amount: bigint }> = {
  name: 'holds',
  write: (items) => {
    const sums = new Map<string, bigint>();
    for (const { leaseId, amount } of items) sums.set(leaseId, (sums.get(leaseId) ?? 0n) + amount);
    // Always the same order of rows, as the locks of a batch have it.
    const ids = [...sums.keys()].sort();
    const cases = ids.map((id) => `WHEN ${literal(id)} THEN ${sums.get(id)}`);
    return `UPDATE holds SET captured=captured+CASE id ${cases.join(' ')} END WHERE id IN (${literals(ids)})`;
  },
};
