/** Answers as a CSV file that a spreadsheet opens. */
import { stringify } from 'csv-stringify/sync';
import { ANSWERED, type Answered } from './route.ts';
import type { ApiContext } from './route-input.ts';

/** A text of somebody that a spreadsheet would take for a formula, also by a sign of full width, is kept from being one. */
export function inert(text: string): string {
  return /^[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text;
}

/** @param columns the header, and what of a line stands under it. Texts of people go through `inert` before. */
export function sendCsv(
  ctx: ApiContext,
  name: string,
  columns: readonly string[],
  lines: readonly Readonly<Record<string, unknown>>[],
): Answered {
  // With a byte order mark, without which spreadsheets take the text for another character set.
  ctx.body = stringify([...lines], { header: true, columns: [...columns], bom: true });
  ctx.set('Content-Type', 'text/csv; charset=utf-8');
  ctx.set('Content-Disposition', `attachment; filename="${name}.csv"`);
  return ANSWERED;
}
