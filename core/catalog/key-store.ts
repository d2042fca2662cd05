/** Reads and writes the table `provider_keys`. It hands out plain keys only for calls to their provider. */
import { Op, type Transaction } from 'sequelize';
import { sealedVersion, type Vault } from '../../infra/crypto.ts';
import { AppError } from '../../infra/errors.ts';
import { AT_ONE_MOMENT, inTransaction } from '../../infra/mysql/transaction.ts';
import { locking, type Provider } from './provider-store.ts';
import { type CatalogTables, KEY_STATUS, type ProviderKeyRow, readKey, readProvider } from './tables.ts';

/** A key as administrators see it: without its secret. */
export type StoredKey = Omit<ProviderKeyRow, 'secret'>;

export interface NewKey {
  readonly providerId: number;
  readonly apiKey: string;
  readonly name: string;
  readonly weight: number;
  readonly enteredBy: number | null;
}

/** `apiKey` is a secret, and goes to this provider's address. */
export interface KeyForCall {
  readonly id: number;
  readonly apiKey: string;
  readonly provider: Provider;
}

/** What `rotate` did; unreadable keys (by id) are sealed under a version that is not listed, or were altered. */
export interface Rotation {
  readonly rotated: number;
  readonly unreadable: readonly number[];
}

/** A key shorter than this is not shown in part. */
const SHORTEST_SHOWN = 8;

export class KeyStore {
  readonly #tables: CatalogTables;
  readonly #vault: Vault;

  constructor(tables: CatalogTables, vault: Vault) {
    this.#tables = tables;
    this.#vault = vault;
  }

  /** @throws {AppError} notFound. */
  async get(id: number, transaction?: Transaction): Promise<StoredKey> {
    return withoutSecret(await this.#row(id, transaction));
  }

  /** The keys of a provider by id. */
  async ofProvider(providerId: number, transaction?: Transaction): Promise<StoredKey[]> {
    return (await this.#rowsOf(providerId, transaction)).map(withoutSecret);
  }

  /** The keys of all providers, by provider and id. */
  async all(): Promise<StoredKey[]> {
    return (await this.#tables.keys.findAll({ order: ['providerId', 'id'] })).map(readKey).map(withoutSecret);
  }

  /**
   * One key with the provider whose address it was entered for, both read at one moment.
   * @param which a key by its id, switched on or off, or the first active key of a provider.
   * @throws {AppError} notFound; illegalState when the key must be entered again, the provider has no active one, or it
   * cannot be decrypted.
   */
  async forCall(which: { readonly id: number } | { readonly providerId: number }): Promise<KeyForCall> {
    const found = await this.#tables.sequelize.transaction(AT_ONE_MOMENT, async (transaction) => {
      const where = 'id' in which ? which : { ...which, status: KEY_STATUS.on };
      const key = await this.#tables.keys.findOne({ where, order: ['id'], transaction });
      const row = key === null ? undefined : readKey(key);
      const providerId = 'id' in which ? (row?.providerId ?? 0) : which.providerId;
      const provider = await this.#tables.providers.findByPk(providerId, { transaction });
      return { row, provider: provider === null ? undefined : readProvider(provider) };
    });
    if ('id' in which && found.row === undefined)
      throw new AppError('notFound', `there is no provider key ${which.id}`);
    const { row, provider } = found;
    if (provider === undefined) throw new AppError('notFound', 'there is no such provider');
    if (row === undefined) throw new AppError('illegalState', `the provider ${provider.name} has no active key`);
    if (row.status === KEY_STATUS.mustBeEnteredAgain) {
      throw new AppError('illegalState', "the provider's address has changed since: the key must be entered again");
    }
    return { id: row.id, apiKey: this.#readable(row), provider };
  }

  /** The row that already has this key. */
  async holding(providerId: number, apiKey: string, transaction: Transaction): Promise<StoredKey | undefined> {
    const row = (await this.#rowsOf(providerId, transaction)).find((candidate) => {
      if (candidate.lastFour !== lastFourOf(apiKey)) return false;
      return this.#tryOpen(candidate) === apiKey;
    });
    return row && withoutSecret(row);
  }

  /** Stores a key, sealed to its provider and row. */
  async insert(key: NewKey, transaction: Transaction): Promise<number> {
    const { apiKey, ...columns } = key;
    const created = await this.#tables.keys.create(
      { ...columns, secret: Buffer.alloc(0), lastFour: lastFourOf(apiKey), status: KEY_STATUS.on },
      { transaction },
    );
    const { id } = created.get();
    await this.#seal(id, key.providerId, apiKey, transaction);
    return id;
  }

  async setStatus(id: number, status: number, transaction: Transaction): Promise<void> {
    await this.#tables.keys.update({ status }, { where: { id }, transaction });
  }

  async update(id: number, change: Partial<Pick<NewKey, 'name' | 'weight'>>, transaction: Transaction): Promise<void> {
    await this.#tables.keys.update(change, { where: { id }, transaction });
  }

  /** This user has entered the key again. */
  async enteredAgain(id: number, enteredBy: number | null, transaction: Transaction): Promise<void> {
    await this.#tables.keys.update({ status: KEY_STATUS.on, enteredBy }, { where: { id }, transaction });
  }

  /**
   * Switches the keys of a provider off until they are entered again.
   * @param keep returns true for a key that may stay enabled.
   * @returns the ids of those that were switched off.
   */
  async retire(providerId: number, keep: (key: StoredKey) => boolean, transaction: Transaction): Promise<number[]> {
    const ids = (await this.ofProvider(providerId, transaction)).flatMap((key) => (keep(key) ? [] : [key.id]));
    const status = KEY_STATUS.mustBeEnteredAgain;
    await this.#tables.keys.update({ status }, { where: { id: { [Op.in]: ids } }, transaction });
    return ids;
  }

  async delete(id: number, transaction: Transaction): Promise<void> {
    await this.#tables.keys.destroy({ where: { id }, transaction });
  }

  /** Seals every key under the newest version. Safe to stop and to run again. */
  async rotate(): Promise<Rotation> {
    const rows = await this.#tables.keys.findAll({ attributes: ['id'], order: ['id'] });
    const rotation = { rotated: 0, unreadable: [] as number[] };
    for (const row of rows) {
      const { id } = row.get();
      const outcome = await inTransaction(this.#tables.sequelize, (transaction) => this.#reseal(id, transaction));
      if (outcome === 'rotated') rotation.rotated += 1;
      if (outcome === 'unreadable') rotation.unreadable.push(id);
    }
    return rotation;
  }

  async #reseal(id: number, transaction: Transaction): Promise<'rotated' | 'unreadable' | 'unchanged'> {
    const found = await this.#tables.keys.findByPk(id, locking(transaction));
    if (found === null) return 'unchanged';
    const row = readKey(found);
    if (sealedVersion(row.secret) === this.#vault.newestVersion) return 'unchanged';
    const apiKey = this.#tryOpen(row);
    if (apiKey === undefined) return 'unreadable';
    await this.#seal(id, row.providerId, apiKey, transaction);
    return 'rotated';
  }

  async #row(id: number, transaction?: Transaction): Promise<ProviderKeyRow> {
    const row = await this.#tables.keys.findByPk(id, locking(transaction));
    if (row === null) throw new AppError('notFound', `there is no provider key ${id}`);
    return readKey(row);
  }

  async #rowsOf(providerId: number, transaction?: Transaction): Promise<ProviderKeyRow[]> {
    const rows = await this.#tables.keys.findAll({ where: { providerId }, order: ['id'], ...locking(transaction) });
    return rows.map(readKey);
  }

  async #seal(id: number, providerId: number, apiKey: string, transaction: Transaction): Promise<void> {
    const secret = this.#vault.seal(apiKey, belongsTo(providerId, id));
    await this.#tables.keys.update({ secret }, { where: { id }, transaction });
  }

  #open(row: ProviderKeyRow): string {
    return openKey(this.#vault, row);
  }

  #readable(row: ProviderKeyRow): string {
    try {
      return this.#open(row);
    } catch (cause) {
      const why = `was sealed under version ${sealedVersion(row.secret)} of KEY_ENCRYPTION_KEY, which is not listed, or was altered`;
      throw new AppError('illegalState', `the provider key ${row.id} cannot be read: it ${why}; enter it again`, {
        cause,
      });
    }
  }

  #tryOpen(row: ProviderKeyRow): string | undefined {
    try {
      return this.#open(row);
    } catch {
      return undefined;
    }
  }
}

/** @throws when the key cannot be decrypted. */
export function openKey(vault: Vault, row: Pick<ProviderKeyRow, 'id' | 'providerId' | 'secret'>): string {
  return vault.open(row.secret, belongsTo(row.providerId, row.id));
}

/** The associated data of a sealed key. */
function belongsTo(providerId: number, id: number): string {
  return `provider_keys:${providerId}:${id}`;
}

function lastFourOf(apiKey: string): string {
  return apiKey.length < SHORTEST_SHOWN ? '' : apiKey.slice(-4);
}

function withoutSecret({ secret: _secret, ...rest }: ProviderKeyRow): StoredKey {
  return rest;
}
