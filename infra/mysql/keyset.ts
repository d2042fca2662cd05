/** Lists that go on after a row, by the column that they are sorted by and the id: an index finds the place, however far it is. */
import { literal, type SqlValue } from './literal.ts';

export interface Sorting {
  /** SQL of what rows are sorted by; equal ones are in the order of their ids. */
  readonly column: string;
  readonly id: string;
  readonly direction: 'ASC' | 'DESC';
}

/** The last row of the page before. */
export interface Place {
  readonly value: SqlValue;
  readonly id: SqlValue;
}

/** What follows ORDER BY. */
export function orderOf({ column, id, direction }: Sorting): string {
  return column === id ? `${id} ${direction}` : `${column} ${direction}, ${id} ${direction}`;
}

/** The condition for rows after a place. NULL sorts below all values. */
export function afterPlace({ column, id, direction }: Sorting, place: Place): string {
  const isBeyond = direction === 'ASC' ? '>' : '<';
  const laterId = `${id} ${isBeyond} ${literal(place.id)}`;
  if (column === id) return laterId;
  if (place.value === null) {
    return direction === 'ASC' ? `(${column} IS NOT NULL OR ${laterId})` : `(${column} IS NULL AND ${laterId})`;
  }
  const value = literal(place.value);
  const later = `${column} ${isBeyond} ${value} OR (${column} = ${value} AND ${laterId})`;
  return direction === 'ASC' ? `(${later})` : `(${later} OR ${column} IS NULL)`;
}
