/** Lists by pages. */
import { z } from 'zod';
import { optionalText } from './fields.ts';

const PAGE_SIZE = 10;
const MAX_PAGE_SIZE = 100;
/** Keeps OFFSET within what a database answers in time. */
const MAX_PAGE = 100_000;

/** What no number holds exactly is far out of range and clamped with the rest. */
const countInput = z.union([
  z.number().int(),
  z
    .string()
    .max(500)
    .regex(/^[+-]?\d+$/, 'must be an integer')
    .transform(Number),
]);

const clamped = (fallback: number, highest: number) =>
  optionalText(countInput).transform((value) => Math.min(Math.max(value ?? fallback, 1), highest));

/** `query` of a list. Sizes out of range are clamped, not refused. `sortKeys` are the fields a list sorts by. */
export function pageQuery<const K extends readonly [string, ...string[]]>(sortKeys: K) {
  const direction = z
    .string()
    .max(10)
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(['asc', 'desc']));
  return z.object({
    pageNum: clamped(1, MAX_PAGE).describe('Number of the page, from 1'),
    pageSize: clamped(PAGE_SIZE, MAX_PAGE_SIZE).describe(
      `Records on a page; ${PAGE_SIZE} by default, at most ${MAX_PAGE_SIZE}`,
    ),
    sortBy: optionalText(z.enum(sortKeys)).describe('The field to sort by'),
    sortOrder: optionalText(direction).describe('asc or desc'),
  });
}

/**
 * `query` of a list that goes on from where the page before ended. Each page is found by an index, however far it is.
 * @param idInput how the list's ids are written.
 */
export function cursorQuery<S extends z.ZodType>(idInput: S) {
  return z.object({
    cursor: optionalText(idInput).describe('`next` of the page before; the first page without'),
    pageSize: clamped(PAGE_SIZE, MAX_PAGE_SIZE).describe(
      `Records on a page; ${PAGE_SIZE} by default, at most ${MAX_PAGE_SIZE}`,
    ),
  });
}

/**
 * `query` of a list that may be long: by pages, or going on from where the page before ended.
 * @param idInput how the list's ids are written.
 */
export function longListQuery<const K extends readonly [string, ...string[]], S extends z.ZodType>(
  sortKeys: K,
  idInput: S,
) {
  return pageQuery(sortKeys).extend({
    cursor: optionalText(idInput).describe(
      '`next` of the page before, with the same filters and sorting: found at once, however far it is. `pageNum` then has no effect',
    ),
  });
}

/** The wire form of one page of it. @param found one more record than a page has, if there are more. */
export function longPage<Row, Answer>(
  found: { readonly records: readonly Row[]; readonly total: number | undefined },
  query: Paging,
  idOf: (row: Row) => string | number,
  answerOf: (row: Row) => Answer,
) {
  const { records, next } = cursorPage(found.records, query.pageSize, idOf, answerOf);
  if (found.total === undefined) return { records, size: query.pageSize, next };
  return { ...page(records, found.total, query), next };
}

/** The `success` schema of such a list. */
export function longPageOf<S extends z.ZodType>(record: S) {
  return pageOf(record)
    .partial({ total: true, current: true, pages: true })
    .extend({ next: cursorPageOf(record).shape.next });
}

/** The wire form of one page. @param found one more than a page has, if there are more. */
export function cursorPage<Row, Answer>(
  found: readonly Row[],
  pageSize: number,
  idOf: (row: Row) => string | number,
  answerOf: (row: Row) => Answer,
): { records: Answer[]; next: string | null } {
  const shown = found.slice(0, pageSize);
  const last = found.length > pageSize ? shown.at(-1) : undefined;
  return { records: shown.map((row) => answerOf(row)), next: last === undefined ? null : String(idOf(last)) };
}

/** The `success` schema of such a list. */
export function cursorPageOf<S extends z.ZodType>(record: S) {
  return z.object({
    records: z.array(record).describe('The records of this page'),
    next: z.string().nullable().describe('`cursor` of the next page; null on the last one'),
  });
}

export interface Paging {
  readonly pageNum: number;
  readonly pageSize: number;
}

/** The wire form of one page. */
export function page<T>(records: T[], total: number, { pageNum, pageSize }: Paging) {
  return { records, total, size: pageSize, current: pageNum, pages: Math.ceil(total / pageSize) };
}

/** The `success` schema of a list. */
export function pageOf<S extends z.ZodType>(record: S) {
  return z.object({
    records: z.array(record).describe('The records of this page'),
    total: z.number().int().describe('Records on all pages'),
    size: z.number().int().describe('Records that a page may have'),
    current: z.number().int().describe('Number of this page'),
    pages: z.number().int().describe('How many pages there are'),
  });
}
