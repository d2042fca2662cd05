/** Money reserved for a running call or job. Open until captured (in part or whole) or released. */
import { insertRows, literals, updateRows, utcDateTime } from '../../../infra/mysql/literal.ts';
import { bigintOf, bigintOrNull, msOf, msOrNull, numberOf, numberOrNull, textOf, textOrNull } from '../lane/record.ts';
import type { LaneTable } from '../lane/table.ts';

export interface Hold {
  readonly id: string;
  readonly accountId: number;
  readonly accessKeyId: number | null;
  readonly owner: HoldOwner;
  /** Ids of the candidates' price versions, comma-separated. */
  readonly prices: string;
  /** Period of the key's budget it was taken from, or null. */
  readonly budgetPeriod: string | null;
  /** What that budget allows in a period, or null without one. */
  readonly budgetLimit: bigint | null;
  readonly amount: bigint;
  readonly captured: bigint;
  readonly released: bigint;
  readonly state: HoldState;
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
  readonly closedAtMs: number | null;
}

export type HoldOwner = 'call' | 'job';
export type HoldState = 'open' | 'captured' | 'released';

const COLUMNS =
  'id,account_id,access_key_id,owner,prices,budget_period,budget_limit,amount,captured,released,state,expires_at,created_at,closed_at';

function ownerOf(text: string): HoldOwner {
  if (text === 'call' || text === 'job') return text;
  throw new TypeError(`unknown hold owner ${text}`);
}

function stateOf(text: string): HoldState {
  if (text === 'open' || text === 'captured' || text === 'released') return text;
  throw new TypeError(`unknown hold state ${text}`);
}

export const holds: LaneTable<Hold> = {
  name: 'holds',
  lock: (ids) => `SELECT ${COLUMNS} FROM holds WHERE id IN (${literals(ids)}) ORDER BY id FOR UPDATE`,
  parse: (record) => [
    textOf(record, 'id'),
    {
      id: textOf(record, 'id'),
      accountId: numberOf(record, 'account_id'),
      accessKeyId: numberOrNull(record, 'access_key_id'),
      owner: ownerOf(textOf(record, 'owner')),
      prices: textOf(record, 'prices'),
      budgetPeriod: textOrNull(record, 'budget_period'),
      budgetLimit: bigintOrNull(record, 'budget_limit'),
      amount: bigintOf(record, 'amount'),
      captured: bigintOf(record, 'captured'),
      released: bigintOf(record, 'released'),
      state: stateOf(textOf(record, 'state')),
      expiresAtMs: msOf(record, 'expires_at'),
      createdAtMs: msOf(record, 'created_at'),
      closedAtMs: msOrNull(record, 'closed_at'),
    },
  ],
  insert: (rows, writer) =>
    insertRows(
      'holds',
      [...COLUMNS.split(','), 'slot', 'epoch'],
      rows.map((row) => [
        row.id,
        row.accountId,
        row.accessKeyId,
        row.owner,
        row.prices,
        row.budgetPeriod,
        row.budgetLimit,
        row.amount,
        row.captured,
        row.released,
        row.state,
        utcDateTime(row.expiresAtMs),
        utcDateTime(row.createdAtMs),
        row.closedAtMs === null ? null : utcDateTime(row.closedAtMs),
        writer.slot,
        writer.epoch,
      ]),
    ),
  update: (rows) =>
    updateRows(
      'holds',
      'id',
      ['captured', 'released', 'state', 'closed_at'],
      rows.map((row) => [
        row.id,
        row.captured,
        row.released,
        row.state,
        row.closedAtMs === null ? null : utcDateTime(row.closedAtMs),
      ]),
    ),
};
