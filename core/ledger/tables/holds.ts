/** Money reserved for a running call or job. Open until captured (in part or whole) or released. */
import { column, orNull } from '../../../infra/mysql/rows.ts';
import { ledgerTable, type RowIn } from '../commit-queue/table.ts';

const OWNERS = ['call', 'job'] as const;
export type HoldOwner = (typeof OWNERS)[number];
const STATES = ['open', 'captured', 'released'] as const;
export type HoldState = (typeof STATES)[number];

export const holds = ledgerTable({
  name: 'holds',
  key: ['id'],
  fixed: {
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
    amount: column.bigint,
    expiresAtMs: column.ms,
    createdAtMs: column.ms,
  },
  changing: {
    captured: column.bigint,
    released: column.bigint,
    state: column.oneOf(STATES),
    closedAtMs: orNull(column.ms),
  },
  stamped: true,
});
export type Hold = RowIn<typeof holds>;
