/** An object of the caller's own that is kept as JSON. */
import { z } from 'zod';

/** MariaDB reads JSON of at most 32 levels; the object itself is the first. */
const MAX_DEPTH = 30;
const MAX_FIELDS = 100;
const MAX_NAME = 100;
const MAX_CHARACTERS = 16_384;

export const jsonObjectInput = z
  .record(z.string().max(MAX_NAME), z.unknown())
  .meta({ maxProperties: MAX_FIELDS })
  .refine((value) => isWithin(value, MAX_DEPTH), {
    error: `must not be nested more than ${MAX_DEPTH} levels deep`,
    abort: true,
  })
  .refine((value) => JSON.stringify(value).length <= MAX_CHARACTERS, {
    error: `must have at most ${MAX_CHARACTERS} characters as JSON`,
  });

function isWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isWithin(member, depth - 1));
}
