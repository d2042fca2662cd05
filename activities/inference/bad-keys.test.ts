/** Twenty keys, four of them bad, at 50 requests a second for a minute; time is played, nothing waits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createKeyPool } from '../../core/key-pool/local-key-pool.ts';
import { type FailureClass, UpstreamFailure } from '../../core/providers/failure.ts';
import { createLogger } from '../../infra/logger.ts';
import { RetryBudget, runAttempts } from './attempts.ts';
import { TEST_MODEL } from './test-model.ts';

const LOG = createLogger('silent');
const EVERY_MS = 20;
const REQUESTS = 3_000;
const HANGING_MS = 3_000;

/** One provider in played time. `faultOf` says how a key's calls end; undefined = well. */
function world(keyCount: number, faultOf: (keyId: number) => FailureClass | undefined) {
  const clock = { nowMs: 1_700_000_000_000 };
  const keys = Array.from({ length: keyCount }, (_, index) => ({
    id: index + 1,
    urlBase: TEST_MODEL.urlBase,
    apiKey: 'a key',
    weight: 1,
  }));
  const pool = createKeyPool({
    keysOf: () => keys,
    log: LOG,
    now: () => clock.nowMs,
    probe: async ({ id }) => {
      const failure = faultOf(id);
      return failure === undefined ? { kind: 'success' } : { kind: 'failure', failure };
    },
  });
  const budget = new RetryBudget(() => clock.nowMs);
  const waiting: { dueMs: number; resolve: () => void }[] = [];
  const uses = new Map<number, { begun: number; ended: number; underWayAtFifthFailure: number }>();
  let succeeded = 0;
  let answered = 0;

  const call = async (keyId: number): Promise<void> => {
    const use = uses.get(keyId) ?? { begun: 0, ended: 0, underWayAtFifthFailure: 0 };
    uses.set(keyId, use);
    use.begun += 1;
    const fault = faultOf(keyId);
    if (fault === 'timeout') {
      await new Promise<void>((resolve) => waiting.push({ dueMs: clock.nowMs + HANGING_MS, resolve }));
    }
    use.ended += 1;
    if (use.ended === 5) use.underWayAtFifthFailure = use.begun - 5;
    if (fault) throw new UpstreamFailure(fault, 'a bad key', { status: 0 });
  };
  const request = async (): Promise<void> => {
    const { signal } = new AbortController();
    const options = { candidates: [TEST_MODEL], pool, budget, signal, log: () => LOG, output: 'text' as const };
    await runAttempts({ ...options, call: ({ key }) => call(key.id) }).then(
      () => {
        succeeded += 1;
      },
      () => undefined,
    );
    answered += 1;
  };
  const pass = async (ms: number): Promise<void> => {
    clock.nowMs += ms;
    for (const { resolve } of waiting.filter(({ dueMs }) => dueMs <= clock.nowMs)) resolve();
    waiting.splice(0, waiting.length, ...waiting.filter(({ dueMs }) => dueMs > clock.nowMs));
    await turn();
  };
  return {
    uses,
    results: () => ({ succeeded, answered }),
    attempts: () => [...uses.values()].reduce((sum, { begun }) => sum + begun, 0),
    async run(requests: number): Promise<void> {
      for (let index = 0; index < requests; index += 1) {
        void request();
        await pass(EVERY_MS);
      }
      await pass(HANGING_MS);
      await pass(HANGING_MS);
    },
    pass,
    probeAccounts: () => pool.probeAccounts(),
  };
}

test('>= 99 % succeed, no bad key is used more than 6 times plus the calls under way, and all come back', async () => {
  const bad: Partial<Record<number, FailureClass>> = { 1: 'account', 6: 'rate', 11: 'transient', 16: 'timeout' };
  let healed = false;
  const at = world(20, (keyId) => (healed ? undefined : bad[keyId]));
  await at.run(REQUESTS);
  const { succeeded, answered } = at.results();
  assert.equal(answered, REQUESTS);
  assert.ok(succeeded >= 0.99 * REQUESTS, `${succeeded} of ${REQUESTS} succeeded`);
  const bounds = Object.keys(bad).map((id) => {
    const { begun, underWayAtFifthFailure } = at.uses.get(Number(id)) ?? assert.fail('it was used');
    assert.ok(begun <= 6 + underWayAtFifthFailure, `key ${id} (${bad[Number(id)]}) was used ${begun} times`);
    return begun;
  });
  assert.ok(bounds.every((begun) => begun >= 1));
  healed = true;
  await at.pass(600_000);
  await at.probeAccounts();
  at.uses.clear();
  await at.run(200);
  assert.equal(at.uses.size, 20, 'every key serves again');
  assert.ok([...at.uses.values()].every(({ begun }) => begun >= 8));
});

for (const failure of ['transient', 'timeout', 'rate', 'account', 'model'] as const) {
  test(`a provider that is wholly down (${failure}): at most 1.2 attempts a request, every caller is answered`, async () => {
    const at = world(20, () => failure);
    await at.run(REQUESTS);
    assert.deepEqual(at.results(), { succeeded: 0, answered: REQUESTS });
    assert.ok(at.attempts() <= 1.2 * REQUESTS, `${at.attempts()} attempts`);
  });
}
