import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUsage } from '../../core/providers/usage.ts';
import { countTokens } from '../../infra/tokens.ts';
import { planRerank, rerankUsage } from './rerank.ts';
import { TEST_MODEL } from './test-model.ts';

const request = { query: 'abc', documents: ['one', 'two words', ''], topN: undefined, extra: {} };
const ranked = [{ index: 0, score: 1 }];
const price = { ...TEST_MODEL.price, input: 1_000_000n, perSearch: 0n };
const model = { ...TEST_MODEL, contextWindow: null, price };
const noted: string[] = [];
const used = (answer: Partial<Parameters<typeof rerankUsage>[0]>, priced = price) =>
  rerankUsage(
    { ranked, usage: undefined, searchUnits: undefined, ...answer },
    request,
    { ...model, price: priced },
    (doubt) => noted.push(doubt),
  );

test('a query is held for with each document, and search units with each hundred', () => {
  const plan = planRerank([model], request);
  assert.equal(plan.tokenBound, 3 * (64 + 3) + 3 + 9);
  const bySearch = { ...model, price: { ...price, input: 0n, perSearch: 5n } };
  assert.equal(planRerank([bySearch], request).holdAmount, 5n);
  assert.equal(planRerank([bySearch], { ...request, documents: Array(101).fill('x') }).holdAmount, 10n);
  assert.equal(planRerank([bySearch], { ...request, documents: ['x'.repeat(60_000)] }).holdAmount, 10n);
});

test('what the provider counted is charged, tokens or search units', () => {
  assert.equal(used({ usage: readUsage({ total_tokens: 9 }) }).promptTokens, 9);
  const bySearch = { ...price, input: 0n, perSearch: 5n };
  const units = used({ searchUnits: 2 }, bySearch);
  assert.deepEqual([units.searches, units.promptTokens, units.estimated], [2, 0, false]);
  assert.deepEqual(noted, []);
});

test('a count that is missing and has a price is ours, and marked', () => {
  const missing = used({});
  assert.ok(missing.estimated && missing.doubt === 'missing' && missing.promptTokens > 3);
  const free = used({}, { ...price, input: 0n });
  assert.deepEqual([free.estimated, free.promptTokens], [false, 0]);
  const bySearch = used({}, { ...price, input: 0n, perSearch: 5n });
  assert.deepEqual([bySearch.searches, bySearch.estimated], [1, true]);
  assert.equal(used({ usage: readUsage({ total_tokens: 19_000_000 }) }).doubt, 'too-large');
  assert.equal(used({ usage: readUsage({ prompt_tokens: -1, total_tokens: 1 }) }).doubt, 'impossible');
});

test('of long documents only a share is counted, so that no other call waits', () => {
  const documents = [Array.from({ length: 40_000 }, (_, index) => `line ${index * index}`).join(' ')];
  const answer = { ranked, usage: undefined, searchUnits: undefined };
  const usage = rerankUsage(answer, { query: '', documents, topN: undefined, extra: {} }, { ...model, price }, () => 0);
  const exact = countTokens(documents[0] ?? '');
  assert.notEqual(usage.promptTokens, exact);
  assert.ok(Math.abs(usage.promptTokens - exact) < exact / 20, `${usage.promptTokens} for ${exact}`);
});
