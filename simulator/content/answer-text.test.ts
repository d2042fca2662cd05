import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countTokens } from '../../infra/tokens.ts';
import { answerText, firstTokens, reasoningText, streamPieces } from './answer-text.ts';

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

test('an answer is whole sentences on the prompt, in its language, and long enough for a stream', () => {
  const chinese = answerText('请介绍一下长江的历史', 1, 60);
  assert.match(chinese, /^你写的是“请介绍一下长江的历史”，.*。$/u);
  assert.ok(streamPieces(chinese).length > 20);
  assert.match(answerText('Say hello.', 1, 60), /^Hello! [A-Z][^.]*\./);
  assert.match(answerText('What is a "blue\nmoon"?', 1, 60), /^You wrote "What is a blue moon \?", .*\.$/);
  assert.match(answerText('日本語で答えて', 1, 60), /^You wrote "日本語で答えて"/);
  assert.match(answerText('Compare them in a table', 1, 60), /^\| What .*\n\|---\|---\|\n(\| .* \|\n)+\n [A-Z]/);
  assert.match(answerText(' ', 1, 60), /^The prompt is empty/);
  assert.ok(answerText('word'.repeat(10_000), 1, 60).length < 600);
  assert.match(reasoningText('请', 1, 30), /。$/);
});

test('an answer has about as many tokens as were asked for', () => {
  for (const prompt of ['Say hello.', '长江黄河珠江', 'a long question '.repeat(500)]) {
    for (const tokens of [64, 500, 20_000]) {
      const counted = countTokens(answerText(prompt, 5, tokens));
      assert.ok(Math.abs(counted - tokens) < 16 + tokens / 20, `${counted} for ${tokens}`);
    }
  }
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
