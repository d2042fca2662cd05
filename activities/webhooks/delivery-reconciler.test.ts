import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Delivery } from './delivery.ts';
import { DeliveryReconciler, type DeliveryReconcilerDeps } from './delivery-reconciler.ts';

const LONG_AGO = new Date('2026-01-01T00:00:00.000Z');
const delivery = (id: string): Delivery => ({
  ...{ id, userId: 1, jobId: id, url: 'https://example.com/', status: 'PENDING', attempts: 1, redeliveries: 0 },
  ...{ lastStatus: 500, lastError: null, createdAt: LONG_AGO, updatedAt: LONG_AGO },
});
const unreadable = () => {
  throw new TypeError('unreadable');
};
/** A reconciler of deliveries that are known by their ids. */
function reconcilerOf(ids: readonly string[], workflowState: DeliveryReconcilerDeps['workflowState']) {
  const stopped: string[] = [];
  const logged: unknown[] = [];
  const log = pino({ base: null }, { write: (line) => logged.push(JSON.parse(line)) });
  const waiting = ids.map((id) => ({
    ...{ id, updatedAt: LONG_AGO },
    read: id === 'unreadable' ? unreadable : () => delivery(id),
  }));
  const deliveries = {
    waiting: async (last: { id: string } | undefined, limit: number) => {
      const from = last === undefined ? 0 : ids.indexOf(last.id) + 1;
      return waiting.slice(from, from + limit);
    },
    restart: async () => {
      throw new Error('the database refuses');
    },
    stop: async ({ id }: Delivery) => stopped.push(id) > 0,
  };
  return { reconciler: new DeliveryReconciler({ deliveries, workflowState, log }), stopped, logged };
}

test('a round goes through all pages, over a row that cannot be read', async () => {
  const ids = [...Array.from({ length: 150 }, (_, index) => `d${index}`), 'unreadable', 'last'];
  const { reconciler, stopped, logged } = reconcilerOf(ids, async () => 'ended');
  assert.equal(await reconciler.reconcile(), 151);
  assert.deepEqual(
    stopped,
    ids.filter((id) => id !== 'unreadable'),
  );
  assert.equal(logged.length, 152);
  assert.match(JSON.stringify(logged), /"deliveryId":"unreadable","msg":"a webhook delivery cannot be read"/);
});

test('one whose workflow an earlier version has started is found under the id that it was given', async () => {
  const states = new Map<string, 'running' | 'ended'>([
    ['webhook:runs', 'running'],
    ['webhook:stopped', 'ended'],
  ]);
  const { reconciler, stopped } = reconcilerOf(['runs', 'stopped'], async (id) => states.get(id) ?? 'none');
  assert.equal(await reconciler.reconcile(), 1);
  assert.deepEqual(stopped, ['stopped']);
});

test('one that cannot be put right is logged; without Temporal the round ends', async () => {
  const refused = reconcilerOf(['a', 'b'], async () => 'none');
  assert.equal(await refused.reconciler.reconcile(), 0);
  assert.equal(refused.logged.length, 2);
  const away = reconcilerOf(['a'], () => Promise.reject(new Error('Temporal is away')));
  await assert.rejects(away.reconciler.reconcile(), /away/);
});
