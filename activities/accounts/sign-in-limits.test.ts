import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectRedis } from '../../infra/redis/connection.ts';
import { createSignInLimits, type SignInLimits } from './sign-in-limits.ts';

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

async function outcome(attempt: Promise<void>): Promise<string> {
  try {
    await attempt;
    return 'allowed';
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.ok((error.details.retryAfterSeconds ?? 0) > 0);
    return error.kind;
  }
}

test('an account is locked after ten attempts, whatever the address', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 10; n += 1) {
      assert.equal(await outcome(limits.beforeAttempt('alice', `10.0.0.${n}`)), 'allowed');
    }
    assert.equal(await outcome(limits.beforeAttempt('alice', '10.0.1.1')), 'accountLocked');
    assert.equal(await outcome(limits.beforeAttempt('bob', '10.0.1.1')), 'allowed');
  });
});

test('an address is refused after fifty attempts, whatever the accounts', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 50; n += 1) await limits.beforeAttempt(`user ${n}`, '10.0.0.1');
    assert.equal(await outcome(limits.beforeAttempt('user 50', '10.0.0.1')), 'tooManyRequests');
    assert.equal(await outcome(limits.beforeAttempt('user 50', '10.0.0.2')), 'allowed');
  });
});

test('attempts that succeed do not count', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 200; n += 1) {
      await limits.beforeAttempt('alice', '10.0.0.1');
      await limits.afterSuccess('alice', '10.0.0.1');
    }
  });
});

test('registrations are limited by address', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 3; n += 1) await limits.beforeRegistration('10.0.0.1');
    assert.equal(await outcome(limits.beforeRegistration('10.0.0.1')), 'tooManyRequests');
    assert.equal(await outcome(limits.beforeRegistration('10.0.0.2')), 'allowed');
  });
});
