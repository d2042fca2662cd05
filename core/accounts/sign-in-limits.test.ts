import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectRedis } from '../../infra/redis/connection.ts';
import { createSignInLimits, type Purpose, type SignInLimits } from './sign-in-limits.ts';

/** Redis is away: nothing listens on port 1. The counts are kept in memory then. */
async function withoutRedis(run: (limits: SignInLimits) => Promise<void>): Promise<void> {
  const config = readConfig({ REDIS_HOST: '127.0.0.1', REDIS_PORT: '1' });
  const redis = connectRedis(config, createLogger('silent'), 'test');
  try {
    await run(createSignInLimits(redis, { registrationsPerHour: 3, secret: 'for the test' }));
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
async function atOnce(
  limits: SignInLimits,
  count: number,
  attemptOf: (n: number) => { account: string; address: string },
  right = false,
): Promise<{ tried: number; kinds: Set<unknown> }> {
  const gate = Promise.withResolvers<void>();
  let decided = 0;
  let tried = 0;
  const oneDecided = () => {
    decided += 1;
    if (decided === count) gate.resolve();
  };
  const outcomes = Array.from({ length: count }, async (_, n) => {
    let admitted = false;
    const attempt = limits.attempt({ purpose: 'sign-in', ...attemptOf(n) }, async () => {
      admitted = true;
      tried += 1;
      oneDecided();
      await gate.promise;
      return right;
    });
    const kind = await outcome(attempt);
    if (!admitted) oneDecided();
    return kind;
  });
  // Who is refused is so before the others go on.
  return { kinds: new Set(await Promise.all(outcomes)), tried };
}

const alice = (n: number) => ({ account: 'alice', address: `10.0.0.${n}` });

test('ten wrong passwords lock the account at their address, and nowhere else', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 10; n += 1) assert.equal(await tryAt(limits, 'alice', '10.0.0.1'), false);
    assert.equal(await tryAt(limits, 'alice', '10.0.0.1', true), 'accountLocked');
    assert.equal(await tryAt(limits, 'bob', '10.0.0.1'), false);
    assert.equal(await tryAt(limits, 'alice', '10.0.0.2', true), true);
  });
});

test('however many addresses try, the owner signs in from where it did before, and once from anywhere', async () => {
  await withoutRedis(async (limits) => {
    assert.equal(await tryAt(limits, 'alice', '192.0.2.1', true), true);
    for (let n = 0; n < 500; n += 1) await tryAt(limits, 'alice', `10.1.${n >> 8}.${n & 255}`);
    for (let n = 0; n < 9; n += 1) assert.equal(await tryAt(limits, 'alice', '192.0.2.1'), false);
    assert.equal(await tryAt(limits, 'alice', '192.0.2.1', true), true);
    assert.equal(await tryAt(limits, 'alice', '192.0.2.2', true), true, 'the first try from a new address');
    assert.equal(await tryAt(limits, 'alice', '192.0.2.2'), false, 'and it is known from then on');
    assert.equal(await tryAt(limits, 'bob', '10.1.0.1'), false);
  });
});

test('many addresses have fifty tries for an account, then one each', async () => {
  await withoutRedis(async (limits) => {
    let tried = 0;
    for (let n = 0; n < 200; n += 1) if ((await tryAt(limits, 'alice', `10.0.0.${n % 20}`)) === false) tried += 1;
    assert.equal(tried, 50 + 20);
    assert.equal(await tryAt(limits, 'alice', '10.0.0.1', true), 'tooManyRequests');
  });
});

test('the networks of one IPv6 site count together', async () => {
  await withoutRedis(async (limits) => {
    const network = (n: number) => `2001:db8:1:${n.toString(16)}::/64`;
    let tried = 0;
    for (let n = 0; n < 300; n += 1) if ((await tryAt(limits, 'alice', network(n))) === false) tried += 1;
    assert.equal(tried, 50 + 1);
    for (let n = 0; n < 300; n += 1) if ((await tryAt(limits, `user ${n}`, network(n))) === false) tried += 1;
    assert.equal(tried, 200);
    assert.equal(await tryAt(limits, 'user 301', '2001:db8:2::/64'), false, 'another site');
  });
});

test('an account remembers so many addresses and no more, and none once its password is another', async () => {
  await withoutRedis(async (limits) => {
    for (let n = 0; n < 21; n += 1) assert.equal(await tryAt(limits, 'alice', `192.0.2.${n}`, true), true);
    for (let n = 0; n < 60; n += 1) await tryAt(limits, 'alice', `10.0.0.${n}`);
    const twice = async (address: string) => [
      await tryAt(limits, 'alice', address),
      await tryAt(limits, 'alice', address),
    ];
    assert.deepEqual(await twice('192.0.2.0'), [false, 'tooManyRequests'], 'the oldest made room');
    assert.deepEqual(await twice('192.0.2.1'), [false, false]);
    await limits.clear('alice', '192.0.2.20');
    for (let n = 0; n < 60; n += 1) await tryAt(limits, 'alice', `10.0.1.${n}`);
    assert.deepEqual(await twice('192.0.2.1'), [false, 'tooManyRequests']);
    assert.deepEqual(await twice('192.0.2.20'), [false, false]);
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
      const { tried, kinds } = await atOnce(limits, 100, () => alice(1), true);
      assert.equal(tried, 10);
      assert.deepEqual(kinds, new Set([true, 'tooManyRequests']));
    }
    assert.equal(await tryAt(limits, 'alice', '10.0.0.1', true), true);
  });
});

test('no burst tries more passwords than one after the other could', async () => {
  const bursts = {
    'one account, one address': { attemptOf: () => alice(1), most: 10 },
    'one account, 20 addresses': { attemptOf: (n: number) => alice(n % 20), most: 50 + 20 },
    'many accounts, one address': {
      attemptOf: (n: number) => ({ account: `user ${n}`, address: '10.0.0.1' }),
      most: 20,
    },
  };
  for (const [what, { attemptOf, most }] of Object.entries(bursts)) {
    await withoutRedis(async (limits) => {
      assert.equal((await atOnce(limits, 100, attemptOf)).tried, most, what);
    });
  }
  await withoutRedis(async (limits) => {
    await atOnce(limits, 100, () => alice(1));
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
