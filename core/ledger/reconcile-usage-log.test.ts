import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageSums } from '../usage/usage-sums.ts';
import { compareSums } from './reconcile-usage-log.ts';

const sums = (days: Record<string, [calls: bigint, cost: bigint]>): UsageSums =>
  new Map(Object.entries(days).map(([day, [calls, cost]]) => [`${day}, model 1`, { calls, cost }]));
const SOUND = sums({ '2026-11-23': [2n, 20n], '2026-11-24': [3n, 30n] });

test('the same sums on every day are sound', () => {
  assert.deepEqual(compareSums(SOUND, SOUND, SOUND, '2026-01-01'), { kind: 'compared', groups: 2, wrong: [] });
});

test('what was carried over or charged meanwhile may be there or not', () => {
  const later = sums({ '2026-11-23': [2n, 20n], '2026-11-24': [5n, 50n], '2026-11-25': [1n, 10n] });
  for (const logged of [SOUND, later, sums({ '2026-11-23': [2n, 20n], '2026-11-24': [4n, 35n] })]) {
    assert.deepEqual(compareSums(SOUND, logged, later, '2026-01-01'), { kind: 'compared', groups: 3, wrong: [] });
  }
});

test('a lost call, one too many, a wrong cost and a day of its own are reported', () => {
  for (const [logged, day] of [
    [sums({ '2026-11-23': [2n, 20n], '2026-11-24': [2n, 20n] }), '2026-11-24'],
    [sums({ '2026-11-23': [3n, 20n], '2026-11-24': [3n, 30n] }), '2026-11-23'],
    [sums({ '2026-11-23': [2n, 21n], '2026-11-24': [3n, 30n] }), '2026-11-23'],
    [sums({ '2026-11-23': [2n, 20n] }), '2026-11-24'],
    [sums({ '2026-11-22': [1n, 0n], '2026-11-23': [2n, 20n], '2026-11-24': [3n, 30n] }), '2026-11-22'],
  ] as const) {
    const found = compareSums(SOUND, logged, SOUND, '2026-01-01');
    assert.ok(found.kind === 'compared' && found.wrong.length === 1 && found.wrong[0]?.includes(day), day);
  }
});

test('days of which calls have been deleted are left out', () => {
  const logged = sums({ '2026-11-24': [3n, 30n] });
  assert.deepEqual(compareSums(SOUND, logged, SOUND, '2026-11-24'), { kind: 'compared', groups: 1, wrong: [] });
});

test('every field is compared, and what differs is named', () => {
  const sound = { calls: 2n, failures: 1n, cost: 20n, promptTokens: 7n, completionTokens: 5n, images: 3n };
  for (const field of ['calls', 'failures', 'cost', 'promptTokens', 'completionTokens', 'images'] as const) {
    const ledger = new Map([['2026-11-24, model 1', sound]]);
    const logged = new Map([['2026-11-24, model 1', { ...sound, [field]: sound[field] + 1n }]]);
    const wrong = [`usage log of 2026-11-24, model 1: ${field} ${sound[field] + 1n}, in the ledger ${sound[field]}`];
    assert.deepEqual(compareSums(ledger, logged, ledger, '2026-01-01'), { kind: 'compared', groups: 1, wrong });
  }
});
