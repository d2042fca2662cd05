import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EndedJob, messageOf } from './message.ts';

const job: EndedJob = {
  id: 'job-1',
  type: 'chat',
  status: 'COMPLETED',
  modelName: 'sim-chat',
  cost: 123_456_789_000_000_001n,
  errorMessage: null,
  metadata: { '"resultPayload":null': 'mine' },
  result: '{"assistantMessage":"$& hello","cost":123456789.000000001}',
  createdAt: new Date('2026-11-01T00:00:00Z'),
  startedAt: new Date('2026-11-01T00:00:01Z'),
  finishedAt: new Date('2026-11-01T00:00:02.5Z'),
};

test('amounts and the result stand in the message digit by digit', () => {
  const text = messageOf(job);
  assert.ok(text.includes('"cost":123456789.000000001,'), text);
  assert.ok(text.includes(`"resultPayload":${job.result},"metadata"`), text);
  const message: unknown = JSON.parse(text);
  assert.ok(typeof message === 'object' && message !== null && 'type' in message && 'timestamp' in message);
  assert.deepEqual([message.type, message.timestamp], ['job.completed', '2026-11-01T00:00:02.500Z']);
});

test('a failed job shows why and has no result', () => {
  const failed = { ...job, status: 'FAILED', cost: 0n, result: null, metadata: null, errorMessage: 'no answer' };
  const message: unknown = JSON.parse(messageOf(failed));
  assert.ok(typeof message === 'object' && message !== null && 'type' in message && 'data' in message);
  assert.equal(message.type, 'job.failed');
  const { data } = message;
  assert.ok(typeof data === 'object' && data !== null && 'errorMessage' in data && 'resultPayload' in data);
  assert.deepEqual([data.errorMessage, data.resultPayload], ['no answer', null]);
});
