import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { NO_USAGE } from '../ledger/money.ts';
import { costOf, NO_RATES } from '../ledger/price.ts';
import type { CountedTokens } from './provider.ts';
import { readUsage, UsageCollector, usageOfAnswer } from './usage.ts';

const body = z.record(z.string(), z.unknown());
const recorded = z.array(
  z.object({
    vendor: z.string(),
    source: z.string(),
    answer: body.optional(),
    chunks: z.array(body).optional(),
    counts: body,
    /** In nano-units, at prices of 1,000 (cached 100, written 1,250, for an hour 2,000) and 10,000 a token. */
    cost: z.string(),
  }),
);
const USAGES = recorded.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, '__fixtures__', 'usages.json'), 'utf8')),
);

const NOTHING: CountedTokens = {
  ...{ promptTokens: 0, completionTokens: 0, cachedTokens: 0, cacheWriteTokens: 0, hourCacheWriteTokens: 0 },
  ...{ reasoningTokens: 0, searches: 0, serviceTier: null, unexplainedTokens: 0, isPartial: false, impossible: null },
};
const PRICE = {
  ...NO_RATES,
  id: 1,
  input: 1_000_000_000n,
  output: 10_000_000_000n,
  cachedInput: 100_000_000n,
  cacheWrite: 1_250_000_000n,
  hourCacheWrite: 2_000_000_000n,
};

function streamed(chunks: readonly z.infer<typeof body>[]) {
  const collector = new UsageCollector();
  for (const chunk of chunks) collector.add(chunk, JSON.stringify(chunk).includes('"content":"h'));
  return collector.usage();
}

describe('usage as vendors write it', () => {
  for (const { vendor, answer, chunks = [], counts, cost } of USAGES) {
    test(vendor, () => {
      const usage = answer ? usageOfAnswer(answer) : streamed(chunks);
      assert.deepEqual(usage, { ...NOTHING, ...counts });
      assert.equal(costOf(PRICE, { ...NO_USAGE, ...usage }), BigInt(cost));
    });
  }
});

const PLAIN = { ...NOTHING, promptTokens: 10, completionTokens: 4 };
const SENT = { prompt_tokens: 10, completion_tokens: 4 };

test('what is no count is reported as it came and counts as nothing, what is one stands', () => {
  for (const wrong of [-1, 1.5, 9_007_199_254_740_991, 20_000_001, '10', {}, [], true]) {
    const reported = JSON.stringify(wrong);
    const noPrompt = readUsage({ ...SENT, prompt_tokens: wrong });
    assert.deepEqual(noPrompt, { ...PLAIN, promptTokens: 0, impossible: `[${reported},4]` });
    const noCompletion = readUsage({ ...SENT, completion_tokens: wrong });
    const half = { ...PLAIN, completionTokens: 0, isPartial: true };
    assert.deepEqual(noCompletion, { ...half, impossible: `[10,${reported}]` });
  }
  const long = readUsage({ ...SENT, prompt_tokens: 'x'.repeat(5_000) });
  assert.equal(long?.impossible?.length, 100);
});

test('a usage that is not there is missing, a total alone is reported as one', () => {
  for (const usage of [undefined, null, 'ten', 10, [], {}, { total_tokens: 0 }, { total_tokens: null }]) {
    assert.equal(readUsage(usage), undefined, JSON.stringify(usage));
  }
  const alone = { ...NOTHING, unexplainedTokens: 14, isPartial: true };
  assert.deepEqual(readUsage({ total_tokens: 14 }), alone);
  assert.deepEqual(readUsage({ total_tokens: 14, prompt_tokens: null, completion_tokens: null }), alone);
  for (const zeros of [{ prompt_tokens: 0 }, { completion_tokens: 0 }, { prompt_tokens: 0, completion_tokens: 0 }]) {
    assert.deepEqual(readUsage({ total_tokens: 14, ...zeros }), alone, JSON.stringify(zeros));
  }
});

test('a usage with one half of its counts is that half, and told to be', () => {
  for (const missing of [null, undefined]) {
    assert.deepEqual(readUsage({ ...SENT, prompt_tokens: missing }), { ...PLAIN, promptTokens: 0 });
    const noCompletion = readUsage({ ...SENT, completion_tokens: missing });
    assert.deepEqual(noCompletion, { ...PLAIN, completionTokens: 0, isPartial: true });
  }
});

test('what is no count among the parts is none', () => {
  for (const wrong of [-5, 0.5, 'six', 9_007_199_254_740_991, null]) {
    const details = { cached_tokens: wrong, cache_write_tokens: wrong };
    const thoughts = { reasoning_tokens: wrong };
    const usage = { ...SENT, prompt_tokens_details: details, completion_tokens_details: thoughts };
    assert.deepEqual(readUsage(usage), PLAIN, `${wrong}`);
  }
});

test('a count from before the end of an answer is known not to have counted it', () => {
  const collector = new UsageCollector();
  collector.add({ usage: { prompt_tokens: 10, completion_tokens: 1 } }, true);
  assert.deepEqual(collector.usage(), { ...PLAIN, completionTokens: 1 });
  collector.add({}, true);
  assert.deepEqual(collector.usage(), { ...PLAIN, completionTokens: 1, isPartial: true });
  collector.add({ usage: { completion_tokens: 4 } }, false);
  assert.deepEqual(collector.usage(), PLAIN);
});

test('a usage that counts nothing has not counted the answer before it', () => {
  for (const nothing of [
    {},
    { prompt_tokens: 10 },
    { completion_tokens: 0, total_tokens: 0 },
    { total_tokens: null },
  ]) {
    const collector = new UsageCollector();
    collector.add({ usage: { prompt_tokens: 10, completion_tokens: 1 } }, true);
    collector.add({ usage: nothing }, true);
    collector.add({ usage: nothing }, false);
    assert.deepEqual(collector.usage(), { ...PLAIN, completionTokens: 1, isPartial: true }, JSON.stringify(nothing));
  }
});

test('a last usage that counts nothing does not undo what was counted before', () => {
  const collector = new UsageCollector();
  collector.add({ usage: { ...SENT, total_tokens: 14 } }, true);
  collector.add({ usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }, false);
  collector.add({ usage: null }, false);
  collector.add({ usage: { prompt_tokens: -1, completion_tokens: 'many', total_tokens: {} } }, false);
  assert.deepEqual(collector.usage(), PLAIN);
});

test('a tier is read in lower case, and not when it is no name', () => {
  assert.equal(readUsage(SENT, 'Priority')?.serviceTier, 'priority');
  for (const wrong of ['', 'x'.repeat(41), 7, null]) {
    assert.equal(readUsage(SENT, wrong)?.serviceTier, null, JSON.stringify(wrong));
  }
});
