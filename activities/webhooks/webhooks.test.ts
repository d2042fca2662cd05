import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import type { Delivery } from './delivery.ts';
import { type WebhookDeps, Webhooks } from './webhooks.ts';

const DELIVERY: Delivery = {
  id: 'job-1',
  userId: 1,
  jobId: 'job-1',
  url: 'https://a.example',
  status: 'DELIVERED',
  attempts: 1,
  redeliveries: 0,
  lastStatus: 200,
  lastError: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
};

test('a delivery is sent again fifty times and no more, so that nobody has a workflow without end for free', async () => {
  let redeliveries = 0;
  const deliveries: WebhookDeps['deliveries'] = {
    find: async () => ({ ...DELIVERY, redeliveries }),
    beginRound: async () => {
      redeliveries += 1;
      return redeliveries;
    },
    list: () => assert.fail('a list was read'),
  };
  const webhooks = new Webhooks({
    deliveries,
    secrets: { list: () => assert.fail('read'), rotate: () => assert.fail('rotated') },
    starter: { kick: () => undefined },
    audit: { record: () => assert.fail('written') },
    mayBeCalled: () => true,
  });
  for (let time = 1; time <= 50; time += 1) await webhooks.redeliver('job-1', 1);
  await assert.rejects(
    webhooks.redeliver('job-1', 1),
    (error) => error instanceof AppError && error.kind === 'illegalState',
  );
  assert.equal(redeliveries, 50);
});
