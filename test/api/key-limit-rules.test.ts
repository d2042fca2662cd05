/** The rules stand twice, in key-limit-rule.ts and in the scripts: whatever a key does, both must say the same. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { KeyLimitMemory } from '../../core/accounts/key-limit-memory.ts';
import type { Entered } from '../../core/accounts/key-limit-store.ts';
import { KeyLimitStore } from '../../core/accounts/key-limit-store.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { readConfig } from '../../infra/config.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectRedis, type Redis, whenReady } from '../../infra/redis/connection.ts';

type Step =
  | { kind: 'wait'; ms: number }
  | { kind: 'admit'; tokens: number }
  | { kind: 'settle'; which: number; giveBackMs: number };

/**
 * Every limit moves in steps of 10 s, and no sum of up to 30 waits is within 100 ms of one: the two clocks differ. A
 * rate of 600 would give a token back every 100 ms, and what remains of it would depend on those milliseconds.
 */
const LIMITS = [
  { rpmLimit: 6, tpmLimit: 6, parallelLimit: 3 },
  { rpmLimit: 6, tpmLimit: null, parallelLimit: null },
  { rpmLimit: null, tpmLimit: 6, parallelLimit: null },
  { rpmLimit: null, tpmLimit: null, parallelLimit: 2 },
];
const LEASE_MS = 20_150;
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(300, 10_300, 30_300) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('admit' as const), tokens: fc.constantFrom(0, 1, 3, 6) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        which: fc.nat(),
        giveBackMs: fc.constantFrom(0, 10_000, 30_000, -10_000),
      }),
    },
  ),
  { minLength: 5, maxLength: 30 },
);
const TOLERANCE_MS = 90;

let redis: Redis;
before(async () => {
  redis = connectRedis(readConfig({ ...testStack().environment }), createLogger('silent'), 'test');
  assert.ok(await whenReady(redis, 5_000));
});
after(() => redis.disconnect());

/** As if `ms` had passed. */
async function ageStored(accessKeyId: number, ms: number): Promise<void> {
  const rates = `limits:{key-${accessKeyId}}:rates`;
  for (const [field, value] of Object.entries(await redis.hgetall(rates))) {
    await redis.hset(rates, field, String(Number(value) - ms));
  }
  const running = `limits:{key-${accessKeyId}}:running`;
  for (const id of await redis.zrange(running, '0', '-1')) await redis.zincrby(running, -ms, id);
}

function assertSame(shared: Entered, own: Entered, step: number): void {
  for (const limit of ['requests', 'tokens', 'parallel'] as const) {
    const difference = Math.abs(shared.waits[limit] - own.waits[limit]);
    assert.ok(
      difference <= TOLERANCE_MS,
      `step ${step}: ${limit} waits ${shared.waits[limit]} and ${own.waits[limit]}`,
    );
  }
  for (const rate of ['requests', 'tokens'] as const) {
    assert.equal(shared.state[rate]?.remaining, own.state[rate]?.remaining, `step ${step}: ${rate} remaining`);
    const difference = Math.abs((shared.state[rate]?.resetMs ?? 0) - (own.state[rate]?.resetMs ?? 0));
    assert.ok(difference <= TOLERANCE_MS, `step ${step}: ${rate} reset`);
  }
}

test('the scripts and the rule agree', async () => {
  const script = fc.asyncProperty(fc.constantFrom(...LIMITS), steps, async (limits, script) => {
    const store = new KeyLimitStore(redis);
    const accessKeyId = randomInt(1, 2 ** 31);
    let offsetMs = 0;
    let redisMs = 0;
    const memory = new KeyLimitMemory(() => redisMs + offsetMs);
    /** Sets the rule's clock to when Redis did this, however late the answer is read. */
    const atRedis = async <Result>(work: Promise<Result>): Promise<Result> => {
      const [result, [seconds, microseconds]] = await Promise.all([work, redis.time()]);
      redisMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
      return result;
    };
    const admitted: string[] = [];
    for (const [index, step] of script.entries()) {
      if (step.kind === 'wait') {
        offsetMs += step.ms;
        await ageStored(accessKeyId, step.ms);
      } else if (step.kind === 'settle') {
        const id = admitted[step.which % Math.max(admitted.length, 1)];
        if (id === undefined) continue;
        const giveBackMs = limits.tpmLimit === null ? 0 : step.giveBackMs;
        await atRedis(store.settle(accessKeyId, id, giveBackMs));
        memory.settle(accessKeyId, id, giveBackMs);
      } else {
        const entry = { accessKeyId, limits, id: `request-${index}`, tokens: step.tokens, leaseMs: LEASE_MS };
        const shared = await atRedis(store.admit(entry));
        assertSame(shared, memory.admit(entry), index);
        const { requests, tokens, parallel } = shared.waits;
        if (requests + tokens + parallel === 0) admitted.push(entry.id);
      }
    }
    const left = await redis.pttl(`limits:{key-${accessKeyId}}:rates`);
    assert.ok(left === -2 || (left > 0 && left < 200_000), 'nothing is kept for ever');
  });
  await fc.assert(script, { numRuns: 60 });
});

test('a lease is renewed, and what a process that died had under way is free when its leases end', async () => {
  const store = new KeyLimitStore(redis);
  const accessKeyId = randomInt(1, 2 ** 31);
  const limits = { rpmLimit: null, tpmLimit: null, parallelLimit: 2 };
  const enter = async (id: string) =>
    (await store.admit({ accessKeyId, limits, id, tokens: 0, leaseMs: 15_000 })).waits;
  await enter('mine');
  await enter('of the dead');
  await ageStored(accessKeyId, 10_000);
  await store.renew(accessKeyId, ['mine'], 15_000);
  assert.equal((await enter('third')).parallel, 1_000);
  await ageStored(accessKeyId, 6_000);
  assert.equal((await enter('third')).parallel, 0);
  assert.equal((await enter('fourth')).parallel, 1_000);
});
