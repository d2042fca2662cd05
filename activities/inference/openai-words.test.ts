import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkInOpenAiWords, completionInOpenAiWords } from './openai-words.ts';

test("a vendor's words for the end of a choice become OpenAI's, what is theirs already stays", () => {
  const reasons = { stop: 'stop', max_tokens: 'length', MAX_TOKENS: 'length', tool_use: 'tool_calls', eos: 'stop' };
  const others = { sensitive: 'content_filter', SAFETY: 'content_filter', tool_calls: 'tool_calls', STOP: 'stop' };
  for (const [word, expected] of Object.entries({ ...reasons, ...others })) {
    const whole = completionInOpenAiWords({ model: 'upstream', choices: [{ finish_reason: word, index: 0 }] }, 'asked');
    assert.deepEqual(whole, { model: 'asked', choices: [{ finish_reason: expected, index: 0 }] }, word);
    const chunk = chunkInOpenAiWords(
      JSON.stringify({ model: 'upstream', choices: [{ finish_reason: word }] }),
      'asked',
    );
    assert.deepEqual(JSON.parse(chunk), { model: 'asked', choices: [{ finish_reason: expected }] }, word);
  }
  assert.deepEqual(completionInOpenAiWords({ choices: [{ finish_reason: null }] }, 'm').choices, [
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
