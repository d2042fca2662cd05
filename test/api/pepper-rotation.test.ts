/** KEY_ENCRYPTION_KEY gets a new version: which access keys go on working, and when the old version may leave. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createAccounts } from '../../core/accounts/accounts.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { type Config, readConfig } from '../../infra/config.ts';
import { createVault } from '../../infra/crypto.ts';
import { newId } from '../../infra/ids.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { connectRedis } from '../../infra/redis/connection.ts';
import { createInvalidation } from '../../infra/redis/invalidation.ts';
import { migrateNew } from '../schema.ts';
import { until } from '../until.ts';

const version = (number: number): string => `${number}:${randomBytes(32).toString('base64')}`;
const [FIRST, SECOND] = [version(1), version(2)];
const NO_LIMITS = {
  ...{ expiresAt: null, allowedModels: null, rpmLimit: null, tpmLimit: null, parallelLimit: null },
  ...{ budget: null, budgetPeriod: null },
};

/** A process that starts with these keys, for as long as `run` takes. */
async function processWith<T>(keys: string, run: (accounts: Awaited<ReturnType<typeof createAccounts>>) => Promise<T>) {
  const config: Config = readConfig({
    ...testStack().environment,
    DB_NAME: 'pepper_rotation',
    KEY_ENCRYPTION_KEY: keys,
  });
  const log = createLogger('silent');
  const sequelize = connectSequelize(config);
  await migrateNew(config, sequelize);
  const redis = connectRedis(config, log, 'test');
  const subscriber = connectRedis(config, log, 'test-subscriber');
  const ledger = {
    openAccount: async () => undefined,
    run: () => Promise.reject(new Error('not here')),
    recall: async () => 'nothing-leased' as const,
  };
  try {
    const invalidation = createInvalidation(redis, subscriber, log);
    return await run(await createAccounts({ config, sequelize, redis, log, invalidation, ledger }));
  } finally {
    redis.disconnect();
    subscriber.disconnect();
    await sequelize.close();
  }
}

test('a rolling change: the new version is listed second everywhere before it comes first anywhere', async () => {
  const [prepared, changed] = [`${FIRST},${SECOND}`, `${SECOND},${FIRST}`];
  const made = await processWith(changed, async ({ registration, accessKeys, users }) => {
    const username = `rolling ${process.pid} ${Date.now()}`;
    await registration.register({ username, password: 'secret 1' });
    const userId = (await users.credentialsOf(username))?.user.id ?? 0;
    return (await accessKeys.create(userId, newId(), '', NO_LIMITS)).text;
  });
  await processWith(FIRST, async ({ authenticator }) => {
    await assert.rejects(async () => authenticator.authenticateKey(made), /not known/);
  });
  await processWith(prepared, async ({ authenticator, accessKeys }) => {
    assert.equal((await authenticator.authenticateKey(made)).kind, 'access-key');
    assert.ok(await accessKeys.withOlderHash());
  });
  assert.equal(createVault(prepared).open(createVault(changed).seal('a key', 'row'), 'row'), 'a key');
  assert.throws(() => createVault(FIRST).open(createVault(changed).seal('a key', 'row'), 'row'), /version 2/);
});

test('a key that was used under the new version outlives the old one; the others are counted', async () => {
  const made = await processWith(FIRST, async ({ registration, accessKeys, users }) => {
    const username = `rotation ${process.pid} ${Date.now()}`;
    await registration.register({ username, password: 'secret 1' });
    const userId = (await users.credentialsOf(username))?.user.id ?? 0;
    const [used, unused] = [
      await accessKeys.create(userId, newId(), '', NO_LIMITS),
      await accessKeys.create(userId, newId(), '', NO_LIMITS),
    ];
    return { used: used.text, unused: unused.text };
  });
  await processWith(`${SECOND},${FIRST}`, async ({ authenticator, accessKeys }) => {
    const before = await accessKeys.withOlderHash();
    await authenticator.authenticateKey(made.used);
    await until('the hash is renewed', async () => (await accessKeys.withOlderHash()) === before - 1);
  });
  await processWith(SECOND, async ({ authenticator }) => {
    assert.equal((await authenticator.authenticateKey(made.used)).kind, 'access-key');
    await assert.rejects(async () => authenticator.authenticateKey(made.unused), /not known/);
  });
  await processWith(`${SECOND},${FIRST}`, async ({ authenticator }) => {
    assert.equal((await authenticator.authenticateKey(made.unused)).kind, 'access-key');
  });
});
