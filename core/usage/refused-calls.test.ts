import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { Registry } from 'prom-client';
import { AppError } from '../../infra/errors.ts';
import { createRefusedCalls, MOST_A_MINUTE, MOST_ALIKE_A_MINUTE, type RefusedCall } from './refused-calls.ts';
import type { UsageRecord } from './usage-record.ts';

const LOG = pino({ level: 'silent' });
const MINUTE_MS = 60_000;
const AT_MS = Date.parse('2026-11-24T20:00:00Z');
const REFUSED: RefusedCall = {
  requestId: '0190a5c2-0000-7000-8000-000000000001',
  ...{ userId: 2, accessKeyId: 7, traceId: 'trace', tags: { title: 'agent' }, isAsync: false },
  ...{ model: { identifier: 'small' }, errorCode: 402_001, errorText: 'no balance', startedAtMs: AT_MS },
};

function world(add: (records: readonly UsageRecord[]) => Promise<void>) {
  const registry = new Registry();
  const calls = createRefusedCalls(registry, {
    store: { add },
    knownModel: ({ identifier }) => (identifier === 'small' ? { id: 5, modelIdentifier: 'small' } : undefined),
    timeZone: 'Asia/Shanghai',
    log: LOG,
  });
  const counted = async () => {
    const metric = await registry.getSingleMetric('refused_calls_total')?.get();
    const values = metric?.values.map(({ labels, value }) => [`${labels.code} ${labels.logged}`, value] as const) ?? [];
    return Object.fromEntries(values);
  };
  return { calls, counted };
}

function inMemory() {
  const written: UsageRecord[] = [];
  const { calls, counted } = world(async (records) => {
    written.push(...records);
  });
  return { calls, counted, written };
}

test('a key that stands where a model is named is not written', async () => {
  const { calls, written } = inMemory();
  const key = `ak-${'a1'.repeat(20)}`;
  calls.note({ ...REFUSED, model: { identifier: key }, errorText: `there is no model ${key}` }, AT_MS);
  await calls.close();
  assert.deepEqual(
    written.map(({ modelIdentifier, errorText }) => [modelIdentifier, errorText]),
    [['ak-[hidden]', 'there is no model ak-[hidden]']],
  );
});

test('a refused call is written as one that cost and used nothing, on its local day', async () => {
  const { calls, written } = inMemory();
  calls.note(REFUSED, AT_MS + 3);
  calls.note({ ...REFUSED, model: { identifier: 'no-such' } }, AT_MS + 3);
  calls.note({ ...REFUSED, model: {} }, AT_MS + 3);
  await calls.close();
  const [first, ...others] = written;
  assert.ok(first);
  const { requestId, ...record } = first;
  assert.equal(requestId, REFUSED.requestId);
  assert.deepEqual(record, {
    ...{ userId: 2, accessKeyId: 7, modelId: 5, modelIdentifier: 'small', promptTokens: 0, completionTokens: 0 },
    ...{ imageCount: 0, characters: 0, audioSeconds: 0, cost: 0n, latencyMs: 3, ttftMs: null, isAsync: false },
    ...{ isSuccess: false, errorCode: 402_001, createTime: new Date(AT_MS), priceRule: null, doubt: null, fits: [] },
    ...{ tags: { title: 'agent' }, errorText: 'no balance', traceId: 'trace', providerName: null, attempts: 0 },
    ...{ batchId: null, providerId: null, providerKeyId: null, cachedTokens: 0, cacheWriteTokens: 0 },
    ...{ hourCacheWriteTokens: 0, reasoningTokens: 0, searches: 0, serviceTier: null, estimated: false },
    day: '2026-11-25',
  });
  assert.deepEqual(
    others.map(({ modelId, modelIdentifier }) => [modelId, modelIdentifier]),
    [
      [null, 'no-such'],
      [null, ''],
    ],
  );
});

test('of those that are alike the first of a minute are written, and all are counted', async () => {
  const { calls, counted, written } = inMemory();
  for (let index = 0; index < MOST_ALIKE_A_MINUTE + 5; index += 1) calls.note(REFUSED, AT_MS);
  calls.note({ ...REFUSED, accessKeyId: 8 }, AT_MS);
  calls.note({ ...REFUSED, errorCode: 429 }, AT_MS);
  await calls.close();
  assert.equal(written.length, MOST_ALIKE_A_MINUTE + 2);
  assert.deepEqual(await counted(), { '402001 yes': MOST_ALIKE_A_MINUTE + 1, '402001 no': 5, '429 yes': 1 });
  calls.note(REFUSED, AT_MS + MINUTE_MS);
  await calls.close();
  assert.equal(written.length, MOST_ALIKE_A_MINUTE + 3);
});

test('many keys fill the log no further than one process may in a minute', async () => {
  const { calls, written } = inMemory();
  for (let key = 1; key <= MOST_A_MINUTE + 50; key += 1) calls.note({ ...REFUSED, accessKeyId: key }, AT_MS);
  await calls.close();
  assert.equal(written.length, MOST_A_MINUTE);
});

test('what cannot be written is lost, and what comes after it is not', async () => {
  let isAway = true;
  const written: UsageRecord[] = [];
  const { calls } = world(async (records) => {
    if (isAway) throw new AppError('databaseUnavailable', 'MongoDB is away');
    written.push(...records);
  });
  calls.note(REFUSED, AT_MS);
  await calls.close();
  isAway = false;
  calls.note({ ...REFUSED, errorCode: 429 }, AT_MS);
  await calls.close();
  assert.deepEqual(
    written.map(({ errorCode }) => errorCode),
    [429],
  );
});

test('while nothing can be written, no more than a thousand wait', async () => {
  const held = Promise.withResolvers<void>();
  const written: UsageRecord[] = [];
  const { calls } = world(async (records) => {
    await held.promise;
    written.push(...records);
  });
  for (let minute = 0; minute < 5; minute += 1) {
    for (let key = 1; key <= MOST_A_MINUTE; key += 1)
      calls.note({ ...REFUSED, accessKeyId: key }, AT_MS + minute * MINUTE_MS);
  }
  const closed = calls.close();
  held.resolve();
  await closed;
  assert.equal(written.length, 1_000);
});
