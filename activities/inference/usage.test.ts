import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliveredTexts } from './chat.ts';
import { TEST_MODEL } from './test-model.ts';
import { usageOf } from './usage.ts';

const body = { messages: [{ role: 'user', content: 'Tell me about the sea.' }] };
const answer = 'word '.repeat(50);
const candidate = { ...TEST_MODEL, maxTokens: 100 };

/** What is charged and why it is doubted. */
function judged(promptTokens: number, completionTokens: number, texts: readonly string[] = [answer]) {
  const doubts: string[] = [];
  const usage = { promptTokens, completionTokens, cachedTokens: 0, cacheWriteTokens: 0 };
  const judgedUsage = usageOf(body, { usage, texts }, candidate, (doubt) => doubts.push(doubt));
  return { ...judgedUsage, doubts };
}

test('a provider’s count is believed, a little more than was held for too', () => {
  for (const [prompt, completion] of [
    [5, 51],
    [500, 1],
    [5, 250],
  ] as const) {
    const { promptTokens, completionTokens, estimated, doubts } = judged(prompt, completion);
    assert.deepEqual([promptTokens, completionTokens, estimated, doubts], [prompt, completion, false, []]);
  }
});

test('a count of nothing is believed only where nothing was said', () => {
  const { promptTokens, completionTokens, estimated, doubts } = judged(0, 0);
  assert.ok(promptTokens > 5, String(promptTokens));
  assert.deepEqual([completionTokens, estimated, doubts], [51, true, ['too-small']]);
  assert.deepEqual(judged(9, 0, ['']).doubts, []);
});

test('a count far beyond what the call may take is not believed', () => {
  for (const [prompt, completion] of [
    [19_000_000, 7],
    [5, 20_000_000],
    [5, 2_000],
  ] as const) {
    const { promptTokens, completionTokens, estimated, doubts } = judged(prompt, completion);
    assert.ok(promptTokens < 100);
    assert.deepEqual([completionTokens, estimated, doubts], [51, true, ['too-large']]);
  }
});

test('thoughts that a limit does not cover are paid for when they were delivered', () => {
  const { completionTokens, estimated } = judged(5, 5_000, [answer, 'thought '.repeat(4_900)]);
  assert.deepEqual([completionTokens, estimated], [5_000, false]);
});

test('everything that was delivered is counted', () => {
  const message = (fields: object) => ({ choices: [{ index: 0, message: { role: 'assistant', ...fields } }] });
  for (const fields of [
    { content: 'a word' },
    { content: null, reasoning_content: 'a word' },
    { content: '', reasoning: 'a word' },
    { refusal: 'a word' },
    { content: null, function_call: { name: 'f', arguments: '{"a":"word"}' } },
    { content: [{ type: 'text', text: 'a word' }] },
    { tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":"word"}' } }] },
  ]) {
    const texts = deliveredTexts(message(fields));
    assert.ok(
      usageOf(body, { usage: undefined, texts }, candidate, () => undefined).completionTokens >= 2,
      JSON.stringify(fields),
    );
  }
  assert.deepEqual(deliveredTexts(message({ content: null, tool_calls: [] })).join(''), '');
});
