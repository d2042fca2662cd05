import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ModelSource, PricedModel } from '../../core/catalog/model.ts';
import type { Standing } from '../../core/key-pool/key-pool.ts';
import { candidatesOf, type RoutingStrategy, routed, routedModels } from './routing.ts';
import { TEST_MODEL } from './test-model.ts';

interface Model {
  readonly name: string;
  readonly priority: number;
  readonly standing: Standing;
}

function model(
  name: string,
  priority: number,
  [usableKeys, activeKeys, failureRate]: [number, number, number] = [1, 1, 0],
): Model {
  return { name, priority, standing: { usableKeys, activeKeys, failureRate } };
}

function order(strategy: RoutingStrategy, models: readonly Model[]): string[] {
  return routed(models, strategy, ({ standing }) => standing).map(({ name }) => name);
}

test('priority: ascending, whatever fails', () => {
  assert.deepEqual(order('priority', [model('b', 2), model('a', 1, [1, 1, 0.9]), model('c', 3)]), ['a', 'b', 'c']);
});

test('priority: among equals the one that failed less, then the order in which they came', () => {
  const models = [model('worst', 1, [1, 1, 0.5]), model('good', 1), model('as good', 1), model('bad', 1, [1, 1, 0.1])];
  assert.deepEqual(order('priority', models), ['good', 'as good', 'bad', 'worst']);
});

test('smart: the published weights, worked out by hand', () => {
  // first: 0.4 x 1 + 0.2 x 0.25 + 0.2 x 0.5 + 0.2 x 0.5 = 0.65; last: 0.4 x 0 + 0.2 + 0.2 + 0.2 = 0.6
  const first = model('first', 1, [1, 2, 0.5]);
  const last = model('last', 5, [4, 4, 0]);
  assert.deepEqual(order('smart', [last, first]), ['first', 'last']);
  // A little less reliable: 0.4 + 0.05 + 0.1 + 0.2 x 0.2 = 0.59.
  assert.deepEqual(order('smart', [last, model('first', 1, [1, 2, 0.8])]), ['last', 'first']);
});

test('smart: priority is linear between the lowest and the highest number', () => {
  // 1 → 1, 2 → 0.75, 5 → 0; each has the same keys, so the rest is 0.2 x (1 − rate).
  const models = [model('1', 1, [1, 1, 0.6]), model('2', 2, [1, 1, 0]), model('5', 5)];
  // 0.4 + 0.08 against 0.3 + 0.2 against 0 + 0.2
  assert.deepEqual(order('smart', models), ['2', '1', '5']);
});

test('smart: a provider without a usable key comes last among equals, and no keys at all is no fault', () => {
  assert.deepEqual(order('smart', [model('none', 1, [0, 3, 0]), model('some', 1, [1, 3, 0])]), ['some', 'none']);
  assert.deepEqual(order('smart', [model('a', 1, [0, 0, 0]), model('b', 1, [0, 0, 0])]), ['a', 'b']);
});

test('every candidate comes exactly once', () => {
  const models = fc.array(
    fc.record({
      priority: fc.integer({ min: 1, max: 9 }),
      usable: fc.nat(5),
      more: fc.nat(5),
      rate: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(models, fc.constantFrom<RoutingStrategy>('priority', 'smart'), (raw, strategy) => {
      const candidates = raw.map(({ priority, usable, more, rate }, index) =>
        model(String(index), priority, [usable, usable + more, rate]),
      );
      assert.deepEqual(order(strategy, candidates).sort(), candidates.map(({ name }) => name).sort());
    }),
  );
});

function modelOf(modelId: number, providerId: number, priority: number): PricedModel {
  return { ...TEST_MODEL, modelId, modelIdentifier: `model-${modelId}`, providerId, priority };
}

const MODELS = [modelOf(1, 10, 1), modelOf(2, 20, 1), modelOf(3, 30, 2)];
const source: ModelSource = {
  named: (name) => modelOf(name.id ?? 0, 10, 1),
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

test('several choices are asked of the models that give them, unless none does', () => {
  const single = { ...modelOf(1, 10, 1), needs: { refusedFields: ['n'] } };
  const tried = (models: readonly PricedModel[], n?: number) => {
    const request = { model: {}, body: { messages: [], ...(n === undefined ? {} : { n }) } };
    const { models: candidates } = candidatesOf(
      { ...source, capable: () => models },
      { ...request, caller: { allowedModels: null } },
    );
    return ids(candidates);
  };
  assert.deepEqual(tried([single, modelOf(2, 20, 1)], 2), [2]);
  assert.deepEqual(tried([single, modelOf(2, 20, 1)], 1), [1, 2]);
  assert.deepEqual(tried([single, modelOf(2, 20, 1)]), [1, 2]);
  assert.deepEqual(tried([single], 2), [1]);
});
