import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkInOpenAiWords, completionInOpenAiWords, usageChunk } from './openai-words.ts';

const CHARGED = { promptTokens: 10, completionTokens: 4 };
const USAGE = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 };

test("a vendor's words for the end of a choice become OpenAI's, what is theirs already stays", () => {
  const reasons = { stop: 'stop', max_tokens: 'length', MAX_TOKENS: 'length', tool_use: 'tool_calls', eos: 'stop' };
  const others = { sensitive: 'content_filter', SAFETY: 'content_filter', tool_calls: 'tool_calls', STOP: 'stop' };
  for (const [word, expected] of Object.entries({ ...reasons, ...others })) {
    const said = { model: 'upstream', choices: [{ finish_reason: word, index: 0 }], usage: USAGE };
    const whole = completionInOpenAiWords(said, 'asked', CHARGED);
    assert.deepEqual(whole, { ...said, model: 'asked', choices: [{ finish_reason: expected, index: 0 }] }, word);
    const chunk = chunkInOpenAiWords(
      JSON.stringify({ model: 'upstream', choices: [{ finish_reason: word }] }),
      'asked',
    );
    assert.deepEqual(JSON.parse(chunk), { model: 'asked', choices: [{ finish_reason: expected }] }, word);
  }
  assert.deepEqual(completionInOpenAiWords({ choices: [{ finish_reason: null }] }, 'm', CHARGED).choices, [
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

test('a whole answer tells the usage that was charged, in integers, whatever the vendor wrote', () => {
  const told = (usage: unknown) => completionInOpenAiWords({ choices: [], usage }, 'm', CHARGED).usage;
  const details = { prompt_tokens_details: { cached_tokens: 3 }, cost: 1 };
  assert.deepEqual(told({ ...USAGE, ...details, x_details: null }), { ...USAGE, ...details, x_details: null });
  for (const wrong of [undefined, null, 'many', [], {}, { prompt_tokens: '10', completion_tokens: [] }]) {
    assert.deepEqual(told(wrong), USAGE, JSON.stringify(wrong));
  }
  const zeros = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  assert.deepEqual(told({ ...zeros, ...details, completion_tokens_details: null }), { ...USAGE, ...details });
  assert.deepEqual(told({ ...USAGE, total_tokens: 838 }), USAGE);
  assert.deepEqual(told({ input_tokens: 10, output_tokens: 4 }), { input_tokens: 10, output_tokens: 4, ...USAGE });
});

test('a chunk for the usage is of the answer that it counts', () => {
  const chunk = usageChunk({ id: 'c', created: 7, choices: [{}] }, 'asked', CHARGED);
  const head = { id: 'c', object: 'chat.completion.chunk', created: 7, model: 'asked' };
  assert.deepEqual(JSON.parse(chunk), { ...head, choices: [], usage: USAGE });
});
