/**
 * Checks input in two steps. First its bounds, read from the JSON Schema that the API document shows: how large each part
 * may be and which fields it may have, because zod runs patterns on texts of any length and collects an issue for every
 * element of a list. Then zod, whose issues become the codes and field names that callers know.
 */
import { z } from 'zod';
import { type AppError, type ErrorKind, type FieldError, invalid, MOST_ERRORS } from '../../infra/errors.ts';

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
 * at no element of a list that is too long, and stops at the most errors that a refusal lists.
 */
function boundErrors(schema: JsonSchema, value: unknown, unknownFields: UnknownFields): FieldError[] {
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

type Issue = z.core.$ZodIssue;

/** One part of a request: its path parameters, its query or its body. */
export interface Input<S extends z.ZodType = z.ZodType> {
  /** What the document shows, with every bound that `parse` keeps. */
  readonly json: JsonSchema;
  /**
   * @param unknownFields `ignored` also where the schema refuses them.
   * @throws {AppError} missingParameter, wrongType or invalidParameter, by the first thing that is wrong; the first
   * wrong fields in `details.errors`.
   */
  parse(value: unknown, unknownFields?: UnknownFields): z.output<S>;
}

export function inputOf<S extends z.ZodType>(schema: S, unknownFields: UnknownFields): Input<S> {
  const json = inputSchema(schema, unknownFields);
  return {
    json,
    parse: (value, now = unknownFields) => {
      const errors = boundErrors(json, value, now);
      if (errors.length > 0) throw invalid(errors);
      const parsed = schema.safeParse(value);
      if (parsed.success) return parsed.data;
      throw invalidInput(parsed.error.issues, value);
    },
  };
}

function invalidInput(issues: readonly Issue[], value: unknown): AppError {
  const problems = issues.slice(0, MOST_ERRORS).map((issue) => describe(innermost(issue), value));
  return invalid(
    problems.map((problem) => problem.field),
    problems[0]?.kind,
  );
}

/** A union says only "invalid input"; the complaint of the alternative that got furthest says more. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const nested = issue.errors.flat();
  const deepest = nested.reduce<Issue | undefined>(
    (best, other) => (best === undefined || other.path.length > best.path.length ? other : best),
    undefined,
  );
  if (deepest === undefined || deepest.path.length === 0) return issue;
  return innermost({ ...deepest, path: [...issue.path, ...deepest.path] });
}

function describe(issue: Issue, root: unknown): { kind: ErrorKind; field: FieldError } {
  const path = issue.path.map(String).join('.');
  if (valueAt(root, issue.path) === undefined)
    return { kind: 'missingParameter', field: { path, message: 'is required' } };
  if (issue.code === 'invalid_type') {
    return { kind: 'wrongType', field: { path, message: `must be of type ${issue.expected}` } };
  }
  return { kind: 'invalidParameter', field: { path, message: wordsFor(issue) } };
}

/** What is expected, in words that say nothing of what was sent. */
function wordsFor(issue: Issue): string {
  switch (issue.code) {
    case 'too_small':
      return `must ${measure(issue.origin, 'at least', issue.minimum)}`;
    case 'too_big':
      return `must ${measure(issue.origin, 'at most', issue.maximum)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      return 'has a form that is not accepted here';
    default:
      return issue.message;
  }
}

function measure(origin: string, relation: string, bound: number | bigint): string {
  if (origin === 'string') return `have ${relation} ${bound} characters`;
  if (origin === 'array') return `have ${relation} ${bound} items`;
  return `be ${relation} ${bound}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
