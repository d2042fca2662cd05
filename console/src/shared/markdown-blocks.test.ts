import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blocksOf } from './markdown-blocks.ts';

const texts = (text: string) => blocksOf(text).map((block) => block.text);

test('a piece begins after an empty line; code and what is indented stay whole', () => {
  assert.deepEqual(texts('# Head\none\n\ntwo\n \nthree'), ['# Head\none\n\n', 'two\n \n', 'three']);
  const code = '```js\na\n\nb\n```\n';
  assert.deepEqual(texts(`${code}\nafter`), [`${code}\n`, 'after']);
  const inside = '````md\n```\n\na\n```\n\n````\n';
  assert.deepEqual(texts(`${inside}\nafter`), [`${inside}\n`, 'after']);
  assert.deepEqual(texts('```\nstill\n\ncoming'), ['```\nstill\n\ncoming']);
  assert.deepEqual(texts('- a\n\n  more of a\n\nb'), ['- a\n\n  more of a\n\n', 'b']);
});

test('nothing is lost, and what was whole stays the same while the text grows', () => {
  const lines = fc.array(fc.constantFrom('a', '', '- b', '  c', '```', '~~~', '> d', '| e |'), { maxLength: 30 });
  fc.assert(
    fc.property(lines, fc.nat(), (parts, cut) => {
      const text = parts.join('\n');
      const all = texts(text);
      assert.equal(all.join(''), text);
      const before = texts(text.slice(0, cut % (text.length + 1)));
      assert.deepEqual(before.slice(0, -1), all.slice(0, Math.max(0, before.length - 1)));
    }),
  );
});

test('what would hold a browser up or fill its stack is plain, and nothing else', () => {
  const plain = (text: string) => blocksOf(text).some(({ isPlain }) => isPlain);
  assert.ok(plain(`${'> '.repeat(3_000)}x`));
  assert.ok(plain(`${'- '.repeat(600)}x`));
  assert.ok(plain(Array.from({ length: 600 }, (_, depth) => `${' '.repeat(2 * depth)}- x`).join('\n')));
  assert.ok(plain(']'.repeat(5_000)) && plain('*_'.repeat(3_000)) && plain('~a'.repeat(3_000)));
  assert.ok(plain(`| a |\n|---|\n${'| 1 |\n'.repeat(50_000)}`));
  assert.ok(!plain(`| a |\n|---|\n${'| 1 |\n'.repeat(100)}`));
  assert.ok(
    !plain('> > quoted\n\n- a\n  - b\n    - c\n\n**bold** and _so on_ [link](https://example.com) --- *** ___'),
  );
  assert.ok(!plain('word '.repeat(1_000)));
});
