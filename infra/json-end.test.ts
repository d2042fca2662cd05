import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonObjectEnd } from './json-end.ts';

/** After which of its characters a text is a whole object. */
function wholeAfter(text: string): number[] {
  const end = new JsonObjectEnd();
  return Array.from(text, (character, index) => {
    end.add(character);
    return end.isWhole ? index + 1 : 0;
  }).filter((length) => length > 0);
}

test('an object is whole at its last bracket, and with space around it', () => {
  for (const text of ['{}', '{"a":{"b":[1,{"c":2}]}}', '{"a":"}{\\"}\\\\"}', ' \n{"海":"[😀"}']) {
    assert.deepEqual(wholeAfter(text), [text.length - (text.includes('😀') ? 1 : 0)], text);
  }
  assert.deepEqual(wholeAfter('{} \n'), [2, 3, 4]);
});

test('what is broken, no object, or more than one is never whole at its end', () => {
  for (const text of ['{bad}', '[{}]', '"{}"', '1', '{"a":1]', '{]}', '}{}', '{"a":"']) {
    assert.deepEqual(wholeAfter(text), [], text);
  }
  assert.deepEqual(wholeAfter('{} {"a":1}'), [2, 3]);
  assert.deepEqual(wholeAfter('{}}'), [2]);
});

test('pieces may be cut anywhere', () => {
  const end = new JsonObjectEnd();
  for (const piece of ['{"a', '":"x\\', '"y', '"', ',"b":[', '{}', ']', '}']) {
    assert.equal(end.isWhole, false);
    end.add(piece);
  }
  assert.equal(end.isWhole, true);
  assert.equal(end.text, '{"a":"x\\"y","b":[{}]}');
});
