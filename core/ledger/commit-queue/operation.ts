/** One change of money and of the rows that must change with it: which rows it needs, and what it does with them. */
import type { LedgerTable } from './table.ts';
import type { Rows } from './unit-of-work.ts';

export interface Read {
  readonly table: LedgerTable<unknown>;
  readonly id: string;
}

/** Names a row that an operation needs. */
export function read<Row>(table: LedgerTable<Row>, id: string): Read {
  return { table, id };
}

export interface Operation<Result> {
  readonly reads: readonly Read[];
  /** Bytes that it adds to the batch's packet beyond a few hundred. */
  readonly bytes?: number;
  /** Its caller does not mind some milliseconds, in which others may join its batch. */
  readonly mayWait?: boolean;
  /**
   * Decides on the locked rows, in memory. Must be pure: after a deadlock or a lost connection it runs again on rows
   * that were read again. A refusal is a result; a throw is a bug, and undoes the operation.
   */
  decide(rows: Rows): Result;
  /**
   * Takes the operation back. Used if the caller has stopped waiting (the database was away) and the operation was
   * committed later.
   */
  compensate?(result: Result): Operation<unknown> | undefined;
}
