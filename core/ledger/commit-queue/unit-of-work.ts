/**
 * The unit of work: the rows of one batch in memory, between the packet that locks them and the packet that writes them.
 * An operation sees the effects of those before it; one that throws is undone. Pure.
 */
import type { LedgerSink, LedgerTable, WriterStamp } from './table.ts';

type State = 'absent' | 'stored' | 'inserted' | 'changed';
interface Cell {
  row: unknown;
  state: State;
}

/** What an operation may do with rows. */
export interface Rows {
  /** The database's clock when the batch locked its rows, in milliseconds since 1970. */
  readonly nowMs: number;
  /**
   * The local day of that moment, yyyy-MM-dd. Everything in the batch belongs to it, so that statistics, usage log and
   * statements agree on the day of a call.
   */
  readonly today: string;
  readonly writer: WriterStamp;
  /** The row, or undefined if it does not exist. The operation must have named it in `reads`. */
  get<Row>(table: LedgerTable<Row>, id: string): Row | undefined;
  /** Inserts the row where `get` found none, otherwise changes it. */
  put<Row>(table: LedgerTable<Row>, id: string, row: Row): void;
  append<Item>(sink: LedgerSink<Item>, item: Item): void;
}

export class UnitOfWork implements Rows {
  readonly nowMs: number;
  readonly today: string;
  readonly writer: WriterStamp;
  readonly #tables = new Map<LedgerTable<unknown>, Map<string, Cell>>();
  readonly #sinks = new Map<LedgerSink<unknown>, unknown[]>();
  #undo: (() => void)[] = [];

  constructor(nowMs: number, today: string, writer: WriterStamp) {
    this.nowMs = nowMs;
    this.today = today;
    this.writer = writer;
  }

  /** Adds the rows that were read; ids without a record do not exist. */
  load<Row>(table: LedgerTable<Row>, ids: Iterable<string>, records: Iterable<readonly [string, Row]>): void {
    const cells = new Map<string, Cell>();
    for (const id of ids) cells.set(id, { row: undefined, state: 'absent' });
    for (const [id, row] of records) cells.set(id, { row, state: 'stored' });
    this.#tables.set(table, cells);
  }

  get<Row>(table: LedgerTable<Row>, id: string): Row | undefined {
    // The map is keyed by the table that typed the row: `load` and `put` store only its Row there.
    return this.#cell(table, id).row as Row | undefined;
  }

  put<Row>(table: LedgerTable<Row>, id: string, row: Row): void {
    const cell = this.#cell(table, id);
    const before = { ...cell };
    this.#undo.push(() => Object.assign(cell, before));
    cell.row = row;
    if (cell.state === 'absent') cell.state = 'inserted';
    else if (cell.state === 'stored') cell.state = 'changed';
  }

  append<Item>(sink: LedgerSink<Item>, item: Item): void {
    const items = this.#sinks.get(sink) ?? [];
    this.#sinks.set(sink, items);
    items.push(item);
    this.#undo.push(() => items.pop());
  }

  /** Runs one operation; undoes it if it throws. */
  attempt<Result>(decide: (rows: Rows) => Result): Result {
    this.#undo = [];
    try {
      return decide(this);
    } catch (error) {
      for (const step of this.#undo.reverse()) step();
      throw error;
    }
  }

  /** The statements that write all effects; empty when nothing changed. */
  statements(tables: readonly LedgerTable<unknown>[]): string[] {
    const statements: string[] = [];
    for (const table of tables) {
      const cells = [...(this.#tables.get(table)?.values() ?? [])];
      const rowsIn = (state: State) => cells.filter((cell) => cell.state === state).map((cell) => cell.row);
      const inserted = rowsIn('inserted');
      const changed = rowsIn('changed');
      if (changed.length > 0) {
        if (!table.update) throw new Error(`rows of ${table.name} are never changed`);
        statements.push(table.update(changed, this.writer));
      }
      if (inserted.length > 0) {
        if (!table.insert) throw new Error(`rows of ${table.name} are not made by the commit queue`);
        statements.push(table.insert(inserted, this.writer));
      }
    }
    for (const [sink, items] of this.#sinks) {
      if (items.length > 0) statements.push(sink.write(items, this.writer));
    }
    return statements;
  }

  #cell<Row>(table: LedgerTable<Row>, id: string): Cell {
    const cell = this.#tables.get(table)?.get(id);
    if (!cell) throw new Error(`the operation did not name ${table.name} ${id} among its reads`);
    return cell;
  }
}
