import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyPool } from '../../core/key-pool/local-key-pool.ts';
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import { createLogger } from '../../infra/logger.ts';
import { RetryBudget } from '../inference/attempts.ts';
import { type RunContext, RunMustWait } from './job-handler.ts';
import { JobRunner } from './job-run.ts';
import { TEST_WORK } from './job-work.fixture.ts';

const INPUT = { jobId: 'job-1', accountId: 1, deadlineMs: 60_000 };
const CONTEXT: Omit<RunContext, 'again'> = {
  signal: new AbortController().signal,
  stopped: new AbortController().signal,
  isCancelled: () => false,
  heartbeat: () => undefined,
  requestId: 'job-1',
  log: () => createLogger('silent'),
};

/** A runner whose job has to wait; `did` is what it did, in order. */
function waitingRunner(perUser: number) {
  const did: string[] = [];
  const runner = new JobRunner({
    ledger: {
      async run<Result>(_operation: Operation<Result>): Promise<Result> {
        did.push('enters');
        return { kind: 'wait' } as Result;
      },
    },
    store: {
      work: async (id, readsRequest) => {
        if (readsRequest) did.push('reads its request');
        return { ...TEST_WORK, id, request: async () => did.push('reads its request') };
      },
      end: () => assert.fail('it has no end'),
    },
    events: { publish: () => undefined, listen: () => () => undefined },
    runLimits: { perUser, perProvider: 0 },
    models: { pricedAt: () => assert.fail('it has no models') },
    keys: createKeyPool({ keysOf: () => [], log: CONTEXT.log() }),
    retries: new RetryBudget(),
    limits: { settle: () => undefined },
    noteFits: () => undefined,
    notePriceRule: () => undefined,
    handlers: {
      chat: async (_work, charge) => void (await charge.begin()),
      speech: () => assert.fail('no speech'),
      transcript: () => assert.fail('no transcript'),
      image: () => assert.fail('it is a chat'),
    },
    afterEnd: async () => undefined,
  });
  const run = (again: boolean) => runner.run(INPUT, { ...CONTEXT, again });
  return { did, run };
}

test('a run that may have to wait, or that is not the first, enters before it reads megabytes', async () => {
  const limited = waitingRunner(3);
  await assert.rejects(limited.run(false), RunMustWait);
  assert.deepEqual(limited.did, ['enters']);
  const unlimited = waitingRunner(0);
  await assert.rejects(unlimited.run(true), RunMustWait);
  assert.deepEqual(unlimited.did, ['enters']);
});

test('the first run of an unlimited job reads all of it at once', async () => {
  const { did, run } = waitingRunner(0);
  await assert.rejects(run(false), RunMustWait);
  assert.deepEqual(did, ['reads its request', 'enters']);
});
