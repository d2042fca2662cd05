/**
 * What a store gives to the commit queue so that its rows can change in the same transaction as money. The queue locks
 * tables in the order of its list: accounts, budgets, holds, orders, jobs, claims, transfers.
 */
import type { SqlRecord } from '../../../infra/mysql/rows.ts';

/** Rows that operations read under lock, then insert or change. Rows are immutable: a change puts a new one. */
export interface LedgerTable<Row> {
  readonly name: string;
  /** SELECT … ORDER BY key FOR UPDATE of these ids; its first column is the id. */
  lock(ids: readonly string[]): string;
  /** @returns the id, written as operations name it, and the row. */
  parse(record: SqlRecord): readonly [id: string, row: Row];
  /** Absent for tables whose rows are inserted elsewhere. */
  insert?(rows: readonly Row[], writer: WriterStamp): string;
  /** Writes the final state of changed rows; absent for tables that only grow. */
  update?(rows: readonly Row[], writer: WriterStamp): string;
}

/** Rows that are only ever added and never read by an operation. */
export interface LedgerSink<Item> {
  readonly name: string;
  write(items: readonly Item[], writer: WriterStamp): string;
}

/** Which writer commits a batch, and the batch's number. */
export interface WriterStamp {
  readonly slot: number;
  readonly epoch: number;
  readonly seq: bigint;
}
