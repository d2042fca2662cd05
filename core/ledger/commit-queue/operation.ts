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
  /**
   * Decides on the locked rows, in memory. Must be pure and repeatable: after a deadlock or a lost connection it runs
   * again on rows read anew. Refusals are results; a throw is a bug and leaves no trace of the operation.
   */
  decide(rows: Rows): Result;
  /**
   * Takes the operation back; used when the caller has stopped waiting (the database was away) and the operation turns
   * out to have been committed all the same.
   */
  compensate?(result: Result): Operation<unknown> | undefined;
}
