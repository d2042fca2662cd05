/** Users with their balances, for people who administer them and for each user itself. Reads only. */
import type { Sequelize } from 'sequelize';
import { invalid } from '../../infra/errors.ts';
import { afterPlace, orderOf, type Place } from '../../infra/mysql/keyset.ts';
import { utcDateTime } from '../../infra/mysql/literal.ts';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { count, select } from '../../infra/mysql/statements.ts';
import { HELD, LEASED } from '../ledger/ledger.ts';
import { ROLES, type Role } from './caller.ts';
import type { UserSortKey, UserWithBalance } from './user.ts';
import { readsAsId } from './username.ts';

export interface UserListQuery {
  readonly role?: Role | undefined;
  /** The beginning of a name or an email address, or a whole id. */
  readonly search?: string | undefined;
  readonly sortBy?: UserSortKey | undefined;
  readonly sortOrder?: 'asc' | 'desc' | undefined;
  readonly pageNum: number;
  readonly pageSize: number;
  /** Those after it, uncounted. */
  readonly cursor?: UserPlace | undefined;
}

/** Where a page ended: a user, and its balance or role then, for these change between two pages. */
export interface UserPlace {
  readonly id: number;
  readonly value?: string | undefined;
}

/** One more than a page has, if there are more. */
export interface UserPage {
  readonly records: UserWithBalance[];
  readonly total: number | undefined;
}

/** The only texts that reach ORDER BY. */
const SORT_COLUMNS: Record<UserSortKey, string> = {
  id: 'u.id',
  name: 'u.username',
  username: 'u.username',
  email: 'u.email',
  role: 'u.role',
  balance: 'a.available + COALESCE(leases.unspent,0)',
  createdAt: 'u.created_at',
};

const ACCOUNT = "JOIN accounts a ON a.owner_kind = 'user' AND a.owner_id = u.id";
/** Summed once for all: as a subquery of each account it took most of the time of a list by balance. */
const ACCOUNT_WITH_LEASES = `${ACCOUNT} LEFT JOIN (SELECT account_id, SUM(amount-captured-released) AS unspent FROM holds
  WHERE state='open' AND owner='lease' GROUP BY account_id) leases ON leases.account_id=a.id`;
const SELECT = `SELECT u.id, u.username, u.email, u.role, u.status=1 AS active, u.token_version, u.created_at, u.updated_at,
  u.closed_at, a.id AS account_id, a.available + ${LEASED} AS available, ${HELD} AS held
  FROM users u ${ACCOUNT}`;

const listed = rowOf({
  id: column.integer,
  username: column.text,
  email: orNull(column.text),
  role: column.oneOf(ROLES),
  active: column.flag,
  tokenVersion: column.integer,
  createdAt: column.time,
  updatedAt: column.time,
  closedAt: orNull(column.time),
  accountId: column.integer,
  available: column.bigint,
  held: column.bigint,
});

const named = rowOf({ id: column.integer, username: column.text });

export class UserList {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  async find(id: number): Promise<UserWithBalance | undefined> {
    const [found] = await select(this.#sequelize, listed.read, `${SELECT} WHERE u.id = :id`, { id });
    return found;
  }

  /**
   * By its id, by its whole email address where that may be known, or by its whole name, as names are compared. People
   * choose their names: one that is another's id or address never stands for that other.
   */
  async idOf(text: string, byEmail: boolean): Promise<number | undefined> {
    const name = text.normalize('NFKC');
    const id = readsAsId(name) ? Number(name) : undefined;
    const addressed = '(SELECT id FROM users WHERE email = :name)';
    const first = id === undefined ? addressed : ':id';
    const known = id !== undefined || byEmail ? `OR id = ${first}` : `AND id = COALESCE(${addressed}, id)`;
    const sql = `SELECT id, username FROM users WHERE username = :name ${known} ORDER BY id <=> ${first} DESC LIMIT 1`;
    const [found] = await select(this.#sequelize, named.read, sql, { name, id });
    return found?.id;
  }

  async names(ids: readonly number[]): Promise<Map<number, string>> {
    if (ids.length === 0) return new Map();
    const found = await select(this.#sequelize, named.read, `SELECT ${named.columns} FROM users WHERE id IN (:ids)`, {
      ids,
    });
    return new Map(found.map(({ id, username }) => [id, username]));
  }

  /**
   * One page, by id unless asked otherwise; equal ones by id, so that pages do not overlap. Rows and balances are read
   * once an index has found the page; only a list by balance looks at all.
   * @throws {AppError} invalidParameter for a cursor that is no user.
   */
  async page(query: UserListQuery): Promise<UserPage> {
    const { role, search, cursor, pageNum, pageSize, sortBy = 'id' } = query;
    const conditions = [
      ...(role === undefined ? [] : ['u.role = :role']),
      // Each by its unique index.
      ...(search === undefined ? [] : ['(u.username LIKE :prefix OR u.email LIKE :prefix OR u.id = :id)']),
    ];
    const direction = query.sortOrder === 'desc' ? 'DESC' : 'ASC';
    const sorting = { column: SORT_COLUMNS[sortBy], id: 'u.id', direction } as const;
    const place = cursor === undefined ? undefined : await this.#place(cursor, sortBy);
    const after = place === undefined ? [] : [afterPlace(sorting, place)];
    const by = orderOf(sorting);
    const values = {
      role: role ?? '',
      prefix: `${(search ?? '').replace(/[\\%_]/g, '\\$&')}%`,
      id: readsAsId(search ?? '') ? Number(search) : 0,
      limit: pageSize + 1,
      offset: place === undefined ? (pageNum - 1) * pageSize : 0,
    };
    const from = `FROM users u ${sortBy === 'balance' ? ACCOUNT_WITH_LEASES : ''} ${whereOf([...conditions, ...after])}`;
    const page = `${SELECT} JOIN (SELECT u.id, ${sorting.column} AS sorted ${from} ORDER BY ${by} LIMIT :limit OFFSET :offset) page ON page.id=u.id ORDER BY ${orderOf({ ...sorting, column: 'page.sorted' })}`;
    const [records, total] = await Promise.all([
      select(this.#sequelize, listed.read, page, values),
      place === undefined
        ? count(this.#sequelize, `SELECT COUNT(*) AS total FROM users u ${whereOf(conditions)}`, values)
        : undefined,
    ]);
    return { records, total };
  }

  /** What changes is read from the cursor, the rest from the user. */
  async #place({ id, value }: UserPlace, sortBy: UserSortKey): Promise<Place> {
    if (value !== undefined) {
      const fits = sortBy === 'balance' ? /^-?\d+$/.test(value) : sortBy === 'role';
      if (!fits) throw invalid([{ path: 'cursor', message: 'is of a list in another order' }]);
      return { id, value: sortBy === 'balance' ? BigInt(value) : value };
    }
    const user = await this.find(id);
    if (user === undefined) throw invalid([{ path: 'cursor', message: 'is no user' }]);
    const { username, email, role, available, createdAt } = user;
    const values = { id, name: username, username, email, role, balance: available };
    return { id, value: { ...values, createdAt: utcDateTime(createdAt.getTime()) }[sortBy] };
  }
}

/** @returns the cursor of what comes after a user. */
export function placeOf({ id, available, role }: UserWithBalance, sortBy: UserSortKey | undefined): string {
  if (sortBy === 'balance') return `${id}.${available}`;
  return sortBy === 'role' ? `${id}.${role}` : String(id);
}

function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}
