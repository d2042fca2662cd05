/** Reads and writes the table `providers`. */
import { ForeignKeyConstraintError, type Transaction, UniqueConstraintError } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import { type CatalogTables, type ProviderRow, readProvider } from './tables.ts';

export type Provider = ProviderRow;
export type NewProvider = Pick<Provider, 'name' | 'kind' | 'urlBase'>;

export interface Page {
  /** From 1. */
  readonly pageNum: number;
  readonly pageSize: number;
}

export interface Records<T> {
  readonly records: readonly T[];
  readonly total: number;
}

export const PROVIDER_SORT_KEYS = ['id', 'name', 'createdAt'] as const;

export interface ProviderQuery extends Page {
  readonly sortBy?: (typeof PROVIDER_SORT_KEYS)[number] | undefined;
  readonly sortOrder?: 'asc' | 'desc' | undefined;
}

export class ProviderStore {
  readonly #tables: CatalogTables;

  constructor(tables: CatalogTables) {
    this.#tables = tables;
  }

  /** With a transaction the row stays locked until its end. @throws {AppError} notFound. */
  async get(id: number, transaction?: Transaction): Promise<Provider> {
    const row = await this.#tables.providers.findByPk(id, locking(transaction));
    if (row === null) throw new AppError('notFound', `there is no provider ${id}`);
    return readProvider(row);
  }

  /** By name as the database compares names: without regard to case and accents. */
  async named(name: string, transaction?: Transaction): Promise<Provider | undefined> {
    const row = await this.#tables.providers.findOne({ where: { name }, ...locking(transaction) });
    return row === null ? undefined : readProvider(row);
  }

  async page(query: ProviderQuery): Promise<Records<Provider>> {
    const { rows, count } = await this.#tables.providers.findAndCountAll({
      order: [
        [query.sortBy ?? 'id', query.sortOrder ?? 'asc'],
        ['id', query.sortOrder ?? 'asc'],
      ],
      limit: query.pageSize,
      offset: (query.pageNum - 1) * query.pageSize,
    });
    return { records: rows.map(readProvider), total: count };
  }

  /** @throws {AppError} alreadyExists for a taken name. */
  async insert(provider: NewProvider, transaction: Transaction): Promise<number> {
    try {
      return (await this.#tables.providers.create(provider, { transaction })).get().id;
    } catch (error) {
      throw takenName(error, provider.name);
    }
  }

  /** @throws {AppError} alreadyExists for a taken name. */
  async update(id: number, change: Partial<NewProvider>, transaction: Transaction): Promise<void> {
    try {
      await this.#tables.providers.update(change, { where: { id }, transaction });
    } catch (error) {
      throw takenName(error, change.name ?? '');
    }
  }

  /** Deletes it with its keys. @throws {AppError} illegalState while a model refers to it. */
  async delete(id: number, transaction: Transaction): Promise<void> {
    try {
      await this.#tables.providers.destroy({ where: { id }, transaction });
    } catch (error) {
      if (!(error instanceof ForeignKeyConstraintError)) throw error;
      throw new AppError('illegalState', 'the provider has models: delete them or give them another provider first', {
        cause: error,
      });
    }
  }
}

/** `FOR UPDATE` inside a transaction, because what is read there decides what is written. */
export function locking(transaction: Transaction | undefined) {
  return transaction === undefined ? {} : { transaction, lock: transaction.LOCK.UPDATE };
}

function takenName(error: unknown, name: string): unknown {
  if (!(error instanceof UniqueConstraintError)) return error;
  return new AppError('alreadyExists', `name: there is a provider ${name} already`, {
    errors: [{ path: 'name', message: `there is a provider ${name} already` }],
    cause: error,
  });
}
