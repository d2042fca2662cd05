import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVault } from '../../infra/crypto.ts';
import { AppError } from '../../infra/errors.ts';
import { createLogger } from '../../infra/logger.ts';
import type { InvalidationHandler } from '../../infra/redis/invalidation.ts';
import { createAccessKeyHashes, makeAccessKey, maskedAccessKey, publicPartOf, type StoredHash } from './access-key.ts';
import { createAccessKeyAuthentication } from './access-key-authentication.ts';
import type { KeyOfCaller } from './access-key-store.ts';

const OLD = `1:${Buffer.alloc(32, 1).toString('base64')}`;
const NEW = `2:${Buffer.alloc(32, 2).toString('base64')},${OLD}`;

interface KeyState {
  active: boolean;
  expiresAt: Date | null;
  userActive: boolean;
}

/** One key in a store that counts its reads. */
function world(vaultKeys = OLD) {
  const made = makeAccessKey();
  const state: KeyState = { active: true, expiresAt: null, userActive: true };
  const row = createAccessKeyHashes(createVault(OLD)).make(made.text);
  const seen = { reads: 0, touches: [] as (StoredHash | undefined)[] };
  const handlers = new Map<string, InvalidationHandler>();
  const at = new Date(0);
  const one = (): KeyOfCaller => {
    const { active, expiresAt, userActive } = state;
    const limits = { allowedModels: ['m'], rpmLimit: 5, tpmLimit: null, parallelLimit: null, budget: 9n } as const;
    const key = {
      id: 3,
      name: '',
      tag: null,
      publicPart: made.publicPart,
      lastFour: made.lastFour,
      active,
      expiresAt,
      ...limits,
    };
    const times = { budgetPeriod: 'day', lastUsedAt: null, createdAt: at, updatedAt: at } as const;
    return { key: { ...key, ...times }, keyHash: row.keyHash, userId: 7, userActive, accountId: 70 };
  };
  const store = {
    async byPublicPart(publicPart: string): Promise<KeyOfCaller | undefined> {
      seen.reads += 1;
      if (publicPart !== made.publicPart) return undefined;
      return one();
    },
    async byId(id: number): Promise<KeyOfCaller | undefined> {
      return id === 3 ? one() : undefined;
    },
    async touch(_id: number, hash?: StoredHash): Promise<void> {
      seen.touches.push(hash);
    },
  };
  const authentication = createAccessKeyAuthentication({
    store,
    hashes: createAccessKeyHashes(createVault(vaultKeys)),
    invalidation: { publish: async () => undefined, on: (kind, handler) => handlers.set(kind, handler) },
    log: createLogger('silent'),
  });
  const outcome = async (text: string = made.text): Promise<string> => {
    try {
      return (await authentication.authenticateKey(text)).kind;
    } catch (error) {
      return error instanceof AppError ? `${error.kind}: ${error.message}` : String(error);
    }
  };
  return { made, state, seen, handlers, authentication, outcome };
}

test('a key has 62 characters, 256 of its bits random, and is found by 16 of them', () => {
  const { text, publicPart, lastFour } = makeAccessKey();
  assert.match(text, /^ak-[A-Za-z0-9_-]{59}$/);
  assert.equal(publicPartOf(text), publicPart);
  assert.equal(text.slice(3, 19), publicPart);
  assert.equal(maskedAccessKey(publicPart, lastFour), `ak-${publicPart.slice(0, 4)}…${text.slice(-4)}`);
  for (const wrong of ['', 'ak-', text.slice(0, -1), `${text}x`, `sk${text.slice(2)}`, text.replace(/.$/, '=')]) {
    assert.equal(publicPartOf(wrong), undefined, wrong);
  }
});

test('a good key gives its caller with limits; a second use reads nothing', async () => {
  const { made, seen, authentication } = world();
  const caller = await authentication.authenticateKey(made.text);
  assert.deepEqual(caller, {
    ...{ kind: 'access-key', userId: 7, accountId: 70, accessKeyId: 3, allowedModels: ['m'] },
    ...{ rpmLimit: 5, tpmLimit: null, parallelLimit: null, budget: 9n, budgetPeriod: 'day' },
  });
  assert.equal(authentication.authenticateKey(made.text), caller, 'at once, without a promise');
  assert.equal(seen.reads, 1);
  assert.deepEqual(seen.touches, [undefined]);
});

test('a key that is right in its public part only is refused', async () => {
  const { made, outcome } = world();
  const other = made.text.slice(0, -1) + (made.text.endsWith('A') ? 'B' : 'A');
  assert.match(await outcome(other), /^notAuthenticated/);
  assert.equal(await outcome(), 'access-key');
  assert.match(await outcome(other), /^notAuthenticated/, 'also while the right key is remembered');
  assert.match(await outcome('ak-'), /^notAuthenticated/);
});

test('disabled and expired keys and disabled users are refused, once the change is published', async () => {
  const { state, handlers, outcome } = world();
  assert.equal(await outcome(), 'access-key');
  state.active = false;
  handlers.get('access-key')?.('4');
  assert.equal(await outcome(), 'access-key', 'another key was changed');
  handlers.get('access-key')?.('3');
  assert.match(await outcome(), /^notAuthenticated: .*switched off/);
  state.active = true;
  state.userActive = false;
  handlers.get('access-key')?.(undefined);
  assert.match(await outcome(), /^accountDisabled/);
  state.userActive = true;
  handlers.get('user')?.('7');
  assert.equal(await outcome(), 'access-key');
});

test('a remembered key stops at the moment it expires', async () => {
  const { state, outcome } = world();
  state.expiresAt = new Date(Date.now() + 40);
  assert.equal(await outcome(), 'access-key');
  const deadline = Date.now() + 5_000;
  while ((await outcome()) === 'access-key') {
    assert.ok(Date.now() < deadline);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(await outcome(), /^notAuthenticated: .*expired/);
});

test('a hash with an older pepper still opens and is replaced', async () => {
  const { made, seen, outcome } = world(NEW);
  assert.equal(await outcome(), 'access-key');
  const renewed = createAccessKeyHashes(createVault(NEW)).make(made.text);
  assert.equal(renewed.hashVersion, 2);
  assert.deepEqual(seen.touches, [renewed]);
});

test('a key is used by its id by its user alone, as long as it may be used', async () => {
  const { state, seen, authentication } = world();
  const outcome = async (userId: number, keyId = 3) => {
    try {
      return (await authentication.authenticateKeyOf(userId, keyId)).accessKeyId;
    } catch (error) {
      return error instanceof AppError ? error.kind : String(error);
    }
  };
  assert.equal(await outcome(7), 3);
  assert.deepEqual(seen.touches, [undefined], 'its use is noted');
  assert.equal(await outcome(8), 'notFound');
  assert.equal(await outcome(7, 4), 'notFound');
  state.active = false;
  assert.equal(await outcome(7), 'notAuthenticated', 'at once');
  state.active = true;
  state.userActive = false;
  assert.equal(await outcome(7), 'accountDisabled');
});
