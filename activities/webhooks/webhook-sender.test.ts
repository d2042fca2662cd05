import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createLogger } from '../../infra/logger.ts';
import { createOutbound } from '../../infra/outbound.ts';
import type { Delivery } from './delivery.ts';
import type { EndedJob } from './message.ts';
import { WebhookSender } from './webhook-sender.ts';

const AT = new Date('2026-01-02T03:04:05Z');
const DELIVERY: Delivery = {
  id: 'd1',
  userId: 1,
  jobId: 'j1',
  url: '',
  status: 'PENDING',
  attempts: 0,
  redeliveries: 0,
  lastStatus: null,
  lastError: null,
  createdAt: AT,
  updatedAt: AT,
};

const JOB: EndedJob = {
  id: 'j1',
  type: 'CHAT',
  status: 'COMPLETED',
  modelName: 'm',
  cost: 0n,
  errorMessage: null,
  metadata: null,
  result: null,
  createdAt: AT,
  startedAt: AT,
  finishedAt: AT,
};

const outbound = createOutbound({ OUTBOUND_PRIVATE_HOSTS: [], SIMULATOR_URL: '' });
after(() => outbound.close());

/** What the owner of a delivery to this address reads after one try. */
async function readAfterTry(url: string, { isKept } = { isKept: true }): Promise<unknown> {
  let noted: unknown;
  const sender = new WebhookSender({
    deliveries: {
      find: async () => ({ ...DELIVERY, url }),
      isGone: async () => false,
      note: async (_id, _round, tried) => {
        noted = tried;
      },
      reopen: async () => undefined,
    },
    secrets: { signing: async () => ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] },
    outbound,
    jobOf: async () => (isKept ? JOB : undefined),
    log: createLogger('silent'),
  });
  await sender.attempt({ deliveryId: 'd1', round: 0 });
  return noted;
}

test('what is inside the network cannot be told from what does not exist', async () => {
  const nowhere = await readAfterTry('http://no-such-host.invalid/');
  assert.deepEqual(nowhere, {
    status: 'PENDING',
    lastStatus: null,
    lastError: 'the receiver could not be reached at a public address',
  });
  for (const url of ['http://localhost/', 'http://127.0.0.1/', 'http://database/', 'http://10.0.0.1:8080/']) {
    assert.deepEqual(await readAfterTry(url), nowhere, url);
  }
});

test('a delivery whose job is kept no longer has failed at once: no other try has anything to send', async () => {
  assert.deepEqual(await readAfterTry('http://no-such-host.invalid/', { isKept: false }), {
    ...{ status: 'FAILED', lastStatus: null, lastError: 'the job is kept no longer' },
  });
});
