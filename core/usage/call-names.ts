/** Names of what calls were made with, by the ids that the usage log has. */
import type { Sequelize } from 'sequelize';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';

const accessKey = rowOf({ id: column.integer, name: column.text, publicPart: column.text, lastFour: column.text });
const providerKey = rowOf({ id: column.integer, name: column.text, lastFour: column.text });

/** An access key, deleted or not: its name, empty without one, and the ends that may be shown. */
export interface NamedAccessKey {
  readonly name: string;
  readonly publicPart: string;
  readonly lastFour: string;
}

export interface NamedProviderKey {
  readonly name: string;
  readonly lastFour: string;
}

export class CallNames {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  async accessKeys(ids: readonly number[]): Promise<ReadonlyMap<number, NamedAccessKey>> {
    if (ids.length === 0) return new Map();
    const sql = `SELECT ${accessKey.columns} FROM access_keys WHERE id IN (:ids)`;
    return new Map((await select(this.#sequelize, accessKey.read, sql, { ids })).map(({ id, ...key }) => [id, key]));
  }

  /** Those that are still there. */
  async providerKeys(ids: readonly number[]): Promise<ReadonlyMap<number, NamedProviderKey>> {
    if (ids.length === 0) return new Map();
    const sql = `SELECT ${providerKey.columns} FROM provider_keys WHERE id IN (:ids)`;
    return new Map((await select(this.#sequelize, providerKey.read, sql, { ids })).map(({ id, ...key }) => [id, key]));
  }
}
