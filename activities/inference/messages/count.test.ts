import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessKeyCaller } from '../../../core/accounts/caller.ts';
import type { KeyPool } from '../../../core/key-pool/key-pool.ts';
import { createLogger } from '../../../infra/logger.ts';
import { TEST_MODEL } from '../test-model.ts';
import { createTokenCount } from './count.ts';
import { messagesInput } from './request.ts';

const log = createLogger('silent');
const limits = { rpmLimit: null, tpmLimit: null, parallelLimit: null, budget: null, budgetPeriod: null };
const callerWith = (accessKeyId: number): AccessKeyCaller => ({
  ...{ kind: 'access-key', userId: 1, accountId: 1, accessKeyId, allowedModels: null },
  ...limits,
});
const input = messagesInput({ model: 'm', messages: [{ role: 'user', content: 'hello world' }] }, {});

test('of one key and in all, so many counts are asked of a provider at once; the others are estimated', async () => {
  const answered = Promise.withResolvers<number>();
  let asked = 0;
  const model = { ...TEST_MODEL, kind: 'anthropic' as const };
  const deps: Parameters<typeof createTokenCount>[0] = {
    models: { named: () => model, capable: () => [model], pricedAt: async () => [] },
    keys: keysOf(),
    nativeAdapters: {
      messages: {
        fitted: (body) => ({ body, fits: [] }),
        complete: () => assert.fail('a chat'),
        stream: () => assert.fail('a stream'),
        count: () => {
          asked += 1;
          return answered.promise;
        },
      },
    },
  };
  const count = createTokenCount(deps);
  const ofKey = (accessKeyId: number, times: number) =>
    Array.from({ length: times }, () => count(input, callerWith(accessKeyId), log));
  const first = ofKey(1, 60);
  assert.equal(asked, 50);
  const others = [2, 3, 4, 5].flatMap((accessKeyId) => ofKey(accessKeyId, 50));
  assert.equal(asked, 200);
  answered.resolve(7_000);
  const counts = await Promise.all([...first, ...others]);
  assert.equal(counts.filter((tokens) => tokens === 7_000).length, 200);
  assert.ok(counts.every((tokens) => tokens === 7_000 || (tokens > 0 && tokens < 50)));
  await Promise.all(ofKey(1, 1));
  assert.equal(asked, 201, 'a place is free again');
});

function keysOf(): KeyPool {
  const key = { id: 1, providerId: 1, urlBase: TEST_MODEL.urlBase, apiKey: 'sk-x' };
  return {
    pick: () => key,
    probesAsked: () => undefined,
    report: () => undefined,
    retryAfterSeconds: () => 1,
    standing: () => ({ usableKeys: 1, activeKeys: 1, failureRate: 0 }),
  };
}
