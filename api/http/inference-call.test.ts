import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_USAGE } from '../../core/ledger/money.ts';
import { durationText, keptCall, replayCall } from './inference-call.ts';

const OUTCOME = {
  requestId: 'r1',
  modelIdentifier: '模型',
  providerName: 'a provider',
  cost: 1_500n,
  attempts: 2,
  clampedTo: 256,
  fits: ['limit-name' as const, 'left-out:temperature' as const],
  usage: NO_USAGE,
  priceRule: 'above 32k',
};

function replayed(stored: { status: number; body: Buffer }) {
  const headers: Record<string, unknown> = {};
  const set = (given: unknown) => Object.assign(headers, given);
  const body = replayCall({ set }, stored);
  return { headers, body };
}

test('a repeated request gets the headers of its first answer', () => {
  for (const text of ['{"a":"first\nsecond"}', '']) {
    const { headers, body } = replayed(keptCall(OUTCOME, text));
    assert.equal(body.toString(), text);
    assert.deepEqual(headers, {
      'x-request-id': 'r1',
      'x-model': encodeURIComponent('模型'),
      'x-provider': 'a%20provider',
      'x-attempts': '2',
      'x-max-tokens': '256',
      'x-request-fits': 'limit-name, left-out:temperature',
      'x-cost': '0.0000015',
      'x-price-rule': 'above 32k',
    });
  }
});

test('an answer that was kept without headers is given as it is', () => {
  for (const body of [Buffer.from('{"call:":1}'), Buffer.from('28b52ffd0a', 'hex'), Buffer.alloc(0)]) {
    const again = replayed({ status: 200, body });
    assert.deepEqual([again.body, again.headers], [body, {}]);
  }
});

test('durations as OpenAI writes them', () => {
  const texts = [0, 1, 120, 1_000, 8_640, 59_999, 60_000, 360_000, 390_951].map(durationText);
  assert.deepEqual(texts, ['0s', '1ms', '120ms', '1s', '8.64s', '59.999s', '1m0s', '6m0s', '6m30.951s']);
});
