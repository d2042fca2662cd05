/** The catalog's tables as Sequelize sees them; the schema itself is in the migrations. */
import { DataTypes, type Model, type ModelStatic, type Sequelize } from 'sequelize';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { PROVIDER_KINDS, type ProviderKind } from '../providers/provider.ts';

interface Stamped {
  readonly id: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ProviderRow extends Stamped {
  readonly name: string;
  readonly kind: ProviderKind;
  /** Empty while nobody has said where the provider is. */
  readonly urlBase: string;
}

/** What `provider_keys.status` means. A key that must be entered again cannot be enabled without that. */
export const KEY_STATUS = { off: 0, on: 1, mustBeEnteredAgain: 2 } as const;

export interface ProviderKeyRow extends Stamped {
  readonly providerId: number;
  readonly name: string;
  readonly secret: Buffer;
  readonly lastFour: string;
  readonly status: number;
  readonly weight: number;
  /** The user who entered it; null: the command line, or not known. */
  readonly enteredBy: number | null;
}

export interface ModelRow extends Stamped {
  readonly displayName: string;
  readonly modelIdentifier: string;
  readonly providerId: number;
  readonly upstreamModel: string;
  readonly capabilities: string;
  readonly priority: number;
  readonly status: number;
  readonly priceId: number | null;
  readonly contextWindow: number | null;
  readonly maxOutputTokens: number | null;
  readonly defaultMaxTokens: number | null;
  readonly settings: unknown;
}

/** Nano-units per million tokens, per image, per request. */
export interface PriceRow {
  readonly id: number;
  readonly modelId: number;
  readonly version: number;
  readonly input: bigint;
  readonly output: bigint;
  readonly cachedInput: bigint | null;
  readonly cacheWrite: bigint | null;
  readonly perImage: bigint;
  readonly perRequest: bigint;
  readonly createdBy: number | null;
}

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
      perImage: DataTypes.BIGINT,
      perRequest: DataTypes.BIGINT,
      createdBy: integer,
    }),
  };
}

const stamped = { id: column.integer, createdAt: column.time, updatedAt: column.time };
const provider = rowOf({ ...stamped, name: column.text, kind: column.oneOf(PROVIDER_KINDS), urlBase: column.text });
const providerKey = rowOf({
  ...stamped,
  providerId: column.integer,
  name: column.text,
  secret: column.bytes,
  lastFour: column.text,
  status: column.integer,
  weight: column.integer,
  enteredBy: orNull(column.integer),
});
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
const price = rowOf({
  id: column.integer,
  modelId: column.integer,
  version: column.integer,
  input: column.bigint,
  output: column.bigint,
  cachedInput: orNull(column.bigint),
  cacheWrite: orNull(column.bigint),
  perImage: column.bigint,
  perRequest: column.bigint,
  createdBy: orNull(column.integer),
});

/** Rows as they were read. */
export const readProvider = (row: Stored<ProviderRow>): ProviderRow => provider.ofModel(row.get());
export const readKey = (row: Stored<ProviderKeyRow>): ProviderKeyRow => providerKey.ofModel(row.get());
export const readModel = (row: Stored<ModelRow>): ModelRow => model.ofModel(row.get());
export const readPrice = (row: Stored<PriceRow>): PriceRow => price.ofModel(row.get());

export function byId<Row extends { readonly id: number }>(rows: readonly Row[]): Map<number, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}
