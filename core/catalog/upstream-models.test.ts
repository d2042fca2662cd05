import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testOutbound } from '../providers/test-outbound.ts';
import { createUpstreamModels } from './upstream-models.ts';

test('a key that the vendor repeats in its list is not shown', async () => {
  const apiKey = '1b2c3d4e-0000-4000-8000-1234567890ab';
  const data = [{ id: `model-of-${apiKey}`, owned_by: `Bearer ${apiKey}` }, { id: '1b2c3d4e-model' }];
  const { outbound } = testOutbound([{ body: JSON.stringify({ data }) }]);
  const models = await createUpstreamModels(outbound)({ kind: 'openai', urlBase: 'https://a.example/v1' }, apiKey);
  assert.deepEqual(models, [
    { id: '1b2c3d4e-model', ownedBy: null },
    { id: 'model-of-[hidden]', ownedBy: 'Bearer [hidden]' },
  ]);
});
