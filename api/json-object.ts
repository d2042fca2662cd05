/** An object of the caller's own that is kept as JSON. */
import { z } from 'zod';

/** MariaDB reads JSON of at most 32 levels; the object itself is the first. */
const MAX_DEPTH = 30;

export const jsonObjectInput = z
  .record(z.string(), z.unknown())
  .refine((value) => isWithin(value, MAX_DEPTH), { error: `must not be nested more than ${MAX_DEPTH} levels deep` });

function isWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isWithin(member, depth - 1));
}
