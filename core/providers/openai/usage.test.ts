import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportedUsage } from './usage.ts';

const PLAIN = { promptTokens: 10, completionTokens: 4, cachedTokens: 0, cacheWriteTokens: 0 };
const SENT = { prompt_tokens: 10, completion_tokens: 4 };

test('usage is read under each vendor’s names', () => {
  assert.deepEqual(reportedUsage({ ...SENT, total_tokens: 14, prompt_tokens_details: null }), PLAIN);
  const details = { cached_tokens: 6, cache_creation_input_tokens: 3 };
  const cached = { ...PLAIN, cachedTokens: 6, cacheWriteTokens: 3 };
  assert.deepEqual(reportedUsage({ ...SENT, prompt_tokens_details: details }), cached);
  assert.deepEqual(reportedUsage({ ...SENT, prompt_cache_hit_tokens: 6, prompt_cache_miss_tokens: 4 }), {
    ...PLAIN,
    cachedTokens: 6,
  });
  assert.deepEqual(reportedUsage({ ...SENT, cache_creation_input_tokens: 3 }), { ...PLAIN, cacheWriteTokens: 3 });
});

test('a usage that makes no sense is told as it came, one that is not there is missing', () => {
  for (const wrong of [-1, 1.5, 9_007_199_254_740_991, 20_000_001, '10', {}]) {
    const told = JSON.stringify(wrong);
    assert.deepEqual(reportedUsage({ ...SENT, prompt_tokens: wrong }), { impossible: `[${told},4]` });
    assert.deepEqual(reportedUsage({ ...SENT, completion_tokens: wrong }), { impossible: `[10,${told}]` });
  }
  const long = reportedUsage({ ...SENT, prompt_tokens: 'x'.repeat(5_000) });
  assert.ok(long && 'impossible' in long && long.impossible.length === 100);
  for (const missing of [null, undefined]) {
    assert.equal(reportedUsage({ ...SENT, prompt_tokens: missing }), undefined, `prompt_tokens ${missing}`);
    assert.equal(reportedUsage({ ...SENT, completion_tokens: missing }), undefined, `completion_tokens ${missing}`);
  }
  for (const usage of [undefined, null, 'ten', 10, [], {}]) assert.equal(reportedUsage(usage), undefined);
});

test('cached and written tokens are a part of the prompt, never more', () => {
  const usage = reportedUsage({
    ...SENT,
    prompt_tokens_details: { cached_tokens: 99, cache_creation_input_tokens: 9 },
  });
  assert.deepEqual(usage, { ...PLAIN, cachedTokens: 10, cacheWriteTokens: 0 });
  for (const wrong of [-5, 0.5, 'six', 9_007_199_254_740_991]) {
    assert.deepEqual(reportedUsage({ ...SENT, prompt_tokens_details: { cached_tokens: wrong } }), PLAIN, `${wrong}`);
  }
});
