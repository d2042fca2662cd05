import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProviderKind, RerankRequest } from '../provider.ts';
import { failedWith, testAdapters, testContext, testTarget } from '../test-calls.ts';
import { sentJson, testOutbound } from '../test-outbound.ts';

const REQUEST: RerankRequest = { query: 'q', documents: ['a', 'b', 'c'], topN: undefined, extra: {} };
const RESULTS = [
  { index: 2, relevance_score: 0.9 },
  { index: 0, relevance_score: 0.5 },
  { index: 1, relevance_score: 0.1 },
];
const RANKED = RESULTS.map(({ index, relevance_score: score }) => ({ index, score }));

async function rerank(body: object, request: Partial<RerankRequest> = {}, kind: ProviderKind = 'openai', model = 'm') {
  const answer = { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const { outbound, sent } = testOutbound([answer]);
  const adapter = testAdapters(outbound).rerank[kind];
  const given = await adapter.rerank(testTarget(kind, model), { ...REQUEST, ...request }, testContext());
  return { ...given, sent };
}

test('every vendor’s form of an order is read, and its count', async () => {
  for (const [form, tokens, units] of [
    [{ results: RESULTS, usage: { total_tokens: 7 } }, 7, undefined],
    [{ results: RESULTS, usage: { prompt_tokens: 7, total_tokens: 7 } }, 7, undefined],
    [{ results: RESULTS, tokens: { input_tokens: 7, output_tokens: 0 } }, 7, undefined],
    [{ results: RESULTS, meta: { billed_units: { search_units: 3 } } }, undefined, 3],
    [{ results: RESULTS, meta: { billed_units: { search_units: 3 }, tokens: { input_tokens: 7 } } }, 7, 3],
    [{ output: { results: RESULTS }, usage: { total_tokens: 7 }, request_id: 'r' }, 7, undefined],
    [{ data: RANKED, usage: { total_tokens: 7 } }, 7, undefined],
    [{ results: RESULTS, meta: { billed_units: { search_units: -1 } } }, undefined, undefined],
  ] as const) {
    const { ranked, usage, searchUnits } = await rerank(form);
    assert.deepEqual(ranked, RANKED, JSON.stringify(form));
    assert.equal(usage && (usage.promptTokens || usage.unexplainedTokens), tokens, JSON.stringify(form));
    assert.equal(searchUnits, units, JSON.stringify(form));
  }
});

test('the best come first, and no more than were wanted, whatever the vendor gives', async () => {
  const { ranked, sent } = await rerank({ results: [...RESULTS].reverse() }, { topN: 2, extra: { instruction: 'i' } });
  assert.deepEqual(ranked, RANKED.slice(0, 2));
  assert.deepEqual(sentJson(sent[0]), {
    model: 'm',
    query: 'q',
    documents: ['a', 'b', 'c'],
    top_n: 2,
    instruction: 'i',
  });
});

test('DashScope is asked where the model stands', async () => {
  const native = await rerank({ output: { results: RESULTS } }, { topN: 3 }, 'dashscope', 'gte-rerank-v2');
  assert.equal(native.sent[0]?.path, '/api/v1/services/rerank/text-rerank/text-rerank');
  assert.deepEqual(sentJson(native.sent[0]), {
    model: 'gte-rerank-v2',
    input: { query: 'q', documents: ['a', 'b', 'c'] },
    parameters: { top_n: 3, return_documents: false },
  });
  const flat = await rerank({ results: RESULTS }, {}, 'dashscope', 'qwen3-rerank');
  assert.equal(flat.sent[0]?.path, '/compatible-api/v1/reranks');
  assert.deepEqual(sentJson(flat.sent[0]), { model: 'qwen3-rerank', query: 'q', documents: ['a', 'b', 'c'] });
});

test('an order that is none is another key’s or model’s turn', async () => {
  for (const results of [
    [],
    'none',
    [{ index: 3, relevance_score: 1 }],
    [{ index: 0.5, relevance_score: 1 }],
    [{ index: 0, relevance_score: 'much' }],
    [RESULTS[0], RESULTS[0]],
  ]) {
    await assert.rejects(rerank({ results }), failedWith('transient', /order/), JSON.stringify(results));
  }
  await assert.rejects(rerank({ error: { message: 'no credit', code: 'x' } }), failedWith('transient', /no credit/));
});
