import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelSource, PricedModel } from '../../core/catalog/model.ts';
import { routedModels } from './routed-models.ts';

function model(modelId: number, providerId: number, priority: number): PricedModel {
  return {
    modelId,
    modelIdentifier: `model-${modelId}`,
    providerId,
    providerName: `provider-${providerId}`,
    kind: 'openai',
    urlBase: 'http://provider.example/v1',
    upstreamModel: 'm',
    priority,
    capabilities: new Set(['text-to-text']),
    price: { id: modelId, input: 0n, output: 0n, cachedInput: null, cacheWrite: null, perImage: 0n, perRequest: 0n },
    contextWindow: null,
    maxOutputTokens: null,
    defaultMaxTokens: null,
    tokensPerImage: 0,
    pricedFields: new Set(),
  };
}

const MODELS = [model(1, 10, 1), model(2, 20, 1), model(3, 30, 2)];
const source: ModelSource = {
  named: (name) => model(name.id ?? 0, 10, 1),
  capable: () => MODELS,
  pricedAt: async () => MODELS,
};
/** Provider 10 has no usable key, and its model fails half the time. */
const pool = {
  standing: (providerId: number, modelId: number) => ({
    usableKeys: providerId === 10 ? 0 : 2,
    activeKeys: 2,
    failureRate: modelId === 1 ? 0.5 : 0,
  }),
};
const ids = (models: readonly PricedModel[]) => models.map(({ modelId }) => modelId);

test('models that no call has named come in the order of the strategy', () => {
  assert.deepEqual(ids(routedModels(source, 'priority', pool).capable('text-to-text')), [2, 1, 3]);
  // 2: 0.4 + 0.2 + 0.2 + 0.2; 3: 0 + 0.6; 1: 0.4 + 0 + 0 + 0.1.
  assert.deepEqual(ids(routedModels(source, 'smart', pool).capable('text-to-text')), [2, 3, 1]);
});

test('a named model stays itself, and a job keeps the order it was held for', async () => {
  const models = routedModels(source, 'smart', pool);
  assert.equal(models.named({ id: 7 }, 'text-to-text').modelId, 7);
  assert.deepEqual(ids(await models.pricedAt([1, 2, 3])), [1, 2, 3]);
});
