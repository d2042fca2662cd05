import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { WorkflowState } from '../../infra/temporal/client.ts';
import { BatchReconciler } from './batch-recovery.ts';
import { type BatchRunDeps, BatchRunner } from './batch-run.ts';
import { BATCH_ID, callerOf, MemoryBatch, models } from './memory-batch.fixture.ts';

const log = pino({ level: 'silent' });
const AGO = new Date(Date.now() - 60_000);

function reconcilerOf(batch: MemoryBatch, state: WorkflowState, workflowId = batch.workflowId): BatchReconciler {
  const { store, files, ledger } = batch;
  const answer: BatchRunDeps['endpoints']['/v1/embeddings'] = () => assert.fail('a call');
  const endpoints = { '/v1/chat/completions': answer, '/v1/embeddings': answer };
  const runner = new BatchRunner({
    store,
    files,
    ledger,
    models,
    endpoints,
    callerOf,
    bytesPerUser: 1,
    keptMs: 1_000,
    log,
  });
  const workflowState = async (asked: string) => (asked === workflowId ? state : 'running');
  return new BatchReconciler({ store, runner, workflowState, log });
}

test('a batch whose workflow runs is left as it is; one that Temporal has lost is started again', async () => {
  const batch = new MemoryBatch(1);
  assert.equal(await reconcilerOf(batch, 'running').reconcile(), 0);
  assert.deepEqual(batch.restarted, []);
  assert.equal(await reconcilerOf(batch, 'none').reconcile(), 1);
  assert.deepEqual([batch.restarted, batch.row.status], [[batch.workflowId], 'in_progress']);
});

test('a batch of an earlier version is looked for and started again under the id that it was given', async () => {
  const batch = new MemoryBatch(1);
  batch.workflowId = BATCH_ID;
  assert.equal(await reconcilerOf(batch, 'running', BATCH_ID).reconcile(), 0);
  assert.equal(await reconcilerOf(batch, 'none', BATCH_ID).reconcile(), 1);
  assert.deepEqual(batch.restarted, [BATCH_ID]);
});

test('a batch whose workflow was terminated ends with the answers that it has, after its last calls', async () => {
  const batch = new MemoryBatch(3);
  await batch.store.keepResult(BATCH_ID, 1, true, '{"is":"answered"}');
  const reconciler = reconcilerOf(batch, 'ended');
  assert.equal(await reconciler.reconcile(), 1);
  assert.equal(batch.row.status, 'cancelling');
  assert.equal(await reconciler.reconcile(), 0, 'a line may just begin its call');
  batch.row = { ...batch.row, cancellingAt: AGO };
  batch.hasCallsUnderway = true;
  assert.equal(await reconciler.reconcile(), 0, 'a call still runs');
  batch.hasCallsUnderway = false;
  assert.equal(await reconciler.reconcile(), 1);
  assert.deepEqual([batch.row.status, batch.row.completed, batch.released], ['cancelled', 1, 1]);
  assert.equal(batch.text('outputFileId'), '{"is":"answered"}\n');
  assert.equal(batch.row.errors?.[0]?.code, 'batch_stopped');
  assert.equal(await reconciler.reconcile(), 0);
});

test('one that was about to write its files is ended as it would have been', async () => {
  const batch = new MemoryBatch(1, 'finalizing');
  await batch.store.keepResult(BATCH_ID, 0, true, '{}');
  assert.equal(await reconcilerOf(batch, 'ended').reconcile(), 1);
  assert.deepEqual([batch.row.status, batch.released], ['completed', 1]);
});

test('what the end of a batch left behind is cleared up', async () => {
  const batch = new MemoryBatch(1, 'completed');
  batch.row = { ...batch.row, endedAt: AGO };
  assert.equal(await reconcilerOf(batch, 'ended').reconcile(), 1);
  assert.deepEqual([batch.lines.length, batch.released], [0, 1]);
});
