/** Kinds of fields that many requests have, read as leniently as clients of the earlier service write them. */
import { z } from 'zod';

/** INT UNSIGNED, the type of every numeric id. */
const MAX_ID = 4_294_967_295;

/** An integer as number or as decimal text. */
export const integerInput = z
  .union([
    z.number(),
    z
      .string()
      .max(16)
      .regex(/^[+-]?\d{1,15}$/, 'must be an integer')
      .transform(Number),
  ])
  .pipe(z.number().int());

/** The id of a row, as number or as decimal text. An id that no row can have is refused. */
export const idInput = integerInput.pipe(z.number().int().min(1).max(MAX_ID));

/** `params` of a path with an `{id}`. */
export function idParams(what: string) {
  return z.object({ id: idInput.describe(`Id of the ${what}`) });
}

/** The id of a row whose id is a text: a job, a delivery. Its column is ASCII and compares with nothing else. */
export const textIdInput = z
  .string()
  .max(36)
  .regex(/^[\x21-\x7e]*$/, 'must be an id');

/** The id of a row that the server has named by a UUID, as `next` of a list has it. */
export const uuidInput = z.string().max(36).pipe(z.uuid('must be the `next` of a page'));

/** The id of a trace, as answers and logs show it; its columns are ASCII. */
export const traceIdInput = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be a trace id');

/** A field of a record that a client may send back as it has read it; it changes nothing. */
export const asRead = z
  .union([z.string().max(100), z.number()])
  .nullish()
  .describe('As it was read; changes nothing');

/** On or off as 1/0, true/false, or either as text. */
export const switchInput = z
  .union([z.literal([1, '1', true, 'true']), z.literal([0, '0', false, 'false'])])
  .transform((value) => value === 1 || value === '1' || value === true || value === 'true');

/** A line that others read, in lists, statements, files and logs: no control characters, none that turn its direction. */
export function shownText(most: number) {
  return z
    .string()
    .trim()
    .max(most)
    .regex(/^[^\p{C}]*$/u, 'must not contain control characters');
}

/** A name that people give to a thing. */
export const nameText = shownText(100);

/** A field that may be left out, or be null as earlier clients write it. */
export function optional<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** The same for a query, where an empty value is no value. */
export function optionalText<S extends z.ZodType>(schema: S) {
  return z.preprocess((value) => (value === '' || value === null ? undefined : value), schema.optional());
}

/** MariaDB reads JSON of at most 32 levels; the object itself is the first. */
const MAX_JSON_DEPTH = 30;
const MAX_JSON_FIELDS = 100;
const MAX_JSON_NAME = 100;
const MAX_JSON_CHARACTERS = 16_384;

/** An object of the caller's own that is kept as JSON. */
export const jsonObjectInput = z
  .record(z.string().max(MAX_JSON_NAME), z.unknown())
  .meta({ maxProperties: MAX_JSON_FIELDS })
  .refine((value) => isWithin(value, MAX_JSON_DEPTH), {
    error: `must not be nested more than ${MAX_JSON_DEPTH} levels deep`,
    abort: true,
  })
  .refine((value) => JSON.stringify(value).length <= MAX_JSON_CHARACTERS, {
    error: `must have at most ${MAX_JSON_CHARACTERS} characters as JSON`,
  });

function isWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isWithin(member, depth - 1));
}
