import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { imageRequest } from './image-request.ts';
import { planImages } from './images.ts';
import { candidatesOf } from './routing.ts';
import { TEST_MODEL } from './test-model.ts';

const caller = { allowedModels: null } as const;

function refusedPaths(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.kind, 'invalidParameter');
    return (error.details.errors ?? []).map(({ path }) => path);
  }
  return [];
}

function refusedInChat(fields: object, pricedFields: readonly string[] = []): string[] {
  const model = { ...TEST_MODEL, pricedFields: new Set(pricedFields) };
  const source = { named: () => model, capable: () => [model], pricedAt: async () => [model] };
  const body = { messages: [{ role: 'user', content: 'hi' }], ...fields };
  return refusedPaths(() => candidatesOf(source, { caller, model: {}, body }));
}

function refusedInImages(options: object, pricedFields: readonly string[] = []): string[] {
  const model = { ...TEST_MODEL, pricedFields: new Set(pricedFields) };
  return refusedPaths(() =>
    planImages([model], imageRequest({ prompt: 'a cat', images: [], options: { ...options } })),
  );
}

test('tools that the provider runs need a model whose price covers them', () => {
  const own = { type: 'function', function: { name: 'f' } };
  for (const tool of [
    { type: 'web_search', web_search: { enable: true } },
    { type: 'builtin_function', function: { name: '$web_search' } },
    { google_search: {} },
    'web_search',
  ]) {
    assert.deepEqual(refusedInChat({ tools: [own, tool] }), ['tools[1].type'], JSON.stringify(tool));
    assert.deepEqual(refusedInChat({ tools: [own, tool] }, ['tools']), []);
  }
  const tools = [own, { type: 'custom', custom: { name: 'c' } }, { function: { name: 'g' } }];
  assert.deepEqual(refusedInChat({ tools }), []);
});

test('a paid search in all its spellings needs a model whose price covers it', () => {
  for (const field of ['search_parameters', 'web_search', 'web_search_options', 'enable_search', 'service_tier']) {
    assert.deepEqual(refusedInChat({ [field]: { mode: 'on' } }), [field]);
    assert.deepEqual(refusedInChat({ [field]: { mode: 'on' } }, [field]), []);
    assert.deepEqual(refusedInChat({ [field]: false }), []);
  }
  assert.deepEqual(refusedInChat({ enable_thinking: true, reasoning_effort: 'high', safe_prompt: true }), []);
});

test('what makes an image dearer needs a model whose price covers it', () => {
  for (const [field, value] of [
    ['quality', 'high'],
    ['quality', 'hd'],
    ['service_tier', 'priority'],
    ['input_fidelity', 'high'],
    ['frame_count', 20],
    ['enable_search', true],
  ] as const) {
    assert.deepEqual(refusedInImages({ [field]: value }), [`options.${field}`]);
    assert.deepEqual(refusedInImages({ [field]: value }, [field]), []);
  }
  assert.deepEqual(refusedInImages({ batch_size: 4 }), ['options.batch_size']);
  assert.deepEqual(refusedInImages({ quality: 'auto', background: 'opaque', size: '1024x1024' }), []);
});
