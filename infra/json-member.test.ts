import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withMember } from './json-member.ts';

test('only the member of the object itself is changed, and no other byte', () => {
  const text =
    '{ "id":1.0, "content":[{"model":"a","input":{"model":"b"}}, "\\"model\\":\\"c\\""],\n "model" : "old\\"", "x":"model" }';
  assert.equal(withMember(text, 'model', 'new"'), text.replace('"old\\""', '"new\\""'));
});

test('a member that is missing or no text is left alone, one that is there twice is changed twice', () => {
  for (const text of ['{}', '{"model":null,"a":["model"]}', '{"a":{"model":"x"}}', '{"model":{"model":"x"}}']) {
    assert.equal(withMember(text, 'model', 'new'), text);
  }
  assert.equal(withMember('{"model":"a","model":"b"}', 'model', 'c'), '{"model":"c","model":"c"}');
});
