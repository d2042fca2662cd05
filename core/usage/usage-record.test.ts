import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishedCall } from './finished-call.fixture.ts';
import { usageRecord } from './usage-record.ts';

const RECORD = { ...finishedCall('call-1'), day: '2026-11-24', cost: 9_007_199_254_740_993n };

test('a record that went through JSON is the same, its cost to the last digit', () => {
  const sent: unknown = JSON.parse(JSON.stringify({ ...RECORD, cost: RECORD.cost.toString() }));
  assert.deepEqual(usageRecord.parse(sent), RECORD);
});

test('a record of an earlier version lacks what was added since, and is read', () => {
  const {
    traceId: _,
    providerName: _1,
    providerKeyId: _2,
    attempts: _3,
    cachedTokens: _4,
    estimated: _5,
    cacheWriteTokens: _6,
    hourCacheWriteTokens: _7,
    reasoningTokens: _8,
    searches: _9,
    serviceTier: _10,
    doubt: _11,
    priceRule: _12,
    fits: _13,
    providerId: _14,
    errorText: _15,
    ...old
  } = RECORD;
  const added = {
    traceId: '',
    providerName: null,
    providerKeyId: null,
    attempts: 1,
    cachedTokens: 0,
    estimated: false,
    cacheWriteTokens: 0,
    hourCacheWriteTokens: 0,
    reasoningTokens: 0,
    searches: 0,
    serviceTier: null,
    doubt: null,
    priceRule: null,
    fits: [],
    providerId: null,
    errorText: null,
  };
  assert.deepEqual(usageRecord.parse(old), { ...old, ...added });
});

test('a count that cannot be true is refused by its name', () => {
  for (const promptTokens of [-1, 0.5, 2 ** 53, '3', null]) {
    const { error } = usageRecord.safeParse({ ...RECORD, promptTokens });
    assert.deepEqual(error?.issues[0]?.path, ['promptTokens'], String(promptTokens));
  }
});
