import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareDays } from './reconcile-usage-log.ts';

const sums = (days: Record<string, [calls: number, cost: bigint]>) =>
  new Map(Object.entries(days).map(([day, [calls, cost]]) => [day, { calls, cost }]));
const SOUND = sums({ '2026-11-23': [2, 20n], '2026-11-24': [3, 30n] });

test('the same sums on every day are sound', () => {
  assert.deepEqual(compareDays(SOUND, SOUND, SOUND, '2026-01-01'), { kind: 'compared', days: 2, wrong: [] });
});

test('what was carried over or charged meanwhile may be there or not', () => {
  const later = sums({ '2026-11-23': [2, 20n], '2026-11-24': [5, 50n], '2026-11-25': [1, 10n] });
  for (const logged of [SOUND, later, sums({ '2026-11-23': [2, 20n], '2026-11-24': [4, 35n] })]) {
    assert.deepEqual(compareDays(SOUND, logged, later, '2026-01-01'), { kind: 'compared', days: 3, wrong: [] });
  }
});

test('a lost call, one too many, a wrong cost and a day of its own are told', () => {
  for (const [logged, day] of [
    [sums({ '2026-11-23': [2, 20n], '2026-11-24': [2, 20n] }), '2026-11-24'],
    [sums({ '2026-11-23': [3, 20n], '2026-11-24': [3, 30n] }), '2026-11-23'],
    [sums({ '2026-11-23': [2, 21n], '2026-11-24': [3, 30n] }), '2026-11-23'],
    [sums({ '2026-11-23': [2, 20n] }), '2026-11-24'],
    [new Map([...SOUND, ['2026-11-22', { calls: 1, cost: 0n }]]), '2026-11-22'],
  ] as const) {
    const found = compareDays(SOUND, logged, SOUND, '2026-01-01');
    assert.ok(found.kind === 'compared' && found.wrong.length === 1 && found.wrong[0]?.includes(day), day);
  }
});

test('days of which calls have been deleted are left out', () => {
  const logged = sums({ '2026-11-24': [3, 30n] });
  assert.deepEqual(compareDays(SOUND, logged, SOUND, '2026-11-24'), { kind: 'compared', days: 1, wrong: [] });
});
