import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { AppError } from '../infra/errors.ts';
import { parseInput } from './validation.ts';

const schema = z.object({
  name: z.string().min(3),
  age: z.number().int().optional(),
  status: z.union([z.literal(0), z.literal('0')]).optional(),
  tags: z.array(z.string()).optional(),
});

function refusal(value: unknown): AppError {
  try {
    parseInput(schema, value);
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error;
  }
  return assert.fail('accepted');
}

test('input that fits is given back, unknown fields left out', () => {
  assert.deepEqual(parseInput(schema, { name: 'abc', other: 1 }), { name: 'abc' });
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
    assert.equal(error.status, 400);
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

test('what is expected is said in words', () => {
  assert.match(refusal({ name: 'ab' }).message, /name: must have at least 3 characters/);
  assert.match(refusal({ name: 'abc', status: 7 }).message, /status: has a form that is not accepted|must be one of/);
});

test('a value from the caller is not repeated in the message', () => {
  assert.equal(refusal({ name: 'abc', age: 'canary-value' }).message.includes('canary'), false);
});
