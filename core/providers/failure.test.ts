import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, retryAfterMs } from './failure.ts';

const REFUSAL = {
  status: 429,
  code: 'limit_requests',
  type: undefined,
  param: 'messages',
  message: 'slow down',
  requestId: 'r-1',
  retryAfterMs: 2_000,
};

test('a failure carries what the provider said beside its class', () => {
  const failure = refused(REFUSAL, () => 'rate', 'key');
  assert.equal(failure.failure, 'rate');
  assert.equal(failure.message, 'slow down');
  assert.deepEqual(failure.details, {
    status: 429,
    code: 'limit_requests',
    param: 'messages',
    upstreamRequestId: 'r-1',
    retryAfterMs: 2_000,
  });
});

test('what was not said is absent', () => {
  const bare = { ...REFUSAL, code: undefined, param: undefined, requestId: undefined, retryAfterMs: undefined };
  assert.deepEqual(refused(bare, () => 'rate', 'key').details, { status: 429 });
});

test('no key gets out through a message', () => {
  const own = '1b2c3d4e-0000-4000-8000-1234567890ab';
  const message = `Incorrect API key ${own}, was sk-abcdefgh1234 or Bearer abcdefghijk`;
  const failure = refused({ ...REFUSAL, message, code: own }, () => 'account', own);
  assert.equal(failure.message, 'Incorrect API key [hidden], was sk-[hidden] or Bearer [hidden]');
  assert.equal(failure.details.code, '[hidden]');
  assert.equal(failure.cause, undefined);
});

test('no beginning of a key that is long enough to know it by gets out either', () => {
  const own = '1b2c3d4e-0000-4000-8000-1234567890ab';
  const messages = {
    'the key 1b2c3d4e**** is wrong': 'the key [hidden]**** is wrong',
    'the key 1b2c3d4e-0000-4…(36) is wrong': 'the key [hidden]…(36) is wrong',
    'the key 1b2c3d4 is cut': 'the key 1b2c3d4 is cut',
    [`${own}${own} and 1b2c3d4e`]: '[hidden][hidden] and [hidden]',
  };
  for (const [message, clean] of Object.entries(messages)) {
    assert.equal(refused({ ...REFUSAL, message }, () => 'account', own).message, clean);
  }
});

test('a message is cut at 1,000 characters after the keys are out', () => {
  const own = 'k'.repeat(40);
  const { message } = refused({ ...REFUSAL, message: `${'x'.repeat(980)}${own}tail` }, () => 'rate', own);
  assert.equal(message.length, 992);
  const { message: long } = refused({ ...REFUSAL, message: 'y'.repeat(5_000) }, () => 'rate', own);
  assert.equal(long.length, 1_000);
});

const NOW_MS = Date.parse('2026-11-24T12:00:00Z');

function wait(headers: Record<string, string>): number | undefined {
  return retryAfterMs(headers, NOW_MS);
}

test('milliseconds win over seconds, and a date counts from now', () => {
  assert.equal(wait({ 'retry-after-ms': '250', 'retry-after': '9' }), 250);
  assert.equal(wait({ 'retry-after': '30' }), 30_000);
  assert.equal(wait({ 'retry-after': '0.5' }), 500);
  assert.equal(wait({ 'retry-after': 'Tue, 24 Nov 2026 12:00:20 GMT' }), 20_000);
  assert.equal(wait({ 'retry-after': 'Tue, 24 Nov 2026 11:00:00 GMT' }), 0);
});

test('a hint that makes no sense is no hint', () => {
  assert.equal(wait({}), undefined);
  for (const text of ['soon', '-5', '', '1e9x', 'NaN']) assert.equal(wait({ 'retry-after': text }), undefined, text);
  assert.equal(wait({ 'retry-after-ms': 'x', 'retry-after': '2' }), 2_000);
});
