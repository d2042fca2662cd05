/** What servers announce for the same values: MySQL 8.0, 8.4, 9.7 and MariaDB 10.11 differ in this. */

/** Types by their numbers in the protocol. */
export const TYPE = {
  TINY: 1,
  SHORT: 2,
  LONG: 3,
  TIMESTAMP: 7,
  LONGLONG: 8,
  INT24: 9,
  DATE: 10,
  DATETIME: 12,
  JSON: 245,
  NEWDECIMAL: 246,
  TINY_BLOB: 249,
  MEDIUM_BLOB: 250,
  LONG_BLOB: 251,
  BLOB: 252,
  VAR_STRING: 253,
  STRING: 254,
} as const;
export type TypeName = keyof typeof TYPE;

/** A column of an answer as the server announces it. */
export interface Announced {
  readonly type: TypeName;
  /** Text, not bytes. */
  readonly isText: boolean;
  /** Digits after the point. */
  readonly decimals: number;
  /** Not a table's column, but computed. */
  readonly isExpression: boolean;
}

/** Which type another server announces for it; undefined for the same. Values stay as they are. */
export type Announcement = (column: Announced) => TypeName | undefined;

const SMALL_INTEGERS: readonly TypeName[] = ['TINY', 'SHORT', 'INT24', 'LONG'];
const TEXTS: readonly TypeName[] = ['VAR_STRING', 'STRING'];
const LONG_TEXTS: readonly TypeName[] = ['TINY_BLOB', 'MEDIUM_BLOB', 'LONG_BLOB', 'BLOB'];
const TIMES: readonly TypeName[] = ['DATE', 'DATETIME', 'TIMESTAMP'];

/** MySQL 8 for integers; MariaDB for JSON; functions and UNIONs for times and text. */
const widest: Announcement = ({ type, isText, decimals }) => {
  if (SMALL_INTEGERS.includes(type)) return 'LONGLONG';
  if (type === 'NEWDECIMAL' && decimals === 0) return 'LONGLONG';
  if (type === 'JSON') return 'LONG_BLOB';
  if (TIMES.includes(type)) return 'VAR_STRING';
  return TEXTS.includes(type) && isText ? 'MEDIUM_BLOB' : undefined;
};

/** MariaDB, and MySQL 5.7, for integers that are computed. */
const narrowest: Announcement = ({ type, isText, isExpression }) => {
  if (type === 'LONGLONG' && isExpression) return 'LONG';
  if (type === 'TINY') return 'LONG';
  if (type === 'JSON') return 'VAR_STRING';
  return LONG_TEXTS.includes(type) && isText ? 'VAR_STRING' : undefined;
};

/** What a sum or a UNION makes of integers. */
const decimal: Announcement = ({ type, isExpression }) => {
  if (type === 'LONGLONG') return 'NEWDECIMAL';
  if (SMALL_INTEGERS.includes(type)) return isExpression ? 'NEWDECIMAL' : 'LONGLONG';
  return type === 'DATETIME' ? 'VAR_STRING' : undefined;
};

export interface AnnouncementSet {
  readonly name: string;
  readonly announce: Announcement;
  /** Changes that a run must have met. */
  readonly met: readonly string[];
}

export const ANNOUNCEMENTS: readonly AnnouncementSet[] = [
  {
    name: 'the widest types',
    announce: widest,
    met: [
      'TINY → LONGLONG',
      'LONG → LONGLONG',
      'NEWDECIMAL → LONGLONG',
      'DATE → VAR_STRING',
      'DATETIME → VAR_STRING',
      'VAR_STRING → MEDIUM_BLOB',
    ],
  },
  {
    name: 'the narrowest types',
    announce: narrowest,
    met: ['TINY → LONG', 'LONGLONG → LONG', 'BLOB → VAR_STRING'],
  },
  {
    name: 'decimals for integers',
    announce: decimal,
    met: ['LONGLONG → NEWDECIMAL', 'LONG → NEWDECIMAL', 'DATETIME → VAR_STRING'],
  },
];
