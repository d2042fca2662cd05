/** Statements on the pool, for everything that is not money. They return parsed rows (rows.ts), not the driver's. */
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';
import { utcDateTime } from './literal.ts';
import { column, rowOf, type SqlRecord } from './rows.ts';

/** Values for `?` in order, or for `:name` by name. */
export type Replacements = readonly unknown[] | Readonly<Record<string, unknown>>;

/** @param read what a row is: `read` of a `rowOf`. */
export async function select<Row>(
  sequelize: Sequelize,
  read: (record: SqlRecord) => Row,
  sql: string,
  replacements?: Replacements,
  transaction?: Transaction,
): Promise<Row[]> {
  const options = { ...optionsOf(replacements, transaction), type: QueryTypes.SELECT as const };
  const records = await sequelize.query<SqlRecord>(sql, options);
  return records.map((record) => read(record));
}

const total = rowOf({ total: column.integer });

/** @param sql `SELECT COUNT(*) AS total …` */
export async function count(
  sequelize: Sequelize,
  sql: string,
  replacements?: Replacements,
  transaction?: Transaction,
): Promise<number> {
  const [counted] = await select(sequelize, total.read, sql, replacements, transaction);
  return counted?.total ?? 0;
}

/** Whether there is any such row. */
export async function exists(
  sequelize: Sequelize,
  sql: string,
  replacements?: Replacements,
  transaction?: Transaction,
): Promise<boolean> {
  return (await select(sequelize, () => true, sql, replacements, transaction)).length > 0;
}

/** An INSERT of one row. @returns its AUTO_INCREMENT id. */
export async function insert(
  sequelize: Sequelize,
  sql: string,
  replacements?: Replacements,
  transaction?: Transaction,
): Promise<number> {
  const [id] = await sequelize.query(sql, { ...optionsOf(replacements, transaction), type: QueryTypes.INSERT });
  return id;
}

/** Any statement that changes rows. @returns how many it changed; rows that already had the values do not count. */
export async function change(
  sequelize: Sequelize,
  sql: string,
  replacements?: Replacements,
  transaction?: Transaction,
): Promise<number> {
  return await sequelize.query(sql, { ...optionsOf(replacements, transaction), type: QueryTypes.BULKUPDATE });
}

function optionsOf(replacements: Replacements | undefined, transaction: Transaction | undefined) {
  const values = Array.isArray(replacements)
    ? replacements.map(inFull)
    : replacements && Object.fromEntries(Object.entries(replacements).map(([name, value]) => [name, inFull(value)]));
  return { ...(values && { replacements: values }), ...(transaction && { transaction }) };
}

/** Sequelize writes a Date without its milliseconds. */
function inFull(value: unknown): unknown {
  return value instanceof Date ? utcDateTime(value.getTime()) : value;
}
