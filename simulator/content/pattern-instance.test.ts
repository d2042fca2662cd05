import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternInstance } from './pattern-instance.ts';
import { seededRandom } from './seeded-random.ts';

test('makes texts that match', () => {
  const patterns = [
    '^\\d{4}-\\d{2}$',
    '^(red|green|blue)+$',
    '^[a-f0-9]{8}$',
    '[^abc]x?y*',
    '^\\$\\d+\\.\\d{2}$',
    '^(?:a|b){2,3}\\w$',
    '.+@.+\\.de',
  ];
  for (const pattern of patterns) {
    for (let seed = 0; seed < 30; seed += 1) {
      const text = patternInstance(pattern, seededRandom(seed));
      assert.ok(text !== undefined, pattern);
      assert.match(text, new RegExp(pattern, 'u'));
    }
  }
});

test('refuses what it does not know', () => {
  for (const pattern of ['^(?=a)a', '(a)\\1', '\\p{L}', '(', '[a']) {
    assert.equal(patternInstance(pattern, seededRandom(1)), undefined, pattern);
  }
});
