/** The catalog's tables, each column once: how it is read, and as what Sequelize writes it. The schema is in the migrations. */
import {
  type DataType,
  DataTypes,
  type Model,
  type ModelAttributeColumnOptions,
  type ModelStatic,
  type Sequelize,
} from 'sequelize';
import { type Column, column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { PROVIDER_KINDS } from '../providers/provider.ts';

/** What `provider_keys.status` means. A key that must be entered again cannot be enabled without that. */
export const KEY_STATUS = { off: 0, on: 1, mustBeEnteredAgain: 2 } as const;

type SqlType = DataType | ModelAttributeColumnOptions;
/** A column of ours: how it is read, and its type in SQL. */
type StoredColumn<T> = Column<T> & { readonly type: SqlType };

function stored<T>(read: Column<T>, type: SqlType): StoredColumn<T> {
  return Object.assign((value: unknown, name: string) => read(value, name), { type });
}

const INTEGER = DataTypes.INTEGER.UNSIGNED;
const id = stored(column.integer, { type: INTEGER, autoIncrement: true, primaryKey: true });
const text = (length: number) => stored(column.text, DataTypes.STRING(length));
const integer = stored(column.integer, INTEGER);
const integerOrNull = stored(orNull(column.integer), INTEGER);
const textOrNull = (length: number) => stored(orNull(column.text), DataTypes.STRING(length));
const tiny = stored(column.integer, DataTypes.TINYINT.UNSIGNED);
const small = stored(column.integer, DataTypes.SMALLINT.UNSIGNED);
const nano = stored(column.bigint, DataTypes.BIGINT);
const nanoOrNull = stored(orNull(column.bigint), DataTypes.BIGINT);
const json = stored(column.json, DataTypes.JSON);
const time = stored(column.time, DataTypes.DATE(3));

const providerColumns = {
  id,
  name: text(100),
  kind: stored(column.oneOf(PROVIDER_KINDS), DataTypes.STRING(10)),
  /** Empty while nobody has said where the provider is. */
  urlBase: text(500),
  createdAt: time,
  updatedAt: time,
};
const provider = rowOf(providerColumns);
export type ProviderRow = ReadRow<typeof provider>;

const keyColumns = {
  id,
  providerId: integer,
  name: text(100),
  secret: stored(column.bytes, DataTypes.BLOB),
  lastFour: text(4),
  status: tiny,
  weight: small,
  /** The user who entered it; null: the command line, or not known. */
  enteredBy: integerOrNull,
  createdAt: time,
  updatedAt: time,
};
const providerKey = rowOf(keyColumns);
export type ProviderKeyRow = ReadRow<typeof providerKey>;

const modelColumns = {
  id,
  displayName: text(100),
  modelIdentifier: text(150),
  providerId: integer,
  upstreamModel: text(150),
  capabilities: text(255),
  priority: integer,
  status: tiny,
  priceId: integerOrNull,
  contextWindow: integerOrNull,
  maxOutputTokens: integerOrNull,
  defaultMaxTokens: integerOrNull,
  settings: json,
  createdAt: time,
  updatedAt: time,
};
const model = rowOf(modelColumns);
export type ModelRow = ReadRow<typeof model>;

/** Nano-units per million tokens, characters and seconds, per image, per request. */
const priceColumns = {
  id,
  modelId: integer,
  version: integer,
  input: nano,
  output: nano,
  cachedInput: nanoOrNull,
  cacheWrite: nanoOrNull,
  hourCacheWrite: nanoOrNull,
  perImage: nano,
  perRequest: nano,
  perSearch: nano,
  perCharacter: nano,
  perSecond: nano,
  mostSearches: small,
  rules: json,
  capabilities: textOrNull(255),
  createdBy: integerOrNull,
  createdAt: time,
};
const price = rowOf(priceColumns);
export type PriceRow = ReadRow<typeof price>;

/** Columns that the database fills in. */
type Made = 'id' | 'createdAt' | 'updatedAt';
type Stored<Row extends object> = Model<Row, Omit<Row, Made>>;
type Table<Row extends object> = ModelStatic<Stored<Row>>;

export interface CatalogTables {
  readonly sequelize: Sequelize;
  readonly providers: Table<ProviderRow>;
  readonly keys: Table<ProviderKeyRow>;
  readonly models: Table<ModelRow>;
  readonly prices: Table<PriceRow>;
}

export function defineCatalogTables(sequelize: Sequelize): CatalogTables {
  const define = (table: string, columns: Readonly<Record<string, StoredColumn<unknown>>>) =>
    sequelize.define<Model>(table, Object.fromEntries(Object.entries(columns).map(([name, { type }]) => [name, type])));
  return {
    sequelize,
    providers: define('providers', providerColumns),
    keys: define('provider_keys', keyColumns),
    models: define('models', modelColumns),
    prices: define('model_prices', priceColumns),
  };
}

/** Rows as they were read. */
export const readProvider = (row: Stored<ProviderRow>): ProviderRow => provider.ofModel(row.get());
export const readKey = (row: Stored<ProviderKeyRow>): ProviderKeyRow => providerKey.ofModel(row.get());
export const readModel = (row: Stored<ModelRow>): ModelRow => model.ofModel(row.get());
export const readPrice = (row: Stored<PriceRow>): PriceRow => price.ofModel(row.get());

export function byId<Row extends { readonly id: number }>(rows: readonly Row[]): Map<number, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}
