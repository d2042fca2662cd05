import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyLimitMemory } from './key-limit-memory.ts';
import { countedTokens, isLimited, tokensToGiveBack } from './key-limit-rule.ts';

const NO_LIMITS = { rpmLimit: null, tpmLimit: null, parallelLimit: null };

function clockedMemory(limits: Partial<typeof NO_LIMITS | Record<keyof typeof NO_LIMITS, number>>) {
  let nowMs = 1_000;
  let count = 0;
  const memory = new KeyLimitMemory(() => nowMs);
  return {
    memory,
    pass: (ms: number) => {
      nowMs += ms;
    },
    admit: (tokens = 0, leaseMs = 15_000) => {
      count += 1;
      return memory.admit({ accessKeyId: 1, limits: { ...NO_LIMITS, ...limits }, id: `r${count}`, tokens, leaseMs });
    },
  };
}

test('a key is limited when any limit is set', () => {
  assert.equal(isLimited(NO_LIMITS), false);
  for (const limit of ['rpmLimit', 'tpmLimit', 'parallelLimit'])
    assert.equal(isLimited({ ...NO_LIMITS, [limit]: 1 }), true);
});

test('a minute’s requests may come at once and then come back evenly', () => {
  const { admit, pass } = clockedMemory({ rpmLimit: 7 });
  for (let request = 1; request <= 7; request += 1) {
    const { waits, state } = admit();
    assert.equal(waits.requests, 0, `request ${request}`);
    assert.equal(state.requests?.remaining, 7 - request);
  }
  const refused = admit();
  assert.equal(refused.waits.requests, 8_572);
  assert.deepEqual(refused.state.requests, { limit: 7, remaining: 0, resetMs: 60_000 });
  assert.equal(refused.state.tokens, null);
  pass(8_571);
  assert.equal(admit().waits.requests, 0);
  assert.equal(admit().waits.requests > 8_000, true);
  pass(60_000);
  assert.equal(admit().state.requests?.remaining, 6);
});

test('tokens are counted by their bound and given back by what was used', () => {
  const { admit, memory } = clockedMemory({ tpmLimit: 1_000 });
  assert.equal(admit(800).state.tokens?.remaining, 200);
  assert.equal(admit(300).waits.tokens, 6_000);
  memory.settle(1, 'r1', (790 * 60_000) / 1_000);
  assert.equal(admit(300).state.tokens?.remaining, 690);
});

test('a request that is refused counts nowhere', () => {
  const { admit } = clockedMemory({ rpmLimit: 10, tpmLimit: 100, parallelLimit: 1 });
  admit(60);
  const { waits, state } = admit(60);
  assert.deepEqual(waits, { requests: 0, tokens: 12_000, parallel: 1_000 });
  assert.deepEqual([state.requests?.remaining, state.tokens?.remaining], [9, 40]);
});

test('places come free when a request ends, and by themselves when no end is reported', () => {
  const { admit, memory, pass } = clockedMemory({ parallelLimit: 2 });
  admit();
  admit();
  assert.equal(admit().waits.parallel, 1_000);
  memory.settle(1, 'r1', 0);
  assert.equal(admit().waits.parallel, 0);
  pass(10_000);
  memory.renew(1, ['r2', 'r1'], 15_000);
  pass(5_001);
  assert.equal(admit().waits.parallel, 0, 'the lease of r4 has ended');
  assert.equal(admit().waits.parallel, 1_000, 'that of r2 was renewed');
});

test('a bound above a minute’s tokens counts as all of them', () => {
  assert.equal(countedTokens(5_000, 1_000), 1_000);
  assert.equal(countedTokens(500, 1_000), 500);
  assert.equal(countedTokens(500, null), 0);
});

test('what has come back by itself is not given back again', () => {
  assert.equal(tokensToGiveBack(1_000, 100, 1_000, 0), 900);
  assert.equal(tokensToGiveBack(1_000, 100, 1_000, 30_000), 500);
  assert.equal(tokensToGiveBack(1_000, 100, 1_000, 90_000), 0);
  assert.equal(tokensToGiveBack(1_000, 1_200, 1_000, 90_000), -200);
});

test('a bound that is none gives nothing of the minute back', () => {
  for (const bound of [-1_000_000, -1, 0.5, Number.NaN, 1e300]) {
    assert.throws(() => countedTokens(bound, 1_000), RangeError, String(bound));
    assert.throws(() => countedTokens(bound, null), RangeError, String(bound));
  }
});
