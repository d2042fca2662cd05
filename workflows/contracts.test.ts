import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  batchWorkflowId,
  fitTitle,
  JOB_KINDS,
  type JobType,
  jobWorkflowId,
  orderWorkflowId,
  SCHEDULED_WORKFLOWS,
  WORKFLOWS,
  webhookWorkflowId,
} from './contracts.ts';
import * as bundled from './index.ts';

const bytes = (text: string) => new TextEncoder().encode(text).byteLength;

test('a title is cut to what Temporal takes, at a character and never inside of one', () => {
  assert.equal(fitTitle('chat · sim-chat · user 42 · hold 0.2'), 'chat · sim-chat · user 42 · hold 0.2');
  for (const letter of ['a', '模', '🏔']) {
    const title = fitTitle(`image · ${letter.repeat(150)} · user 42`);
    assert.ok(bytes(title) <= 200, `${bytes(title)} bytes`);
    assert.ok(title.isWellFormed(), letter);
    assert.ok(title.startsWith(`image · ${letter}`));
  }
});

test('each round of a webhook delivery is a workflow of its own', () => {
  const ids = [0, 1, 2].map((round) => webhookWorkflowId(42, '0199', round));
  assert.equal(new Set(ids).size, 3);
});

test("the longest ids fit the outbox's column", () => {
  const JOB_TYPES = Object.keys(JOB_KINDS) as JobType[];
  const [userId, id] = [4_294_967_295, '01a22cae-9a8b-74e7-9bfe-1f2308ff6dac'];
  const ids = [
    ...JOB_TYPES.map((type) => jobWorkflowId({ id, type, userId })),
    orderWorkflowId(userId, id),
    batchWorkflowId(userId, `batch_${id.replaceAll('-', '')}`),
    webhookWorkflowId(userId, id, 99),
  ];
  for (const workflowId of ids) assert.ok(workflowId.length <= 64, workflowId);
});

test('the bundle has a workflow for every name', () => {
  const names = Object.keys({ ...WORKFLOWS, ...SCHEDULED_WORKFLOWS });
  assert.deepEqual(Object.keys(bundled).sort(), names.sort());
});
