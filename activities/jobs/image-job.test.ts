import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailureClass, UpstreamFailure } from '../../core/providers/failure.ts';
import type { ImageAdapter } from '../../core/providers/provider.ts';
import { testContext } from '../../core/providers/test-calls.ts';
import { AppError } from '../../infra/errors.ts';
import { createRequestImages } from '../inference/request-images.ts';
import { TEST_MODEL } from '../inference/test-model.ts';
import { HeldByRuns } from './held-by-runs.ts';
import { createImageJobHandler } from './image-job.ts';
import { type JobCalls, RunInterrupted, TaskUnderWay } from './job-handler.ts';
import { TEST_WORK } from './job-work.fixture.ts';
import type { JobWork } from './store.ts';

const WORK: JobWork = {
  ...TEST_WORK,
  type: 'image',
  request: async () => ({ prompt: 'a cat' }),
  plan: { ...TEST_WORK.plan, candidates: [{ priceId: TEST_MODEL.price.id, maxTokens: 0 }] },
};

/** A later run of a job whose task ends so at its provider. */
async function resumed(failure: FailureClass, status: number, cancelled = false) {
  const noted: (string | null)[] = [];
  const charge: JobCalls = {
    begin: async () => ({ state: 'submitted', taskId: 'task-1', modelId: 1, providerKeyId: 11 }),
    candidates: async () => [{ ...TEST_MODEL, maxTokens: 0 }],
    attempts: () => assert.fail('another call was made'),
    fitted: () => assert.fail('a chat was asked'),
    fittedNative: () => assert.fail('a chat was asked'),
    lastCall: undefined,
    answeredBy: () => assert.fail('it was answered'),
    noteTask: async (_state, taskId) => void noted.push(taskId),
  };
  const adapter: ImageAdapter = {
    generate: async (_target, _request, { taskId }, { signal, calledOff }) => {
      assert.equal(taskId, 'task-1');
      assert.deepEqual([signal.aborted, calledOff?.aborted], [false, cancelled], 'a cancel asks, and cuts nothing');
      throw new UpstreamFailure(failure, 'the words of the provider', { status });
    },
  };
  const keys = () => [{ id: 11, urlBase: TEST_MODEL.urlBase, apiKey: 'a key', weight: 1 }];
  const { signal: stopped, ...call } = testContext();
  const signal = cancelled ? AbortSignal.abort() : stopped;
  const context = { ...call, signal, stopped, isCancelled: () => cancelled, again: true };
  const perform = createImageJobHandler({
    noteUsageDoubt: () => undefined,
    imageAdapters: { openai: adapter, dashscope: adapter, ark: adapter, anthropic: adapter },
    held: new HeldByRuns(),
    requestImages: createRequestImages(() => assert.fail('an image was read'), 'fetch'),
    storedImages: { keep: () => assert.fail('an image was kept') },
    keysOf: keys,
  });
  const error = await perform(WORK, charge, context).then(
    () => assert.fail('it was performed'),
    (thrown: unknown) => thrown,
  );
  return { error, noted };
}

test('a task that was refused for what it asks ends its job, also in a later run: it is not submitted again', async () => {
  for (const failure of ['content', 'bad-request'] as const) {
    const { error } = await resumed(failure, 200);
    assert.ok(error instanceof AppError && error.kind === 'invalidParameter', failure);
    assert.equal(error.message, 'the words of the provider');
  }
});

test('a task that failed at its provider is forgotten, and the next run submits another', async () => {
  const { error, noted } = await resumed('transient', 200);
  assert.ok(error instanceof RunInterrupted);
  assert.deepEqual(noted, [null]);
});

test('a task that cannot be asked for goes on', async () => {
  for (const cancelled of [false, true]) {
    const { error, noted } = await resumed('timeout', 0, cancelled);
    assert.ok(error instanceof TaskUnderWay, 'the next run waits on, also of a cancelled job');
    assert.deepEqual(noted, []);
  }
});

test('a task that its provider called off is no more, and none is submitted for it', async () => {
  const { error } = await resumed('cancelled', 200, true);
  assert.ok(error instanceof UpstreamFailure && error.failure === 'cancelled');
});
