import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countTokens } from '../../tokens.ts';
import { answerText, firstTokens, streamPieces } from './answer-text.ts';

test('the pieces of a stream join to the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(streamPieces(text).join(''), text);
    }),
  );
});

test('the same prompt and seed give the same answer, another seed another', () => {
  const prompt = 'Describe the old harbour of Hamburg in three sentences';
  assert.equal(answerText(prompt, 7, 80), answerText(prompt, 7, 80));
  assert.notEqual(answerText(prompt, 7, 80), answerText(prompt, 8, 80));
});

test('the answer is in the language of the prompt and long enough for a stream', () => {
  const answer = answerText('请介绍一下长江的历史', 1, 60);
  assert.match(answer, /^\p{Script=Han}/u);
  assert.ok(streamPieces(answer).length > 20);
  assert.ok(answerText('', 1, 60).length > 0);
});

test('a length limit in tokens is kept exactly', () => {
  for (const prompt of ['one two three four five six', '长江黄河珠江', 'ab😀cd 👩‍👩‍👧 ef']) {
    const text = answerText(prompt, 3, 100);
    for (const limit of [1, 2, 7, 30]) {
      const cut = firstTokens(text, limit);
      assert.ok(text.startsWith(cut));
      assert.ok(countTokens(cut) <= limit);
      assert.ok(cut.isWellFormed());
    }
  }
  assert.equal(firstTokens('short', 50), 'short');
});
