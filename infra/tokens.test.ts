import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { countTokens as countUnsliced } from 'gpt-tokenizer/encoding/o200k_base';
import { countTokens, estimateTokens, estimateTokensInTurns, textSlices } from './tokens.ts';

test('text with spaces counts as the unsliced encoder counts it', () => {
  const text = 'The quick brown fox, 1234 times over:\n  the "lazy" dog. '.repeat(60);
  assert.equal(countTokens(text), countUnsliced(text));
});

test('slices are short, whole characters, and join to the text', () => {
  for (const text of ['', 'a', '你好世界'.repeat(900), '😀'.repeat(700), `x${'😀'.repeat(700)}`, 'word '.repeat(400)]) {
    const slices = [...textSlices(text)];
    assert.equal(slices.join(''), text);
    for (const slice of slices) {
      assert.ok(slice.length <= 500);
      assert.ok(slice.isWellFormed());
    }
  }
});

test('long text without spaces is counted within a token per slice, quickly', () => {
  const text = '价格包含税费和运输成本'.repeat(1000);
  const startedAt = performance.now();
  const tokens = countTokens(text);
  assert.ok(performance.now() - startedAt < 2_000, 'counting 11,000 characters must not block for seconds');
  const oneSlice = countTokens('价格包含税费和运输成本');
  assert.ok(Math.abs(tokens - oneSlice * 1000) <= oneSlice * 1000 * 0.1);
});

test('control token names in a text are counted as text', () => {
  assert.ok(countTokens('<|endoftext|>') > 1);
});

test('of long texts a share is counted, of short ones all', () => {
  const short = ['The quick brown fox', '', '灯塔'];
  assert.deepEqual(estimateTokens(short), short.map(countTokens));
  // What is dense may stand anywhere.
  for (const long of [' a'.repeat(100_000) + ' '.repeat(200_000), `${' '.repeat(200_000)}${' a'.repeat(100_000)}`]) {
    const [estimate = 0] = estimateTokens([long]);
    assert.ok(Math.abs(estimate - countTokens(long)) < 5_000, String(estimate));
  }
  const [exact = 0] = estimateTokens([' a'.repeat(150_000)], 300_000);
  assert.equal(exact, 150_000);
  const [first = 0, ...others] = estimateTokens(Array(5).fill('The lazy dog. '.repeat(20_000)));
  assert.ok(Math.abs(first - 80_000) < 800, String(first));
  assert.deepEqual(others, Array(4).fill(first));
});

test('a text that is counted in turns has the same estimate, and other work goes on beside it', async () => {
  for (const text of ['', 'The quick brown fox', '灯塔'.repeat(9_000), 'lazy dog '.repeat(100_000)]) {
    assert.equal(await estimateTokensInTurns(text), estimateTokens([text])[0]);
  }
  let turns = 0;
  let isCounting = true;
  const counted = estimateTokensInTurns('word '.repeat(1_000_000)).finally(() => {
    isCounting = false;
  });
  while (isCounting) {
    turns += 1;
    await setImmediate();
  }
  assert.ok((await counted) > 900_000);
  assert.ok(turns >= 10, String(turns));
});
