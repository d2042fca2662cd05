import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { JobActivities } from '../../activities/jobs/job-activities.ts';
import type { MaintenanceActivities } from '../../activities/maintenance/maintenance-activities.ts';
import type { OrderActivities } from '../../activities/orders/order-activities.ts';
import type { WebhookActivities } from '../../activities/webhooks/webhook-activities.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { workflowBundlePath } from '../../workers/bundle.ts';
import { commonOptions } from '../../workers/worker-options.ts';
import { ORDER_SIGNALS } from '../../workflows/contracts.ts';

type Activities = JobActivities & OrderActivities & WebhookActivities & MaintenanceActivities;

/** Fails once each, so that every workflow has something to wait for. */
function activities(): Activities {
  const failed = new Set<string>();
  const once = (name: string) => {
    if (failed.has(name)) return;
    failed.add(name);
    throw ApplicationFailure.create({ message: 'once', nextRetryDelay: 50 });
  };
  let asked = 0;
  return {
    runJob: async ({ jobId }) => {
      once(jobId);
      return { status: jobId === 'good' ? 'COMPLETED' : 'FAILED', cost: '0.1', providerKeyId: 1 };
    },
    closeJob: async () => ({ status: 'FAILED', cost: '0', providerKeyId: null }),
    expireOrder: async () => {
      asked += 1;
      return asked < 3 ? { status: 'PENDING', remainingMs: 50 } : { status: 'FAILED', remainingMs: 0 };
    },
    deliverWebhook: async ({ deliveryId }) => {
      once(deliveryId);
      return { status: 'DELIVERED', attempts: 2 };
    },
    checkLedger: async () => ({ breaches: 0, broken: [] }),
    removeExpired: async () => ({ usageDocuments: 0, outboxPartitions: 0, webhookDeliveries: 0 }),
  };
}

const namespace = 'default';
const taskQueue = `without-cache-${process.pid}`;
let connection: Connection;
let native: NativeConnection;
let stop: () => Promise<void>;

before(async () => {
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  const address = testStack().environment.TEMPORAL_ADDRESS ?? '';
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
  const bundlePath = await workflowBundlePath(false);
  const worker = await Worker.create({
    ...commonOptions({ connection: native, namespace, bundlePath, shutdownGraceMs: 1_000 }),
    taskQueue,
    activities: { ...activities() },
    maxCachedWorkflows: 0,
  });
  const running = worker.run();
  stop = async () => {
    worker.shutdown();
    await running;
    await native.close();
    await connection.close();
  };
});
after(() => stop());

const start = (workflow: string, args: unknown[]) =>
  new Client({ connection, namespace }).workflow.start(workflow, {
    taskQueue,
    args,
    workflowId: `${taskQueue}-${workflow}-${JSON.stringify(args)}`,
  });

test('every workflow comes to its end when each of its tasks begins from the history', async () => {
  const job = (jobId: string) => ({ jobId, accountId: 1, deadlineMs: 60_000 });
  const order = await start('orderExpiry', [{ orderNo: 'one', ttlMs: 60_000 }]);
  await order.signal(ORDER_SIGNALS.settled);
  const good = await Promise.all([
    start('chatJob', [job('good')]),
    start('imageJob', [job('good')]),
    start('webhookDelivery', [{ deliveryId: 'one', round: 0 }]),
    start('ledgerReconciliation', []),
    start('retention', []),
  ]);
  for (const handle of [order, ...good]) await handle.result();
  const bad = await start('chatJob', [job('bad')]);
  await assert.rejects(bad.result(), WorkflowFailedError);
  for (const handle of [order, ...good, bad]) {
    const { events } = await handle.fetchHistory();
    const wrong = (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes);
    assert.equal(wrong.length, 0, `${handle.workflowId} had a failed task`);
  }
});
