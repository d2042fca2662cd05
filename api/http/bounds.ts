/**
 * How large each part of a request may be and which fields it may have, read from the JSON Schema that the document
 * shows. Checked before zod looks at a value: zod runs patterns on texts of any length and collects a complaint about
 * every element of a list.
 */
import { z } from 'zod';
import { type FieldError, MOST_ERRORS } from '../../infra/errors.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** `refused`: a field that the schema does not name is an error. `ignored`: it is left out. */
export type UnknownFields = 'refused' | 'ignored';

/** Of an object that may hold others than its schema names; each is looked at several times. */
const MOST_FIELDS = 500;

/** The JSON Schema of what a caller sends. */
export function inputSchema(schema: z.ZodType, unknownFields: UnknownFields): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type !== 'object') return;
      if (unknownFields === 'refused') jsonSchema.additionalProperties ??= false;
      if (jsonSchema.additionalProperties !== false) jsonSchema.maxProperties ??= MOST_FIELDS;
    },
  });
  return json;
}

/**
 * What is too large, and which fields are unknown; nothing for a value of another type, which is zod's to refuse. Looks
 * at no element of a list that is too long, and stops at the most errors that a refusal tells.
 */
export function boundErrors(schema: JsonSchema, value: unknown, unknownFields: UnknownFields): FieldError[] {
  const errors: FieldError[] = [];
  check(schema, value, '', { errors, refusesUnknown: unknownFields === 'refused' });
  return errors;
}

interface Found {
  readonly errors: FieldError[];
  readonly refusesUnknown: boolean;
}

function check(schema: JsonSchema, value: unknown, path: string, found: Found): void {
  if (found.errors.length >= MOST_ERRORS) return;
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) checkAlternatives(alternatives, value, path, found);
  else if (typeof value === 'string') checkLength(schema.maxLength, value.length, 'characters', path, found);
  else if (Array.isArray(value)) checkItems(schema, value, path, found);
  else if (typeof value === 'object' && value !== null) checkFields(schema, value, path, found);
}

/** Good when it is good for one alternative of its type. */
function checkAlternatives(alternatives: readonly JsonSchema[], value: unknown, path: string, found: Found): void {
  let first: FieldError[] | undefined;
  for (const alternative of alternatives) {
    if (!admits(alternative, value)) continue;
    const errors: FieldError[] = [];
    check(alternative, value, path, { ...found, errors });
    if (errors.length === 0) return;
    first ??= errors;
  }
  found.errors.push(...(first ?? []));
}

function admits(schema: JsonSchema, value: unknown): boolean {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) return alternatives.some((alternative) => admits(alternative, value));
  return schema.type === undefined || schema.type === typeOf(value);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function checkLength(most: number | undefined, length: number, what: string, path: string, found: Found): boolean {
  if (most === undefined || length <= most) return true;
  found.errors.push({ path, message: `must have at most ${most} ${what}` });
  return false;
}

function checkItems(schema: JsonSchema, items: readonly unknown[], path: string, found: Found): void {
  if (!checkLength(schema.maxItems, items.length, 'items', path, found)) return;
  const { items: element } = schema;
  if (!isSchema(element)) return;
  for (const [index, item] of items.entries()) check(element, item, pathIn(path, index), found);
}

function checkFields(schema: JsonSchema, value: object, path: string, found: Found): void {
  const fields = Object.entries(value);
  if (!checkLength(schema.maxProperties, fields.length, 'fields', path, found)) return;
  const { properties = {}, additionalProperties: others, propertyNames } = schema;
  for (const [name, member] of fields) {
    if (found.errors.length >= MOST_ERRORS) return;
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (isSchema(known)) check(known, member, pathIn(path, name), found);
    else if (others === false && found.refusesUnknown) {
      found.errors.push({ path: pathIn(path, name), message: 'is not a field that is known here' });
    } else if (isSchema(others)) {
      const named = isSchema(propertyNames) ? propertyNames.maxLength : undefined;
      if (checkLength(named, name.length, 'characters in its name', pathIn(path, name), found)) {
        check(others, member, pathIn(path, name), found);
      }
    }
  }
}

function isSchema(schema: JsonSchema | boolean | readonly unknown[] | undefined): schema is JsonSchema {
  return typeof schema === 'object' && !Array.isArray(schema);
}

function pathIn(path: string, name: string | number): string {
  return path === '' ? String(name) : `${path}.${name}`;
}
