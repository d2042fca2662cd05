/** The catalog's tables as Sequelize sees them; the schema itself is in the migrations. */
import { DataTypes, type Model, type ModelStatic, type Sequelize } from 'sequelize';
import { column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { PROVIDER_KINDS } from '../providers/provider.ts';

/** What `provider_keys.status` means. A key that must be entered again cannot be enabled without that. */
export const KEY_STATUS = { off: 0, on: 1, mustBeEnteredAgain: 2 } as const;

const stamped = { id: column.integer, createdAt: column.time, updatedAt: column.time };
const provider = rowOf({
  ...stamped,
  name: column.text,
  kind: column.oneOf(PROVIDER_KINDS),
  /** Empty while nobody has said where the provider is. */
  urlBase: column.text,
});
export type ProviderRow = ReadRow<typeof provider>;

const providerKey = rowOf({
  ...stamped,
  providerId: column.integer,
  name: column.text,
  secret: column.bytes,
  lastFour: column.text,
  status: column.integer,
  weight: column.integer,
  /** The user who entered it; null: the command line, or not known. */
  enteredBy: orNull(column.integer),
});
export type ProviderKeyRow = ReadRow<typeof providerKey>;

const model = rowOf({
  ...stamped,
  displayName: column.text,
  modelIdentifier: column.text,
  providerId: column.integer,
  upstreamModel: column.text,
  capabilities: column.text,
  priority: column.integer,
  status: column.integer,
  priceId: orNull(column.integer),
  contextWindow: orNull(column.integer),
  maxOutputTokens: orNull(column.integer),
  defaultMaxTokens: orNull(column.integer),
  settings: column.json,
});
export type ModelRow = ReadRow<typeof model>;

/** Nano-units per million tokens, per image, per request. */
const price = rowOf({
  id: column.integer,
  modelId: column.integer,
  version: column.integer,
  input: column.bigint,
  output: column.bigint,
  cachedInput: orNull(column.bigint),
  cacheWrite: orNull(column.bigint),
  hourCacheWrite: orNull(column.bigint),
  perImage: column.bigint,
  perRequest: column.bigint,
  perSearch: column.bigint,
  mostSearches: column.integer,
  rules: column.json,
  createdBy: orNull(column.integer),
});
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

const id = { type: DataTypes.INTEGER.UNSIGNED, autoIncrement: true, primaryKey: true };
const times = { createdAt: DataTypes.DATE(3), updatedAt: DataTypes.DATE(3) };
const integer = DataTypes.INTEGER.UNSIGNED;

export function defineCatalogTables(sequelize: Sequelize): CatalogTables {
  return {
    sequelize,
    providers: sequelize.define('providers', {
      id,
      name: DataTypes.STRING(100),
      kind: DataTypes.STRING(10),
      urlBase: DataTypes.STRING(500),
      ...times,
    }),
    keys: sequelize.define('provider_keys', {
      id,
      providerId: integer,
      name: DataTypes.STRING(100),
      secret: DataTypes.BLOB,
      lastFour: DataTypes.STRING(4),
      status: DataTypes.TINYINT.UNSIGNED,
      weight: DataTypes.SMALLINT.UNSIGNED,
      enteredBy: integer,
      ...times,
    }),
    models: sequelize.define('models', {
      id,
      displayName: DataTypes.STRING(100),
      modelIdentifier: DataTypes.STRING(150),
      providerId: integer,
      upstreamModel: DataTypes.STRING(150),
      capabilities: DataTypes.STRING(80),
      priority: integer,
      status: DataTypes.TINYINT.UNSIGNED,
      priceId: integer,
      contextWindow: integer,
      maxOutputTokens: integer,
      defaultMaxTokens: integer,
      settings: DataTypes.JSON,
      ...times,
    }),
    prices: sequelize.define('model_prices', {
      id,
      modelId: integer,
      version: integer,
      input: DataTypes.BIGINT,
      output: DataTypes.BIGINT,
      cachedInput: DataTypes.BIGINT,
      cacheWrite: DataTypes.BIGINT,
      hourCacheWrite: DataTypes.BIGINT,
      perImage: DataTypes.BIGINT,
      perRequest: DataTypes.BIGINT,
      perSearch: DataTypes.BIGINT,
      mostSearches: DataTypes.SMALLINT.UNSIGNED,
      rules: DataTypes.JSON,
      createdBy: integer,
    }),
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
