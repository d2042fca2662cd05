/** Access keys of a user; only the owner creates, lists, changes and deletes them. */

import type { BudgetPeriod } from '../../infra/calendar.ts';
import { AppError } from '../../infra/errors.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import type { AccessKey, AccessKeyChange, AccessKeyHashes, AccessKeyLimits } from './access-key.ts';
import { makeAccessKey } from './access-key.ts';
import type { AccessKeyStore } from './access-key-store.ts';
import type { BudgetUse } from './budget-use.ts';

const KEYS_PER_USER = 100;
/** A budget without a period is for the whole life of the key. */
const DEFAULT_PERIOD: BudgetPeriod = 'total';

export interface AccessKeyDependencies {
  readonly store: AccessKeyStore;
  readonly hashes: AccessKeyHashes;
  readonly invalidation: Invalidation;
  readonly budgetUse: BudgetUse;
}

export class AccessKeys {
  readonly #to: AccessKeyDependencies;

  constructor(dependencies: AccessKeyDependencies) {
    this.#to = dependencies;
  }

  /**
   * @param operationId the id of an earlier call creates no second key: that call's key gets a new text.
   * @returns the key and its text, which is stored nowhere.
   * @throws {AppError} illegalState at 100 keys.
   */
  async create(
    userId: number,
    operationId: string,
    name: string,
    limits: AccessKeyLimits,
    tag: string | null = null,
  ): Promise<{ key: AccessKey; text: string }> {
    const { store, hashes, invalidation } = this.#to;
    const { text, publicPart, lastFour } = makeAccessKey();
    const hash = hashes.make(text);
    const row = { userId, operationId, name, tag, publicPart, lastFour, ...hash, ...withPeriod(limits) };
    const id = await store.insert(row, KEYS_PER_USER);
    if (id === undefined) {
      throw new AppError('illegalState', `a user has at most ${KEYS_PER_USER} access keys: delete one first`);
    }
    // Nobody has seen the previous text, but it must not be accepted any more.
    await invalidation.publish('access-key', id);
    return { key: await this.#find(id, userId), text };
  }

  list(userId: number): Promise<AccessKey[]> {
    return this.#to.store.ofUser(userId);
  }

  /** By the id of the key, in nano-units: spent and held in the running period of its budget; null without one. */
  budgetsUsed(keys: readonly AccessKey[]): Promise<ReadonlyMap<number, bigint | null>> {
    return this.#to.budgetUse.of(keys);
  }

  /** Takes effect at once on every process. @throws {AppError} notFound, also for a key of another user. */
  async change(id: number, userId: number, change: AccessKeyChange): Promise<AccessKey> {
    const { store, invalidation } = this.#to;
    const before = await this.#find(id, userId);
    const needsPeriod = change.budget != null && (change.budgetPeriod ?? before.budgetPeriod) === null;
    await store.update(id, userId, needsPeriod ? { ...change, budgetPeriod: DEFAULT_PERIOD } : change);
    await invalidation.publish('access-key', id);
    return this.#find(id, userId);
  }

  /** Takes effect at once on every process. @throws {AppError} notFound, also for a key of another user. */
  async remove(id: number, userId: number): Promise<void> {
    if (!(await this.#to.store.remove(id, userId))) throw noKey(id);
    await this.#to.invalidation.publish('access-key', id);
  }

  /**
   * How many keys still need an older version of KEY_ENCRYPTION_KEY, which must stay listed as long: a hash is made
   * again with the newest version when its key is next used.
   */
  withOlderHash(): Promise<number> {
    return this.#to.store.countOfOtherVersions(this.#to.hashes.newestVersion);
  }

  async #find(id: number, userId: number): Promise<AccessKey> {
    const key = await this.#to.store.find(id, userId);
    if (key === undefined) throw noKey(id);
    return key;
  }
}

function withPeriod(limits: AccessKeyLimits): AccessKeyLimits {
  return limits.budget === null ? limits : { ...limits, budgetPeriod: limits.budgetPeriod ?? DEFAULT_PERIOD };
}

function noKey(id: number): AppError {
  return new AppError('notFound', `there is no access key ${id}`);
}
