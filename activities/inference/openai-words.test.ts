import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_USAGE } from '../../core/ledger/money.ts';
import {
  type Charged,
  chunkInOpenAiWords,
  completionInOpenAiWords,
  usageChunk,
  usageInOpenAiWords,
} from './openai-words.ts';

const CHARGED: Charged = {
  cost: 1_500_000_007n,
  priceRule: null,
  usage: {
    ...NO_USAGE,
    promptTokens: 10,
    cachedTokens: 3,
    cacheWriteTokens: 2,
    completionTokens: 4,
    reasoningTokens: 1,
  },
};
const COUNTS = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 };
const DETAILS = {
  prompt_tokens_details: { cached_tokens: 3, cache_write_tokens: 2 },
  completion_tokens_details: { reasoning_tokens: 1 },
};
const USAGE = { ...COUNTS, ...DETAILS };

test("a vendor's words for the end of a choice become OpenAI's, what is theirs already stays", () => {
  const reasons = { stop: 'stop', max_tokens: 'length', MAX_TOKENS: 'length', tool_use: 'tool_calls', eos: 'stop' };
  const others = { sensitive: 'content_filter', SAFETY: 'content_filter', tool_calls: 'tool_calls', STOP: 'stop' };
  for (const [word, expected] of Object.entries({ ...reasons, ...others })) {
    const said = { model: 'upstream', choices: [{ finish_reason: word, index: 0 }], usage: USAGE };
    const whole = completionInOpenAiWords(said, 'asked', USAGE);
    assert.deepEqual(whole, { ...said, model: 'asked', choices: [{ finish_reason: expected, index: 0 }] }, word);
    const chunk = chunkInOpenAiWords(
      JSON.stringify({ model: 'upstream', choices: [{ finish_reason: word }] }),
      'asked',
    );
    assert.deepEqual(JSON.parse(chunk), { model: 'asked', choices: [{ finish_reason: expected }] }, word);
  }
  assert.deepEqual(completionInOpenAiWords({ choices: [{ finish_reason: null }] }, 'm', USAGE).choices, [
    { finish_reason: null },
  ]);
});

test('what the answer itself says is never changed, and a name with any character fits in', () => {
  const said = { content: '{"model":"x","finish_reason":"eos"} $& "' };
  const name = 'my "model" $1';
  const chunk = JSON.stringify({ id: 'c', choices: [{ delta: said, finish_reason: null }], model: 'up\\stream"' });
  const changed = JSON.parse(chunkInOpenAiWords(chunk, name));
  assert.deepEqual(changed, { id: 'c', choices: [{ delta: said, finish_reason: null }], model: name });
});

test('an answer shows the usage that was charged, in integers, whatever the vendor wrote', () => {
  const reported = (usage: unknown) => usageInOpenAiWords(usage, CHARGED, undefined);
  for (const wrong of [undefined, null, 'many', [], {}, { prompt_tokens: '10', completion_tokens: [] }]) {
    assert.deepEqual(reported(wrong), USAGE, JSON.stringify(wrong));
  }
  assert.deepEqual(reported({ ...COUNTS, total_tokens: 838, completion_tokens_details: null }), USAGE);
  assert.deepEqual(reported({ ...COUNTS, cost: 0.2, cost_details: { upstream_inference_cost: 0.1 } }), USAGE);
  assert.deepEqual(reported({ input_tokens: 10, output_tokens: 4 }), { input_tokens: 10, output_tokens: 4, ...USAGE });
  const said = { ...COUNTS, prompt_tokens_details: { cached_tokens: 9, audio_tokens: 1 }, queue_time: 0.5 };
  const details = { audio_tokens: 1, ...DETAILS.prompt_tokens_details };
  assert.deepEqual(reported(said), { queue_time: 0.5, ...USAGE, prompt_tokens_details: details });
});

test('an answer shows its cost exactly, in its currency, and the rule of the price', () => {
  const reported = usageInOpenAiWords({ cost: 99, cost_details: { upstream: 1 } }, CHARGED, { currency: 'CNY' });
  assert.ok(
    JSON.stringify(reported).endsWith('"cost":1.500000007,"cost_details":{"currency":"CNY"}}'),
    JSON.stringify(reported),
  );
  const ruled = usageInOpenAiWords({}, { ...CHARGED, priceRule: 'off-peak' }, { currency: 'USD' });
  assert.deepEqual(ruled.cost_details, { currency: 'USD', price_rule: 'off-peak' });
});

test('a chunk for the usage is of the answer that it counts', () => {
  const chunk = usageChunk({ id: 'c', created: 7, choices: [{}] }, 'asked', USAGE);
  const head = { id: 'c', object: 'chat.completion.chunk', created: 7, model: 'asked' };
  assert.deepEqual(chunk, { ...head, choices: [], usage: USAGE });
});
