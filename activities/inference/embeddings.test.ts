import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReportedUsage } from '../../core/providers/provider.ts';
import { readUsage } from '../../core/providers/usage.ts';
import { embeddingUsage, planEmbeddings } from './embeddings.ts';
import { TEST_MODEL } from './test-model.ts';

const request = { input: ['hello world', 'good night'], encoding: 'float', extra: {} } as const;

function used(reported: ReportedUsage) {
  const doubts: string[] = [];
  const { promptTokens, completionTokens, estimated, doubt } = embeddingUsage(reported, request, TEST_MODEL, (noted) =>
    doubts.push(noted),
  );
  assert.deepEqual(doubts, doubt === null ? [] : [doubt]);
  assert.equal(completionTokens, 0);
  return [promptTokens, estimated ?? false, doubt ?? null];
}

test('the provider’s count is charged, or ours where it is none', () => {
  assert.deepEqual(used(readUsage({ prompt_tokens: 5, total_tokens: 5 })), [5, false, null]);
  assert.deepEqual(used(readUsage({ prompt_tokens: 5 })), [5, false, null]);
  assert.deepEqual(used(readUsage({ total_tokens: 6 })), [6, false, null]);
  assert.deepEqual(used(undefined), [4, true, 'missing']);
  assert.deepEqual(used(readUsage({ prompt_tokens: 0, total_tokens: 0 })), [4, true, 'too-small']);
  assert.deepEqual(used(readUsage({ prompt_tokens: -7, total_tokens: -7 })), [4, true, 'impossible']);
  assert.deepEqual(used(readUsage({ prompt_tokens: 900_000, total_tokens: 900_000 })), [900_000, false, 'too-large']);
});

test('held is the most that the texts can count, each at most the context', () => {
  const model = { ...TEST_MODEL, contextWindow: 100 };
  const long = 'x'.repeat(1_000);
  assert.equal(planEmbeddings([model], { ...request, input: long }).tokenBound, 100);
  assert.equal(planEmbeddings([model], { ...request, input: [long, 'ab', '世'] }).tokenBound, 113);
  assert.equal(planEmbeddings([model], { ...request, input: [1, 2, 3] }).tokenBound, 7);
  assert.equal(planEmbeddings([model], { ...request, input: [[1, 2, 3], [4]] }).tokenBound, 12);
});

test('cached tokens and the tier keep their price', () => {
  const reported = readUsage(
    { prompt_tokens: 10, total_tokens: 10, prompt_tokens_details: { cached_tokens: 9 } },
    'priority',
  );
  const usage = embeddingUsage(reported, request, TEST_MODEL, () => undefined);
  assert.deepEqual([usage.promptTokens, usage.cachedTokens, usage.serviceTier], [10, 9, 'priority']);
  const asked = { ...request, extra: { service_tier: 'flex' } };
  assert.equal(embeddingUsage(undefined, asked, TEST_MODEL, () => undefined).serviceTier, 'flex');
});

test('fields that the model reads with each text are held for', () => {
  const extra = { instruction: 'word '.repeat(1_000), messages: [{ content: 'x'.repeat(1_000) }], dimensions: 8 };
  assert.ok(planEmbeddings([TEST_MODEL], { ...request, extra }).tokenBound > 12_000);
});

test('what may change the price is refused', () => {
  const extra = { service_tier: 'priority' };
  assert.throws(() => planEmbeddings([TEST_MODEL], { ...request, extra }), /service_tier|parameters/);
  const rules = (serviceTier: string) => ({ rules: [{ name: 'r', when: { serviceTier }, rates: {} }] });
  const plan = (serviceTier: string) =>
    planEmbeddings([{ ...TEST_MODEL, price: { ...TEST_MODEL.price, ...rules(serviceTier) } }], {
      ...request,
      extra: { service_tier: serviceTier },
    });
  assert.equal(plan('flex').candidates.length, 1);
  assert.throws(() => plan('batch'), /service_tier|parameters/, 'nobody gets the price of a batch by asking for it');
});
