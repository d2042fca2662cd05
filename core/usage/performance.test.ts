import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CallOutcome, performanceBy } from './performance.ts';

function called(change: Partial<CallOutcome>): CallOutcome {
  const call = { day: '2026-03-01', modelId: 1, modelIdentifier: 'a', accessKeyId: 7, isSuccess: true, latencyMs: 100 };
  return { ...call, ...change };
}

test('calls are counted and timed by day, in the order of days', () => {
  const calls = [
    called({ day: '2026-03-02', isSuccess: false, latencyMs: 9_000 }),
    ...Array.from({ length: 20 }, (_, index) => called({ latencyMs: (index + 1) * 10 })),
  ];
  assert.deepEqual(performanceBy('day', calls), [
    { day: '2026-03-01', requests: 20, failures: 0, latencyP50Ms: 100, latencyP95Ms: 190 },
    { day: '2026-03-02', requests: 1, failures: 1, latencyP50Ms: null, latencyP95Ms: null },
  ]);
});

test('models and keys with the most calls come first, also what has no model or no key', () => {
  const calls = [
    called({}),
    called({ modelId: null, modelIdentifier: '', accessKeyId: null }),
    called({ accessKeyId: null }),
  ];
  assert.deepEqual(
    performanceBy('model', calls).map(({ modelId, modelIdentifier, requests }) => [modelId, modelIdentifier, requests]),
    [
      [1, 'a', 2],
      [null, '', 1],
    ],
  );
  assert.deepEqual(
    performanceBy('accessKey', calls).map(({ accessKeyId, requests }) => [accessKeyId, requests]),
    [
      [null, 2],
      [7, 1],
    ],
  );
  assert.deepEqual(performanceBy('model', []), []);
});
