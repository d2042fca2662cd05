/** A schema's complaints → the error with codes and field names that callers know. */
import type { z } from 'zod';
import { type AppError, type ErrorKind, type FieldError, invalid, MOST_ERRORS } from '../../infra/errors.ts';
import { boundErrors, inputSchema, type JsonSchema, type UnknownFields } from './bounds.ts';

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
