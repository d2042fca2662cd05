import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectRedis } from '../../infra/redis/connection.ts';
import { createSignInLimits, type Purpose, type SignInLimits } from './sign-in-limits.ts';

/** Redis is away: nothing listens on port 1. The counts are kept in memory then. */
async function withoutRedis(run: (limits: SignInLimits) => Promise<void>): Promise<void> {
  const config = { REDIS_HOST: '127.0.0.1', REDIS_PORT: 1, REDIS_DATABASE: 0, REDIS_PASSWORD: '' };
  const redis = connectRedis(config, createLogger('silent'), 'test');
  try {
    await run(createSignInLimits(redis, 3));
  } finally {
    redis.disconnect();
  }
}

async function outcome(attempt: Promise<unknown>): Promise<unknown> {
  try {
    return await attempt;
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.ok((error.details.retryAfterSeconds ?? 0) > 0);
    return error.kind;
  }
}

function tryAt(limits: SignInLimits, account: string, address: string, right = false, purpose: Purpose = 'sign-in') {
  return outcome(limits.attempt({ purpose, account, address }, async () => right));
}

/** So many attempts at once, of which each waits until all have been admitted or refused. */
async function atOnce(limits: SignInLimits, count: number, right: boolean): Promise<unknown[]> {
  const gate = Promise.withResolvers<void>();
  const attempts = Array.from({ length: count }, (_, n) =>
    outcome(
      limits.attempt({ purpose: 'sign-in', account: 'alice', address: `10.0.0.${n}` }, async () => {
        await gate.promise;
        return right;
      }),
    ),
  );
  const refused = attempts.slice(10);
  await Promise.all(refused);
  gate.resolve();
  return Promise.all(attempts);
}

test('an account is locked after ten wrong passwords, whatever the address', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 10; n += 1) assert.equal(await tryAt(limits, 'alice', `10.0.0.${n}`), false);
    assert.equal(await tryAt(limits, 'alice', '10.0.1.1', true), 'accountLocked');
    assert.equal(await tryAt(limits, 'bob', '10.0.1.1'), false);
  });
});

test('an address is refused after fifty wrong passwords, whatever the accounts', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 50; n += 1) await tryAt(limits, `user ${n}`, '10.0.0.1');
    assert.equal(await tryAt(limits, 'user 50', '10.0.0.1', true), 'tooManyRequests');
    assert.equal(await tryAt(limits, 'user 50', '10.0.0.2'), false);
  });
});

test('attempts at a locked account count for the address', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 50; n += 1) await tryAt(limits, 'alice', '10.0.0.1');
    assert.equal(await tryAt(limits, 'bob', '10.0.0.1'), 'tooManyRequests');
  });
});

test('attempts that succeed do not count, and clear the account', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 200; n += 1) assert.equal(await tryAt(limits, 'alice', '10.0.0.1', true), true);
    for (let n = 0; n < 9; n += 1) await tryAt(limits, 'alice', '10.0.0.1');
    assert.equal(await tryAt(limits, 'alice', '10.0.0.1', true), true);
    assert.equal(await tryAt(limits, 'alice', '10.0.0.1'), false);
  });
});

test('right passwords lock nobody out, however many come at once', async () => {
  await withoutRedis(async (limits) => {
    for (let round = 0; round < 3; round += 1) {
      const outcomes = await atOnce(limits, 20, true);
      assert.deepEqual(outcomes.slice(0, 10), Array(10).fill(true));
      assert.deepEqual(outcomes.slice(10), Array(10).fill('tooManyRequests'));
    }
    assert.equal(await tryAt(limits, 'alice', '10.0.0.1', true), true);
  });
});

test('no burst tries more passwords than one after the other could', async () => {
  await withoutRedis(async (limits) => {
    const outcomes = await atOnce(limits, 20, false);
    assert.equal(outcomes.filter((one) => one === false).length, 10);
    assert.equal(await tryAt(limits, 'alice', '10.0.0.1', true), 'accountLocked');
  });
});

test('an attempt that could not be made counts as nothing', async () => {
  await withoutRedis(async (limits) => {
    const attempt = { purpose: 'sign-in', account: 'alice', address: '10.0.0.1' } as const;
    const broken = new Error('the database is away');
    for (let n = 0; n < 60; n += 1)
      await assert.rejects(
        limits.attempt(attempt, () => Promise.reject(broken)),
        broken,
      );
    assert.equal(await tryAt(limits, 'alice', '10.0.0.1'), false);
  });
});

test('changing a password is counted apart from signing in, and both can be cleared', async () => {
  await withoutRedis(async (limits) => {
    const at = (purpose: Purpose) => tryAt(limits, 'alice', '10.0.0.1', false, purpose);
    for (let n = 0; n < 10; n += 1) await at('change-password');
    assert.equal(await at('change-password'), 'accountLocked');
    assert.equal(await at('sign-in'), false);
    await limits.clear('alice');
    assert.equal(await at('change-password'), false);
  });
});

test('registrations are limited by address', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 3; n += 1) await limits.beforeRegistration('10.0.0.1');
    assert.equal(await outcome(limits.beforeRegistration('10.0.0.1')), 'tooManyRequests');
    assert.equal(await outcome(limits.beforeRegistration('10.0.0.2')), undefined);
  });
});
