/**
 * Access key → caller. A key that was used in the last 30 s costs one hash and a look into a map; a change or deletion
 * reaches every process at once through the invalidations, and within 30 s without them.
 */
import { hash } from 'node:crypto';
import { createCachedLookup } from '../../infra/cached-lookup.ts';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import type { AccessKeyHashes, StoredHash } from './access-key.ts';
import { publicPartOf } from './access-key.ts';
import type { AccessKeyStore, KeyOfCaller } from './access-key-store.ts';
import type { AccessKeyCaller } from './caller.ts';

const REMEMBERED_KEYS = 50_000;

export interface AccessKeyAuthentication {
  /** @throws {AppError} notAuthenticated for an unknown, disabled or expired key, accountDisabled for its user. */
  authenticateKey(text: string): AccessKeyCaller | Promise<AccessKeyCaller>;
  /** A key of this user by its id, for who is signed in. @throws {AppError} the same; notFound for a key of another. */
  authenticateKeyOf(userId: number, keyId: number): Promise<AccessKeyCaller>;
}

export interface AuthenticationDependencies {
  readonly store: Pick<AccessKeyStore, 'byPublicPart' | 'byId' | 'touch'>;
  readonly hashes: AccessKeyHashes;
  readonly invalidation: Invalidation;
  readonly log: Logger;
}

interface Known {
  readonly caller: AccessKeyCaller;
  readonly userActive: boolean;
  readonly keyActive: boolean;
  /** Milliseconds since 1970; Infinity for a key that does not expire. */
  readonly expiresAtMs: number;
}

export function createAccessKeyAuthentication(dependencies: AuthenticationDependencies): AccessKeyAuthentication {
  const { store, hashes, invalidation, log } = dependencies;
  const note = (accessKeyId: number, hash: StoredHash | undefined): void => {
    store.touch(accessKeyId, hash).catch((err: unknown) => {
      log.warn({ err, accessKeyId }, 'the use of an access key was not noted');
    });
  };
  const load = async (_digest: string, text: string): Promise<Known | undefined> => {
    const publicPart = publicPartOf(text);
    const found = publicPart === undefined ? undefined : await store.byPublicPart(publicPart);
    if (found === undefined) return undefined;
    const check = hashes.check(text, found.keyHash);
    if (check === 'wrong') return undefined;
    note(found.key.id, check === 'outdated' ? hashes.make(text) : undefined);
    return knownOf(found);
  };
  const known = createCachedLookup({ load, maxEntries: REMEMBERED_KEYS });
  invalidation.on('access-key', (id) =>
    known.forget(({ caller }) => id === undefined || String(caller.accessKeyId) === id),
  );
  invalidation.on('user', (id) => known.forget(({ caller }) => id === undefined || String(caller.userId) === id));
  return {
    authenticateKey(text) {
      // Keyed by the hash of the whole key: a part of a key opens nothing, and no key stays readable in memory.
      const found = known.get(hash('sha256', text, 'base64'), text);
      return found instanceof Promise ? found.then(admitted) : admitted(found);
    },
    async authenticateKeyOf(userId, keyId) {
      const found = await store.byId(keyId);
      if (found?.userId !== userId) throw new AppError('notFound', `there is no access key ${keyId}`);
      const caller = admitted(knownOf(found));
      note(keyId, undefined);
      return caller;
    },
  };
}

function admitted(known: Known | undefined): AccessKeyCaller {
  if (known === undefined) throw new AppError('notAuthenticated', 'the access key is not known');
  if (!known.keyActive) throw new AppError('notAuthenticated', 'the access key is switched off');
  if (known.expiresAtMs <= Date.now()) throw new AppError('notAuthenticated', 'the access key has expired');
  if (!known.userActive) throw new AppError('accountDisabled', 'the user of this access key is disabled');
  return known.caller;
}

function knownOf({ key, userId, userActive, accountId }: KeyOfCaller): Known {
  const { allowedModels, rpmLimit, tpmLimit, parallelLimit, budget, budgetPeriod } = key;
  const limits = { allowedModels, rpmLimit, tpmLimit, parallelLimit, budget, budgetPeriod };
  return {
    caller: { kind: 'access-key', userId, accountId, accessKeyId: key.id, ...limits },
    userActive,
    keyActive: key.active,
    expiresAtMs: key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
  };
}
