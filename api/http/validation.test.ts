import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { statusOf } from '../../infra/error-answers.ts';
import { AppError } from '../../infra/errors.ts';
import { inputOf } from './validation.ts';

const schema = z.object({
  name: z.string().min(3),
  age: z.number().int().optional(),
  status: z.union([z.literal(0), z.literal('0')]).optional(),
  tags: z.array(z.string()).optional(),
});

const lenient = inputOf(schema, 'ignored');

function refusal(value: unknown): AppError {
  try {
    lenient.parse(value);
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error;
  }
  return assert.fail('accepted');
}

test('input that fits is given back, unknown fields left out', () => {
  assert.deepEqual(lenient.parse({ name: 'abc', other: 1 }), { name: 'abc' });
});

test('each way to be wrong has its code, and the field is named', () => {
  const cases: [unknown, number, string][] = [
    [{}, 400002, 'name'],
    [{ name: 5 }, 400004, 'name'],
    [{ name: 'ab' }, 400001, 'name'],
    [{ name: 'abc', age: 1.5 }, 400004, 'age'],
    [{ name: 'abc', tags: ['a', 5] }, 400004, 'tags.1'],
    [{ name: 'abc', status: 7 }, 400001, 'status'],
    [[], 400004, ''],
    [null, 400004, ''],
    ['text', 400004, ''],
  ];
  for (const [value, code, path] of cases) {
    const error = refusal(value);
    assert.equal(error.code, code, JSON.stringify(value));
    assert.equal(error.details.errors?.[0]?.path, path, JSON.stringify(value));
    assert.equal(statusOf(error.kind), 400);
  }
});

test('all wrong fields are listed, and the message names them', () => {
  const error = refusal({ age: 'x' });
  assert.deepEqual(
    error.details.errors?.map(({ path }) => path),
    ['name', 'age'],
  );
  assert.match(error.message, /name: is required; age: must be/);
});

test('unknown fields are named where they are refused, also inside of fields', () => {
  const strict = inputOf(
    z.object({ a: z.object({ b: z.number() }).optional(), c: z.record(z.string(), z.unknown()) }),
    'refused',
  );
  assert.doesNotThrow(() => strict.parse({ a: { b: 1 }, c: { anything: 1 } }));
  assert.throws(() => strict.parse({ c: {}, constructor: 1 }), /^AppError: constructor: is not a field/);
  assert.throws(() => strict.parse({ a: { b: 1, d: 1 }, c: {} }), /^AppError: a\.d: is not a field/);
  assert.deepEqual(strict.parse({ c: {}, d: 1 }, 'ignored'), { c: {} });
});

test('bounds are checked before elements and patterns, which are then not looked at', () => {
  let looks = 0;
  const looked = z
    .string()
    .max(5)
    .refine(() => {
      looks += 1;
      return true;
    });
  const bounded = inputOf(
    z.object({
      list: z.array(looked).max(3).optional(),
      text: looked.nullish(),
      either: z.union([z.number(), looked]).optional(),
      map: z
        .record(z.string().max(2), looked)
        .meta({ maxProperties: 2 })
        .refine(() => true)
        .optional(),
    }),
    'ignored',
  );
  const long = 'x'.repeat(6);
  const cases: [object, string][] = [
    [{ list: ['a', 'b', 'c', 'd'] }, 'list'],
    [{ list: ['a', long] }, 'list.1'],
    [{ text: long }, 'text'],
    [{ either: long }, 'either'],
    [{ map: { a: long } }, 'map.a'],
    [{ map: { abc: 'a' } }, 'map.abc'],
    [{ map: { a: 'a', b: 'a', c: 'a' } }, 'map'],
  ];
  for (const [value, path] of cases) {
    assert.throws(() => bounded.parse(value), new RegExp(`^AppError: ${path}: must have at most`), path);
  }
  assert.equal(looks, 0);
  assert.doesNotThrow(() => bounded.parse({ list: ['a'], text: null, either: 5, map: { a: 'a' } }));
});

test('an object that takes unknown fields takes so many', () => {
  const body = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 1]));
  const open = inputOf(z.looseObject({}), 'ignored');
  assert.equal(open.json.maxProperties, 500);
  assert.doesNotThrow(() => open.parse(body(500)));
  assert.throws(() => open.parse(body(501)), /must have at most 500 fields/);
});

test('of very many wrong fields twenty are reported, and that there may be more', () => {
  const many = inputOf(z.object({ list: z.array(z.number()).max(10_000) }), 'ignored');
  assert.throws(
    () => many.parse({ list: Array.from({ length: 10_000 }, () => 'x') }),
    (error) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.details.errors?.length, 20);
      return /there may be more$/.test(error.message);
    },
  );
});

test('what is expected is said in words', () => {
  assert.match(refusal({ name: 'ab' }).message, /name: must have at least 3 characters/);
  assert.match(refusal({ name: 'abc', status: 7 }).message, /status: has a form that is not accepted|must be one of/);
});

test('a value from the caller is not repeated in the message', () => {
  assert.equal(refusal({ name: 'abc', age: 'canary-value' }).message.includes('canary'), false);
});
