import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { MAX_RESULT_BYTES, resultText } from './result-bound.ts';

const chat = z.object({
  assistantMessage: z.string(),
  reasoningContent: z.string().optional(),
  cost: z.number(),
  truncated: z.boolean().optional(),
});
const read = (text: string) => chat.parse(JSON.parse(text));

test('a result that fits is kept as it is', () => {
  const reply = { assistantMessage: 'hello', cost: JSON.rawJSON('0.000000001') };
  assert.equal(resultText(reply), '{"assistantMessage":"hello","cost":0.000000001}');
});

test('a text that is too long is cut, and the result says so', () => {
  const result = read(resultText({ assistantMessage: 'z'.repeat(18_000_000), cost: 1 }));
  assert.equal(result.truncated, true);
  assert.ok(result.assistantMessage.length < MAX_RESULT_BYTES);
  assert.ok(result.assistantMessage.length > MAX_RESULT_BYTES - 1_000, 'no more is cut than must be');
  assert.equal(result.cost, 1);
});

test('bytes are counted as JSON writes them', () => {
  for (const piece of ['界', '"', '\u0000', '😀']) {
    const text = resultText({ assistantMessage: piece.repeat(5_000), cost: 1 }, 1_000);
    assert.ok(Buffer.byteLength(text) <= 1_000 + ',"truncated":true'.length, piece);
    assert.equal(read(text).assistantMessage.isWellFormed(), true, piece);
    assert.ok(Buffer.byteLength(text) > 900, piece);
  }
});

test('the longest text is cut first, a shorter one only when that is not enough', () => {
  const longReasoning = read(
    resultText({ assistantMessage: 'answer', reasoningContent: 'x'.repeat(9_000), cost: 1 }, 1_000),
  );
  assert.equal(longReasoning.assistantMessage, 'answer');
  const both = resultText({ assistantMessage: 'a'.repeat(5_000), reasoningContent: 'x'.repeat(9_000), cost: 1 }, 1_000);
  assert.ok(Buffer.byteLength(both) <= 1_100);
});
