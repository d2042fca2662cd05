/**
 * What a store gives to the commit queue so that its rows can change in the same transaction as money. The queue locks
 * tables in the order of its list: accounts, budgets, holds, orders, jobs, claims, transfers.
 */
import { literal, literals, type SqlValue, updateRows, utcDateTime } from '../../../infra/mysql/literal.ts';
import { type Column, column, type RowOf, rowOf, type SqlRecord, sqlNameOf } from '../../../infra/mysql/rows.ts';

/** Rows that operations read under lock, then insert or change. Rows are immutable: a change puts a new one. */
export interface LedgerTable<Row> {
  readonly name: string;
  /** SELECT … ORDER BY key FOR UPDATE of these ids. */
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

export type RowIn<Table> = Table extends LedgerTable<infer Row> ? Row : never;

type Shape = Readonly<Record<string, Column<SqlValue>>>;
type Values = Readonly<Record<string, SqlValue>>;

interface Declaration<Fixed extends Shape, Changing extends Shape, Key extends keyof Fixed> {
  readonly name: string;
  /** The primary key. */
  readonly key: readonly Key[];
  /** Columns that are written once. */
  readonly fixed: Fixed;
  /** Columns that an update writes, too. */
  readonly changing: Changing;
  /** True where a new row also gets the slot and the epoch of its writer. */
  readonly stamped?: boolean;
}

interface DeclaredTable<Row, Key> extends Required<LedgerTable<Row>> {
  /** @param more what else to select, beginning with a comma. */
  lock(ids: readonly string[], more?: string): string;
  /** The id of a row among an operation's reads. */
  idOf(row: Key): string;
}

/**
 * A table by one list of its columns, which make its lock, its parser, its insert and its update. An id is the text of
 * the key; of a key of several columns it is the condition in SQL that finds the row, which only `idOf` makes.
 */
export function ledgerTable<Fixed extends Shape, Changing extends Shape, Key extends keyof Fixed & string>(
  declaration: Declaration<Fixed, Changing, Key>,
): DeclaredTable<RowOf<Fixed & Changing>, Pick<RowOf<Fixed>, Key>> {
  const { name, fixed, changing, stamped = false } = declaration;
  const shape = { ...fixed, ...changing };
  const reader = rowOf(shape);
  const changed = rowOf(changing);
  const key = keyOf(declaration.key, fixed);
  const names = stamped ? [...reader.names, 'slot', 'epoch'] : reader.names;
  const cells = cellsOf(shape);
  const changes = cellsOf(changing);
  const into = `INSERT INTO ${name} (${names.join(',')}) VALUES `;
  const insert = (rows: readonly Values[], { slot, epoch }: WriterStamp) => {
    const stamp = stamped ? `,${slot},${epoch})` : ')';
    return into + rows.map((row) => `(${literalsOf(cells, row)}${stamp}`).join(',');
  };
  const { single } = key;
  return {
    name,
    idOf: key.idOf,
    lock: (ids, more = '') =>
      `SELECT ${reader.columns}${more} FROM ${name} WHERE ${key.where(ids)} ORDER BY ${key.order} FOR UPDATE`,
    parse: (record) => {
      const row = reader.read(record);
      return [key.idOf(row), row];
    },
    insert,
    update: single
      ? (rows: readonly Values[]) =>
          updateRows(
            name,
            key.order,
            changed.names,
            rows.map((row) => [single(row), ...changes.map((cell) => cell(row))]),
          )
      : (rows, writer) => `${insert(rows, writer)} ON DUPLICATE KEY UPDATE ${changed.names.map(asInserted).join(',')}`,
  };
}

interface KeyForm {
  readonly idOf: (row: Values) => string;
  readonly where: (ids: readonly string[]) => string;
  readonly order: string;
  /** The value of a key of one column. */
  readonly single?: (row: Values) => SqlValue;
}

function keyOf(columns: readonly string[], shape: Shape): KeyForm {
  const parts = columns.map((column) => ({ sqlName: sqlNameOf(column), of: (row: Values) => row[column] ?? null }));
  const order = parts.map(({ sqlName }) => sqlName).join(',');
  const [only, second] = parts;
  if (only === undefined || second !== undefined) {
    const idOf = (row: Values) => `(${parts.map(({ sqlName, of }) => `${sqlName}=${literal(of(row))}`).join(' AND ')})`;
    return { order, idOf, where: (ids) => ids.join(' OR ') };
  }
  const isInteger = shape[columns[0] ?? ''] === column.integer;
  return {
    order,
    single: only.of,
    idOf: (row) => String(only.of(row)),
    where: (ids) => `${order} IN (${literals(isInteger ? ids.map(Number) : ids)})`,
  };
}

/** What SQL takes of a row for each column, in the order of the shape. */
function cellsOf(shape: Shape): ((row: Values) => SqlValue)[] {
  return Object.entries(shape).map(([name, { inMs = false }]) => (row) => {
    const value = row[name] ?? null;
    return inMs && typeof value === 'number' ? utcDateTime(value) : value;
  });
}

/** Concatenated here: an array of them in between took a quarter of an insert's time. */
function literalsOf(cells: readonly ((row: Values) => SqlValue)[], row: Values): string {
  let text = '';
  for (const cell of cells) text += text === '' ? literal(cell(row)) : `,${literal(cell(row))}`;
  return text;
}

function asInserted(column: string): string {
  return `${column}=VALUES(${column})`;
}
