import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { isJsonType, type NumberReading, parseJson } from './json.ts';

const parse = (text: string, numbers: NumberReading = 'plain'): unknown => parseJson(Buffer.from(text), numbers);

function refusal(text: string | Buffer, numbers: NumberReading = 'plain'): AppError {
  try {
    parseJson(Buffer.from(text), numbers);
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error;
  }
  return assert.fail(`accepted: ${String(text).slice(0, 80)}`);
}

test('an empty body and a blank one are an empty object', () => {
  assert.deepEqual(parse(''), {});
  assert.deepEqual(parse(' \r\n'), {});
});

test('text that is no JSON or no UTF-8 is malformed', () => {
  for (const text of ['{', '{"a":1,}', 'undefined', '{"a":NaN}', "{'a':1}"]) {
    assert.equal(refusal(text).kind, 'malformedBody', text);
  }
  assert.equal(refusal(Buffer.from([0x22, 0xff, 0x22])).kind, 'malformedBody');
  assert.equal(refusal(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])).kind, 'malformedBody', 'a surrogate in UTF-8');
});

test('exact reading keeps long numbers as their source text, plain reading does not', () => {
  const text =
    '{"amount":0.1234567890123456789,"big":[12345678901234567890],"short":1.5,"tiny":1e-9,"zero":0.00000000000000001}';
  assert.deepEqual(parse(text, 'exact'), {
    amount: '0.1234567890123456789',
    big: ['12345678901234567890'],
    short: 1.5,
    tiny: 1e-9,
    zero: 1e-17,
  });
  assert.deepEqual(parse('{"amount":12345678901234567890}'), { amount: 12345678901234567000 });
});

test('a __proto__ key is refused and named, however it is written', () => {
  for (const text of [
    '{"a":[{"__proto__":{"x":1}}]}',
    '{"a":[{"\\u005f_proto__":1}]}',
    '{"a":[{"__pr\\u006fto__":1}]}',
  ]) {
    const error = refusal(text);
    assert.equal(error.kind, 'invalidParameter');
    assert.equal(error.details.errors?.[0]?.path, 'a.0.__proto__');
  }
  assert.equal(refusal('{"__proto__":1}', 'exact').kind, 'invalidParameter');
});

test('unpaired surrogates are refused and their field is named, or become U+FFFD where a route repairs texts', () => {
  assert.equal(refusal('{"a":{"b":["x","\\ud800"]}}').details.errors?.[0]?.path, 'a.b.1');
  assert.equal(refusal('"\\ud83d"').kind, 'invalidParameter');
  const repaired = (text: string) => parseJson(Buffer.from(text), 'plain', 'repaired');
  assert.deepEqual(repaired('{"a":{"b":["x","cut \\ud800 here",["\\udc00"]]}}'), {
    a: { b: ['x', 'cut \ufffd here', ['\ufffd']] },
  });
  assert.equal(refusal('{"a":{"\\udc00":1}}').details.errors?.[0]?.path, 'a.(name)');
  assert.equal(repaired('"\\ud83d"'), '\ufffd');
  assert.deepEqual(parse('{"a":"\\ud83d\\ude00"}'), { a: '😀' });
});

test('names that every object has by itself are no fields of a body; in what a field holds they are data', () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty', '__defineGetter__']) {
    assert.equal(refusal(`{"${name}":1}`).details.errors?.[0]?.path, name);
    assert.equal(Object.hasOwn(Object(Reflect.get(Object(parse(`{"a":{"${name}":1}}`)), 'a')), name), true);
  }
});

test('too much structure is refused before it is parsed, and the field is named', () => {
  const cases: [string, string, RegExp][] = [
    [`{"b":"}","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'a', /nested deeper than 100/],
    [`{"b":1,"a":["",${'"",'.repeat(100_001)}1]}`, 'a', /over 100000 values/],
    [`{"b":1,"a":[${'1,'.repeat(500_001)}1]}`, 'a', /over 500000 numbers/],
    [`{"b":1,"a":[${'1, '.repeat(500_001)}1]}`, 'a', /over 500000 numbers/],
    [`[${'[],'.repeat(100_001)}1]`, '', /over 100000 values/],
    [`{"a":{"${'k'.repeat(501)}":1}}`, 'a', /a field whose name is longer than 500/],
    [`{"a":1${' '.repeat(4_000_001)}}`, 'a', /over 4000000 bytes outside of texts/],
  ];
  for (const [text, path, message] of cases) {
    for (const numbers of ['plain', 'exact'] as const) {
      const error = refusal(text, numbers);
      assert.equal(error.details.errors?.[0]?.path, path);
      assert.match(error.message, message);
    }
  }
});

test('what is as large but no structure is taken', () => {
  const text = `${'['.repeat(98)}{"a":"${'[{,:'.repeat(300_000)}\\\\","${'n'.repeat(500)}":["\\"",${'"",'.repeat(99_000)}${'1,'.repeat(300_000)}1]}${']'.repeat(98)}`;
  assert.doesNotThrow(() => parse(text));
});

test('a text ends at its own quote, however many backslashes and however long a text come before', () => {
  const deep = '['.repeat(101);
  for (const inside of [
    '\\\\',
    'x'.repeat(300),
    `${'x'.repeat(300)}\\"`,
    `${'\\"'.repeat(300)}`,
    `${'x'.repeat(300)}\\\\`,
  ]) {
    assert.doesNotThrow(() => parse(`["${inside}${deep}"]`), inside.slice(-5));
    assert.match(refusal(`["${inside}",${deep}`).message, /nested deeper/, inside.slice(-5));
  }
});

test('JSON types are told from others', () => {
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset=UTF8',
    'application/problem+json',
  ]) {
    assert.equal(isJsonType(type), true, type);
  }
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=gbk',
    'application/jsonx',
  ]) {
    assert.equal(isJsonType(type), false, type);
  }
  assert.equal(isJsonType(undefined), true);
});
