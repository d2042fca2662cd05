import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { SchemaUnsupported, schemaInstance } from './schema-instance.ts';

type Schema = Parameters<typeof schemaInstance>[0];

const SCHEMAS: Record<string, Schema> = {
  'a flat object': {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 12, maxLength: 20 },
      age: { type: 'integer', minimum: 18, maximum: 30 },
    },
    required: ['name', 'age'],
    additionalProperties: false,
  },
  'enums, constants and null': {
    type: 'object',
    properties: { kind: { const: 'invoice' }, state: { enum: ['paid', 'open'] }, note: { type: ['string', 'null'] } },
    required: ['kind', 'state', 'note'],
  },
  arrays: {
    type: 'array',
    items: { type: 'string', enum: ['a', 'b', 'c'] },
    minItems: 3,
    maxItems: 3,
    uniqueItems: true,
  },
  numbers: {
    type: 'object',
    properties: {
      price: { type: 'number', exclusiveMinimum: 0, maximum: 1, multipleOf: 0.01 },
      share: { type: 'number', exclusiveMinimum: 0.1, exclusiveMaximum: 0.2 },
    },
    required: ['price', 'share'],
  },
  'formats and patterns': {
    type: 'object',
    properties: {
      when: { type: 'string', format: 'date-time' },
      id: { type: 'string', format: 'uuid' },
      plate: { type: 'string', pattern: '^[A-Z]{1,3}-[A-Z]{2} \\d{1,4}$' },
    },
    required: ['when', 'id', 'plate'],
  },
  'definitions and choices': {
    $defs: { point: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } },
    type: 'object',
    properties: { at: { $ref: '#/$defs/point' }, either: { anyOf: [{ type: 'string' }, { type: 'integer' }] } },
    required: ['at', 'either'],
  },
};

for (const [name, schema] of Object.entries(SCHEMAS)) {
  test(`satisfies ${name}`, () => {
    const check = z.fromJSONSchema(schema);
    for (let seed = 0; seed < 50; seed += 1) {
      const result = check.safeParse(schemaInstance(schema, seed));
      assert.ok(
        result.success,
        `seed ${seed}: ${JSON.stringify(schemaInstance(schema, seed))} ${result.error?.message}`,
      );
    }
  });
}

test('texts match their patterns', () => {
  const patterns = [
    '^\\d{4}-\\d{2}$',
    '^(red|green|blue)+$',
    '^[a-f0-9]{8}$',
    '[^abc]x?y*',
    '^\\$\\d+\\.\\d{2}$',
    '^(?:a|b){2,3}\\w$',
    '^(?<year>\\d{4})-(0[1-9]|1[0-2])$',
    '.+@.+\\.de',
  ];
  for (const pattern of patterns) {
    for (let seed = 0; seed < 30; seed += 1) {
      const text = String(schemaInstance({ type: 'string', pattern }, seed));
      assert.match(text, new RegExp(pattern, 'u'));
    }
  }
});

test('a recursive schema ends', () => {
  const schema = {
    $defs: {
      node: {
        type: 'object',
        properties: {
          next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
          children: { type: 'array', items: { $ref: '#/$defs/node' } },
        },
        required: ['next', 'children'],
      },
    },
    $ref: '#/$defs/node',
  };
  for (let seed = 0; seed < 20; seed += 1) assert.equal(typeof schemaInstance(schema, seed), 'object');
});

test('says what it cannot make', () => {
  const endless = {
    $defs: { a: { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, required: ['a'] } },
    $ref: '#/$defs/a',
  };
  assert.throws(() => schemaInstance(endless, 0), SchemaUnsupported);
  for (const pattern of ['^(?=a)b', '^(a)\\1$', '^\\p{L}$', '(', '[a', '^[a-z]{1000000}$', '^(a{1000}){1000}$']) {
    assert.throws(() => schemaInstance({ type: 'string', pattern }, 0), SchemaUnsupported, pattern);
  }
  assert.throws(() => schemaInstance({ type: 'array', minItems: 1e9 }, 0), /minItems/);
  assert.throws(() => schemaInstance({ type: 'string', minLength: 1e12 }, 0), /minLength/);
  assert.throws(() => schemaInstance({ $ref: '#/$defs/none' }, 0), /points nowhere/);
  assert.throws(() => schemaInstance({ type: 'integer', minimum: 5, maximum: 4 }, 0), SchemaUnsupported);
});
