/** An account in the ledger, for administrators: its transfers and its holds, newest first. Reads only. */
import type { Sequelize } from 'sequelize';
import { column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';
import { HELD, LEASED } from './ledger.ts';
import { HOLD_STATES, OWNERS } from './tables/holds.ts';
import { KINDS, type TransferKind } from './tables/transfers.ts';

const transferFields = {
  id: column.text,
  kind: column.oneOf(KINDS),
  amount: column.bigint,
  holdId: orNull(column.text),
  accessKeyId: orNull(column.integer),
  modelId: orNull(column.integer),
  priceId: orNull(column.integer),
  priceRule: orNull(column.text),
  promptTokens: column.integer,
  cachedTokens: column.integer,
  completionTokens: column.integer,
  imageCount: column.integer,
  estimated: column.flag,
  note: orNull(column.text),
  createdAt: column.time,
};
const transfer = rowOf(transferFields);
/** Amounts in nano-units, signed as the account sees them; a `loss` is a memo outside of its balance. */
export type TransferView = ReadRow<typeof transfer>;

const holdFields = {
  id: column.text,
  owner: column.oneOf(OWNERS),
  accessKeyId: orNull(column.integer),
  state: column.oneOf(HOLD_STATES),
  amount: column.bigint,
  captured: column.bigint,
  released: column.bigint,
  slot: column.integer,
  createdAt: column.time,
  expiresAt: column.time,
  closedAt: orNull(column.time),
};
const hold = rowOf(holdFields);
export type HoldView = ReadRow<typeof hold>;

const ownedTransfer = rowOf({ ...transferFields, userId: column.integer });
const ownedHold = rowOf({ ...holdFields, userId: column.integer, batchId: orNull(column.text) });
export type OwnedTransfer = ReadRow<typeof ownedTransfer>;
export type OwnedHold = ReadRow<typeof ownedHold>;
export interface Movements {
  /** Oldest first, as the holds are. */
  readonly transfers: readonly OwnedTransfer[];
  readonly holds: readonly OwnedHold[];
  /** Whether there are no more than were looked at. */
  readonly isWhole: boolean;
}
const idRow = rowOf({ id: column.text });
/** Jobs and batches of a trace, or refunds of some orders. */
const MOST_RELATED = 200;

const account = rowOf({
  available: column.bigint,
  leased: column.bigint,
  held: column.bigint,
  debt: column.bigint,
});
/** What an account has, in nano-units: free, leased to processes, held by calls and jobs, owed. */
export type AccountFigures = ReadRow<typeof account>;

/** Where a page of transfers ended. */
export interface TransferPlace {
  readonly at: Date;
  readonly id: string;
  readonly kind: TransferKind;
}

interface TransferFilter {
  readonly userId: number;
  readonly kind?: TransferKind | undefined;
  readonly before?: TransferPlace | undefined;
  readonly limit: number;
}

interface HoldFilter {
  readonly userId: number;
  readonly state: (typeof HOLD_STATES)[number];
  readonly owner?: (typeof OWNERS)[number] | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

const ACCOUNT = "(SELECT id FROM accounts WHERE owner_kind='user' AND owner_id=:userId)";

export class AccountView {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /** By the index of account and time, which ends with the primary key. */
  async transfers({ userId, kind, before, limit }: TransferFilter): Promise<TransferView[]> {
    const after =
      before === undefined
        ? ''
        : `AND created_at<= :at AND (created_at< :at OR id< :id OR (id=:id AND kind< :beforeKind))`;
    const sql = `SELECT ${transfer.columns} FROM transfers FORCE INDEX (ix_transfers_account_time)
      WHERE account_id=${ACCOUNT} ${kind === undefined ? '' : 'AND kind=:kind'} ${after}
      ORDER BY created_at DESC, id DESC, kind DESC LIMIT :limit`;
    const place = { at: before?.at, id: before?.id, beforeKind: before?.kind };
    return await select(this.#sequelize, transfer.read, sql, { userId, kind, limit, ...place });
  }

  /** By the index of state and account, which ends with the primary key. */
  async holds({ userId, state, owner, before, limit }: HoldFilter): Promise<HoldView[]> {
    const sql = `SELECT ${hold.columns} FROM holds FORCE INDEX (ix_holds_state_account)
      WHERE state=:state AND account_id=${ACCOUNT} ${owner === undefined ? '' : 'AND owner=:owner'}
        ${before === undefined ? '' : 'AND id < :before'}
      ORDER BY id DESC LIMIT :limit`;
    return await select(this.#sequelize, hold.read, sql, { userId, state, owner, before, limit });
  }

  /** Undefined for a user that there is not. */
  async figures(userId: number): Promise<AccountFigures | undefined> {
    const sql = `SELECT a.available,${LEASED} AS leased,${HELD} AS held,a.debt FROM accounts a WHERE a.id=${ACCOUNT}`;
    const [found] = await select(this.#sequelize, account.read, sql, { userId });
    return found;
  }

  /**
   * All that moved for calls, jobs, orders, adjustments and batches, and for the jobs and batches of a trace: an order
   * with its partial refunds, a batch with its hold.
   */
  async movements(asked: readonly string[], traceId?: string): Promise<Movements> {
    const related = await this.#related(asked, traceId);
    const ids = [...new Set([...asked, ...related.slice(0, MOST_RELATED)])];
    if (ids.length === 0) return { transfers: [], holds: [], isWhole: true };
    const owner = '(SELECT owner_id FROM accounts WHERE accounts.id=account_id) AS user_id';
    const batchId = '(SELECT id FROM batches WHERE batches.hold_id=holds.id LIMIT 1) AS batch_id';
    const transfers = `SELECT ${transfer.columns},${owner} FROM transfers WHERE id IN (:ids) ORDER BY created_at, id, kind`;
    const held = `SELECT ${hold.columns},${owner},${batchId} FROM holds WHERE id IN (:ids) ORDER BY created_at, id`;
    const [found, holds] = await Promise.all([
      select(this.#sequelize, ownedTransfer.read, transfers, { ids }),
      select(this.#sequelize, ownedHold.read, held, { ids }),
    ]);
    return { transfers: found, holds, isWhole: related.length <= MOST_RELATED };
  }

  async #related(ids: readonly string[], traceId: string | undefined): Promise<string[]> {
    const sources = [
      ...(ids.length === 0
        ? []
        : [
            'SELECT transfer_id AS id FROM partial_refunds WHERE order_no IN (:ids)',
            'SELECT hold_id AS id FROM batches WHERE id IN (:ids)',
          ]),
      ...(traceId === undefined
        ? []
        : ['SELECT id FROM jobs WHERE trace_id=:traceId', 'SELECT hold_id AS id FROM batches WHERE trace_id=:traceId']),
    ];
    if (sources.length === 0) return [];
    // The first of a trace with more of them, each time the same.
    const first = 'ORDER BY id LIMIT :most';
    const sql = `${sources.map((source) => `(${source} ${first})`).join(' UNION ')} ${first}`;
    const found = await select(this.#sequelize, idRow.read, sql, { ids: [...ids], traceId, most: MOST_RELATED + 1 });
    return found.map(({ id }) => id);
  }
}
