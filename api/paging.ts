/** Lists by pages, and the lenient ways in which earlier clients write numbers. */
import { z } from 'zod';

const PAGE_SIZE = 10;
const MAX_PAGE_SIZE = 100;
/** Keeps OFFSET within what a database answers in time. */
const MAX_PAGE = 100_000;
/** INT UNSIGNED, the type of every numeric id. */
const MAX_ID = 4_294_967_295;

/** An integer as number or as decimal text. */
export const integerInput = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^[+-]?\d{1,15}$/, 'must be an integer')
      .transform(Number),
  ])
  .pipe(z.number().int());

/** The id of a row, as number or as decimal text. An id that no row can have is refused. */
export const idInput = integerInput.pipe(z.number().int().min(1).max(MAX_ID));

/** `params` of a path that ends in `/{id}`. */
export const idParams = z.object({ id: idInput });

/** A field that may be left out, or be null as earlier clients write it. */
export function optional<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((value) => value ?? undefined);
}

const clamped = (fallback: number, highest: number) =>
  z
    .preprocess((value) => (value === '' || value === null ? undefined : value), integerInput.optional())
    .transform((value) => Math.min(Math.max(value ?? fallback, 1), highest));

/** `query` of a list. Sizes out of range are clamped, not refused. `sortKeys` are the fields a list sorts by. */
export function pageQuery<const K extends readonly [string, ...string[]]>(sortKeys: K) {
  return z.object({
    pageNum: clamped(1, MAX_PAGE),
    pageSize: clamped(PAGE_SIZE, MAX_PAGE_SIZE),
    sortBy: optional(z.enum(sortKeys)),
    sortOrder: optional(
      z
        .string()
        .transform((text) => text.toLowerCase())
        .pipe(z.enum(['asc', 'desc'])),
    ),
  });
}

export interface Paging {
  readonly pageNum: number;
  readonly pageSize: number;
}

/** The wire form of one page. */
export function page<T>(records: readonly T[], total: number, paging: Paging) {
  return {
    records,
    total,
    size: paging.pageSize,
    current: paging.pageNum,
    pages: Math.ceil(total / paging.pageSize),
  };
}

/** The `success` schema of a list. */
export function pageOf<S extends z.ZodType>(record: S) {
  return z.object({
    records: z.array(record).readonly(),
    total: z.number().int(),
    size: z.number().int(),
    current: z.number().int(),
    pages: z.number().int(),
  });
}
