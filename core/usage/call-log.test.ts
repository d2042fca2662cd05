import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallLog } from './call-log.ts';
import { finishedCall } from './finished-call.fixture.ts';
import type { UsageRecord } from './usage-record.ts';
import type { UsageFilter } from './usage-store.ts';

function recordOf(requestId: string, isSuccess: boolean): UsageRecord {
  return { ...finishedCall(requestId, { isSuccess, errorCode: isSuccess ? null : 1 }), cost: 0n, day: '2026-11-24' };
}

/** Newest first, as the store answers. */
function storeOf(records: readonly UsageRecord[]) {
  return {
    newest: async ({ isSuccess }: UsageFilter, limit: number) =>
      records.filter((record) => isSuccess === undefined || record.isSuccess === isSuccess).slice(0, limit),
  };
}

const log = new CallLog(
  storeOf([recordOf('id-6', true), recordOf('id-4', false), recordOf('id-1', true)]),
  storeOf([recordOf('id-5', false), recordOf('id-3', false), recordOf('id-2', false)]),
);

async function found(filter: Parameters<CallLog['newest']>[0], limit = 10): Promise<string> {
  return (await log.newest(filter, limit))
    .map(({ requestId, status }) => `${requestId.slice(3)}${status[0]}`)
    .join(' ');
}

test('calls and refused ones come in one order, as many as are asked for', async () => {
  assert.equal(await found({}), '6S 5R 4F 3R 2R 1S');
  assert.equal(await found({}, 3), '6S 5R 4F');
});

test('a status finds its own; a call that did not succeed has failed or was refused', async () => {
  assert.equal(await found({ status: 'SUCCEEDED' }), '6S 1S');
  assert.equal(await found({ status: 'FAILED' }), '4F');
  assert.equal(await found({ status: 'REFUSED' }), '5R 3R 2R');
  assert.equal(await found({ isSuccess: true }), '6S 1S');
  assert.equal(await found({ isSuccess: false }), '5R 4F 3R 2R');
  assert.equal(await found({ status: 'SUCCEEDED', isSuccess: false }), '');
  assert.equal(await found({ status: 'FAILED', isSuccess: true }), '');
  assert.equal(await found({ status: 'REFUSED', isSuccess: true }), '');
});

test('no provider was asked for a refused call, and no price applied', async () => {
  for (const filter of [
    { providerName: 'vendor' },
    { providerKeyId: 3 },
    { priceRule: 'night' },
    { doubt: 'missing' },
  ]) {
    assert.doesNotMatch(await found(filter), /R/);
  }
});
