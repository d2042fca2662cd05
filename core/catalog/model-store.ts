/** Reads and writes the tables `models` and `model_prices`. */
import { col, fn, Op, type Transaction, UniqueConstraintError, where } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import type { Capability } from './model.ts';
import { capabilitiesOf, type Model, type ModelFields, modelOf, priceOfRow } from './model-record.ts';
import { storableRules } from './price-rules.ts';
import type { PriceFields } from './pricing.ts';
import { locking, type Page, type Records } from './provider-store.ts';
import {
  byId,
  type CatalogTables,
  type ModelRow,
  type PriceRow,
  readModel,
  readPrice,
  readProvider,
} from './tables.ts';

export const MODEL_SORT_KEYS = ['priority', 'name', 'createdAt'] as const;

export interface ModelQuery extends Page {
  readonly online?: boolean | undefined;
  readonly capability?: Capability | undefined;
  readonly providerId?: number | undefined;
  /** A part of the identifier or of the name for people. */
  readonly search?: string | undefined;
  readonly sortBy?: (typeof MODEL_SORT_KEYS)[number] | undefined;
  readonly sortOrder?: 'asc' | 'desc' | undefined;
}

/** A version of a model's price; the newest is in force. */
export interface PriceVersion {
  readonly version: number;
  readonly price: PriceFields;
  /** What the model could do when it was set: `output` may be of a token or of an image. null: not known. */
  readonly capabilities: readonly Capability[] | null;
  /** Who made it; null for the command line. */
  readonly createdBy: number | null;
  readonly createdAt: Date;
}

const newestPrice = rowOf({ version: column.integer });

export class ModelStore {
  readonly #tables: CatalogTables;

  constructor(tables: CatalogTables) {
    this.#tables = tables;
  }

  /** With a transaction the row stays locked until its end. @throws {AppError} modelNotFound. */
  async get(id: number, transaction?: Transaction): Promise<Model> {
    const row = await this.#tables.models.findByPk(id, locking(transaction));
    if (row === null) throw new AppError('modelNotFound', `there is no model ${id}`);
    const [model] = await this.#complete([readModel(row)], transaction);
    if (model === undefined) throw new Error(`model ${id} has no provider`);
    return model;
  }

  /** One page, by priority unless asked otherwise; equal ones by id, so that pages do not overlap. */
  async page(query: ModelQuery): Promise<Records<Model>> {
    const sortBy = query.sortBy === 'name' ? 'displayName' : (query.sortBy ?? 'priority');
    const { rows, count } = await this.#tables.models.findAndCountAll({
      where: {
        ...(query.online === undefined ? {} : { status: query.online ? 1 : 0 }),
        ...(query.capability === undefined ? {} : { capabilities: { [Op.substring]: query.capability } }),
        ...(query.providerId === undefined ? {} : { providerId: query.providerId }),
        ...(query.search === undefined ? {} : named(query.search)),
      },
      order: [
        [sortBy, query.sortOrder ?? 'asc'],
        ['id', query.sortOrder ?? 'asc'],
      ],
      limit: query.pageSize,
      offset: (query.pageNum - 1) * query.pageSize,
    });
    return { records: await this.#complete(rows.map(readModel)), total: count };
  }

  /** @throws {AppError} alreadyExists for a taken identifier. */
  async insert(fields: ModelFields, price: PriceFields | null, by: number | null, transaction: Transaction) {
    try {
      const created = await this.#tables.models.create({ ...columnsOf(fields), priceId: null }, { transaction });
      const { id } = created.get();
      if (price !== null) await this.addPrice(id, price, fields.capabilities, by, transaction);
      return id;
    } catch (error) {
      throw takenIdentifier(error, fields.modelIdentifier);
    }
  }

  /** @throws {AppError} alreadyExists for a taken identifier. */
  async update(id: number, fields: ModelFields, transaction: Transaction): Promise<void> {
    try {
      await this.#tables.models.update(columnsOf(fields), { where: { id }, transaction });
    } catch (error) {
      throw takenIdentifier(error, fields.modelIdentifier);
    }
  }

  /** Adds a version of the price and makes it the present one. The caller holds the model's row. */
  async addPrice(
    id: number,
    price: PriceFields,
    capabilities: readonly Capability[],
    by: number | null,
    transaction: Transaction,
  ): Promise<void> {
    const sql = 'SELECT COALESCE(MAX(version),0) AS version FROM model_prices WHERE model_id=?';
    const [newest] = await select(this.#tables.sequelize, newestPrice.read, sql, [id], transaction);
    const created = await this.#tables.prices.create(
      {
        ...{ modelId: id, version: (newest?.version ?? 0) + 1, createdBy: by, capabilities: capabilities.join(',') },
        ...{ ...price, rules: storableRules(price.rules) },
      },
      { transaction },
    );
    await this.#tables.models.update({ priceId: created.get().id }, { where: { id }, transaction });
  }

  /** Its name stays, for statements and statistics. */
  async delete(id: number, transaction: Transaction): Promise<void> {
    const name = 'INSERT INTO deleted_models (id,model_identifier) SELECT id,model_identifier FROM models WHERE id=:id';
    await change(this.#tables.sequelize, name, { id }, transaction);
    await this.#tables.models.destroy({ where: { id }, transaction });
  }

  /** Models of a provider for which its keys can be tried, online ones first. */
  async textModelsOf(providerId: number, limit: number): Promise<Model[]> {
    const rows = await this.#tables.models.findAll({
      where: {
        providerId,
        capabilities: { [Op.or]: [{ [Op.substring]: 'text-to-text' }, { [Op.substring]: 'image-to-text' }] },
      },
      order: [
        ['status', 'DESC'],
        ['priority', 'ASC'],
      ],
      limit,
    });
    return this.#complete(rows.map(readModel));
  }

  async prices(ids: readonly number[]): Promise<PriceRow[]> {
    return (await this.#tables.prices.findAll({ where: { id: [...ids] } })).map(readPrice);
  }

  /** By the unique key of model and version. */
  async priceVersions(id: number, beforeVersion: number | undefined, limit: number): Promise<PriceVersion[]> {
    const rows = await this.#tables.prices.findAll({
      where: { modelId: id, ...(beforeVersion === undefined ? {} : { version: { [Op.lt]: beforeVersion } }) },
      order: [['version', 'DESC']],
      limit,
    });
    return rows.map(readPrice).map((row) => {
      const { version, capabilities, createdBy, createdAt } = row;
      const could = capabilities === null ? null : capabilitiesOf(capabilities);
      return { version, createdBy, createdAt, price: priceOfRow(row), capabilities: could };
    });
  }

  async #complete(rows: readonly ModelRow[], transaction?: Transaction): Promise<Model[]> {
    const reading = transaction === undefined ? {} : { transaction };
    const providerIds = [...new Set(rows.map((row) => row.providerId))];
    const priceIds = rows.flatMap((row) => (row.priceId === null ? [] : [row.priceId]));
    const providers = await this.#tables.providers.findAll({ where: { id: providerIds }, ...reading });
    const prices = await this.#tables.prices.findAll({ where: { id: priceIds }, ...reading });
    const providersById = byId(providers.map(readProvider));
    const pricesById = byId(prices.map(readPrice));
    return rows.flatMap((row) => modelOf(row, providersById, pricesById) ?? []);
  }
}

function named(part: string) {
  const like = { [Op.like]: `%${part.toLowerCase().replace(/[\\%_]/g, '\\$&')}%` };
  // Identifiers differ by case; a search ignores it.
  return { [Op.or]: [where(fn('LOWER', col('model_identifier')), like), { displayName: like }] };
}

function columnsOf(fields: ModelFields) {
  const { capabilities, online, settings, ...rest } = fields;
  return { ...rest, capabilities: capabilities.join(','), status: online ? 1 : 0, settings };
}

function takenIdentifier(error: unknown, identifier: string): unknown {
  if (!(error instanceof UniqueConstraintError)) return error;
  const message = `there is a model ${identifier} already`;
  return new AppError('alreadyExists', `modelIdentifier: ${message}`, {
    errors: [{ path: 'modelIdentifier', message }],
    cause: error,
  });
}
