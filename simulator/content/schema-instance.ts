/**
 * A value that satisfies a JSON schema, the same for the same schema and seed: the arguments of tool calls and the
 * answers under `response_format`. Covers what vendors accept there: type, enum, const, properties, items, prefixItems,
 * bounds, formats, patterns, $ref, anyOf, oneOf, allOf. Recursive schemas end at the smallest value that fits.
 */
import { generateSync } from 'json-schema-faker';
import { seededRandom } from './seeded-random.ts';

type Schema = Record<string, unknown>;

interface Generation {
  root: Schema;
  random: () => number;
  depth: number;
}

/** Below this depth only required properties and the fewest items are made. */
const FULL_DEPTH = 4;
const MAX_DEPTH = 64;
/** Items of a list, and characters of a text: a schema that asks for more is refused, as it would be endless work. */
const MOST_ITEMS = 1_000;
const MOST_CHARACTERS = 100_000;

/** @throws SchemaUnsupported when no value can be made; the message says which part of the schema. */
export function schemaInstance(schema: Schema, seed: number): unknown {
  return make(schema, { root: schema, random: seededRandom(seed), depth: 0 });
}

export class SchemaUnsupported extends Error {}

function make(given: Schema, generation: Generation): unknown {
  if (generation.depth > MAX_DEPTH) throw new SchemaUnsupported('the schema requires endless nesting');
  const schema = resolve(given, generation);
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return pick(schema.enum, generation.random);
  switch (typeOf(schema)) {
    case 'object':
      return makeObject(schema, generation);
    case 'array':
      return makeArray(schema, generation);
    case 'string':
      return makeString(schema, generation);
    case 'integer':
      return makeNumber(schema, true, generation);
    case 'number':
      return makeNumber(schema, false, generation);
    case 'boolean':
      return generation.random() < 0.5;
    default:
      return null;
  }
}

/** Follows $ref and merges allOf, anyOf and oneOf into one plain schema. */
function resolve(schema: Schema, generation: Generation): Schema {
  if (typeof schema.$ref === 'string') {
    const { $ref, ...rest } = schema;
    return resolve({ ...lookUp($ref, generation.root), ...rest }, { ...generation, depth: generation.depth + 1 });
  }
  const { allOf, anyOf, oneOf, ...rest } = schema;
  let merged: Schema = rest;
  for (const part of schemas(allOf)) merged = merge(merged, resolve(part, generation));
  const choices = [...schemas(anyOf), ...schemas(oneOf)];
  if (choices.length === 0) return merged;
  if (generation.depth > MAX_DEPTH) throw new SchemaUnsupported('the schema requires endless nesting');
  // Deep down the simplest branch is taken, so that recursion through a branch ends.
  const choice = generation.depth < FULL_DEPTH ? pick(choices, generation.random) : simplest(choices);
  return merge(merged, resolve(choice, { ...generation, depth: generation.depth + 1 }));
}

function lookUp(reference: string, root: Schema): Schema {
  if (!reference.startsWith('#')) throw new SchemaUnsupported(`$ref ${reference} points outside the schema`);
  let found: unknown = root;
  for (const segment of reference.slice(1).split('/').filter(Boolean)) {
    const name = decodeURIComponent(segment).replaceAll('~1', '/').replaceAll('~0', '~');
    found = isSchema(found) ? found[name] : undefined;
  }
  if (!isSchema(found)) throw new SchemaUnsupported(`$ref ${reference} points nowhere`);
  return found;
}

function merge(one: Schema, other: Schema): Schema {
  const merged: Schema = { ...one, ...other };
  if (isSchema(one.properties) && isSchema(other.properties)) {
    merged.properties = { ...one.properties, ...other.properties };
  }
  if (Array.isArray(one.required) && Array.isArray(other.required))
    merged.required = [...one.required, ...other.required];
  return merged;
}

function simplest(choices: Schema[]): Schema {
  const cost = (schema: Schema) => {
    if (schema.$ref !== undefined) return 3;
    return schema.type === 'object' || schema.type === 'array' ? 2 : schema.type === 'null' ? 0 : 1;
  };
  return choices.toSorted((one, other) => cost(one) - cost(other))[0] ?? {};
}

function typeOf(schema: Schema): string {
  if (Array.isArray(schema.type)) return String(schema.type[0]);
  if (typeof schema.type === 'string') return schema.type;
  if (schema.properties !== undefined || schema.required !== undefined) return 'object';
  if (schema.items !== undefined || schema.prefixItems !== undefined) return 'array';
  if (schema.minimum !== undefined || schema.maximum !== undefined) return 'number';
  return 'string';
}

function makeObject(schema: Schema, generation: Generation): Record<string, unknown> {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const required = new Set(Array.isArray(schema.required) ? schema.required.map(String) : []);
  const made: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(properties), ...required])) {
    if (!required.has(name) && generation.depth >= FULL_DEPTH) continue;
    const property = properties[name];
    made[name] = make(isSchema(property) ? property : {}, { ...generation, depth: generation.depth + 1 });
  }
  return made;
}

function makeArray(schema: Schema, generation: Generation): unknown[] {
  const deeper = { ...generation, depth: generation.depth + 1 };
  const made = schemas(schema.prefixItems).map((item) => make(item, deeper));
  const least = atMost(MOST_ITEMS, 'minItems', schema.minItems);
  const most = asNumber(schema.maxItems) ?? Number.POSITIVE_INFINITY;
  const wanted = Math.min(most, Math.max(least, generation.depth < FULL_DEPTH && schema.items !== false ? 2 : 0));
  const item = isSchema(schema.items) ? schema.items : {};
  // A few more tries than items, for uniqueItems over a small enum.
  for (let tries = 0; made.length < wanted && tries < wanted * 20; tries += 1) {
    const next = make(item, deeper);
    const seen = schema.uniqueItems === true && made.some((one) => JSON.stringify(one) === JSON.stringify(next));
    if (!seen) made.push(next);
  }
  if (made.length < least) throw new SchemaUnsupported('uniqueItems asks for more different items than there are');
  return made;
}

const STRING_OF_FORMAT: Record<string, string> = {
  'date-time': '2026-11-24T08:30:00Z',
  date: '2026-11-24',
  time: '08:30:00Z',
  duration: 'PT90S',
  email: 'someone@example.com',
  hostname: 'host.example.com',
  ipv4: '192.0.2.7',
  ipv6: '2001:db8::7',
  uuid: '7f0c1e9a-52d4-4c1b-9a3e-0d6b8f2a4c11',
  uri: 'https://example.com/path',
};

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heron', 'inlet', 'juniper'];

function makeString(schema: Schema, generation: Generation): string {
  if (typeof schema.pattern === 'string') return textLike(schema.pattern, generation);
  const formatted = typeof schema.format === 'string' ? STRING_OF_FORMAT[schema.format] : undefined;
  if (formatted !== undefined) return formatted;
  let made = pick(WORDS, generation.random);
  const least = atMost(MOST_CHARACTERS, 'minLength', schema.minLength);
  while (made.length < least) made += ` ${pick(WORDS, generation.random)}`;
  return made.slice(0, asNumber(schema.maxLength) ?? Math.max(made.length, least)).padEnd(least, 'x');
}

/** @throws SchemaUnsupported for what the generator does not know: look-around, back references, classes of Unicode. */
function textLike(pattern: string, generation: Generation): string {
  const unsupported = new SchemaUnsupported(`pattern ${pattern} is not supported`);
  // {1000000}, which would be as many characters; and a few in each other.
  const repeats = [...pattern.matchAll(/\{(\d+)/g)].reduce(
    (product, [, count]) => product * Math.max(1, Number(count)),
    1,
  );
  if (repeats > MOST_CHARACTERS) throw unsupported;
  try {
    const made = generateSync({ type: 'string', pattern }, { seed: Math.floor(generation.random() * 2 ** 32) });
    if (typeof made === 'string' && new RegExp(pattern, 'u').test(made)) return made;
  } catch {
    throw unsupported;
  }
  throw unsupported;
}

function makeNumber(schema: Schema, whole: boolean, generation: Generation): number {
  const step = asNumber(schema.multipleOf) ?? (whole ? 1 : 0.25);
  const aboveMin = asNumber(schema.exclusiveMinimum);
  const belowMax = asNumber(schema.exclusiveMaximum);
  const minimum = aboveMin !== undefined ? aboveMin + step : asNumber(schema.minimum);
  const maximum = belowMax !== undefined ? belowMax - step : asNumber(schema.maximum);
  const low = Math.ceil((minimum ?? Math.min(0, maximum ?? 0)) / step);
  const high = Math.floor((maximum ?? low * step + 100 * step) / step);
  if (high >= low) return round((low + Math.floor(generation.random() * (high - low + 1))) * step);
  // No multiple of the step between the bounds: any number between them will do, unless multipleOf was asked for.
  if (whole || schema.multipleOf !== undefined) throw new SchemaUnsupported('no number lies between the bounds');
  return ((aboveMin ?? asNumber(schema.minimum) ?? 0) + (belowMax ?? asNumber(schema.maximum) ?? 0)) / 2;
}

/** Takes away what binary fractions add, such as 0.30000000000000004. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}

function pick<T>(values: readonly T[], random: () => number): T {
  const picked = values[Math.floor(random() * values.length)];
  if (picked === undefined) throw new SchemaUnsupported('an enum or a choice is empty');
  return picked;
}

function schemas(value: unknown): Schema[] {
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A least size. @throws SchemaUnsupported when it is larger than what is made here. */
function atMost(most: number, keyword: string, value: unknown): number {
  const least = asNumber(value) ?? 0;
  if (least > most) throw new SchemaUnsupported(`${keyword} ${least} is more than ${most}`);
  return least;
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
