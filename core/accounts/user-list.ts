/** Users with their balances, for people who administer them and for each user itself. Reads only. */
import type { Sequelize } from 'sequelize';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { count, select } from '../../infra/mysql/statements.ts';
import { HELD, LEASED } from '../ledger/ledger.ts';
import { ROLES, type Role } from './caller.ts';
import type { UserSortKey, UserWithBalance } from './user.ts';

export interface UserListQuery {
  readonly role?: Role | undefined;
  /** The beginning of a name or an email address, or a whole id. */
  readonly search?: string | undefined;
  readonly sortBy?: UserSortKey | undefined;
  readonly sortOrder?: 'asc' | 'desc' | undefined;
  readonly pageNum: number;
  readonly pageSize: number;
}

/** The only texts that reach ORDER BY. */
const SORT_COLUMNS: Record<UserSortKey, string> = {
  id: 'u.id',
  name: 'u.username',
  username: 'u.username',
  email: 'u.email',
  role: 'u.role',
  balance: 'available',
  createdAt: 'u.created_at',
};

const SELECT = `SELECT u.id, u.username, u.email, u.role, u.status=1 AS active, u.token_version, u.created_at, u.updated_at,
  u.closed_at, a.id AS account_id, a.available + ${LEASED} AS available, ${HELD} AS held
  FROM users u JOIN accounts a ON a.owner_kind = 'user' AND a.owner_id = u.id`;

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

  async names(ids: readonly number[]): Promise<Map<number, string>> {
    if (ids.length === 0) return new Map();
    const found = await select(this.#sequelize, named.read, `SELECT ${named.columns} FROM users WHERE id IN (:ids)`, {
      ids,
    });
    return new Map(found.map(({ id, username }) => [id, username]));
  }

  /** One page, by id unless asked otherwise; equal ones by id, so that pages do not overlap. */
  async page(query: UserListQuery): Promise<{ records: UserWithBalance[]; total: number }> {
    const { role, search } = query;
    const conditions = [
      ...(role === undefined ? [] : ['u.role = :role']),
      // Each by its unique index.
      ...(search === undefined ? [] : ['(u.username LIKE :prefix OR u.email LIKE :prefix OR u.id = :id)']),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const direction = query.sortOrder === 'desc' ? 'DESC' : 'ASC';
    const order = `${SORT_COLUMNS[query.sortBy ?? 'id']} ${direction}, u.id ${direction}`;
    const values = {
      role: role ?? '',
      prefix: `${(search ?? '').replace(/[\\%_]/g, '\\$&')}%`,
      id: /^\d{1,10}$/.test(search ?? '') ? Number(search) : 0,
      limit: query.pageSize,
      offset: (query.pageNum - 1) * query.pageSize,
    };
    const page = `${SELECT} ${where} ORDER BY ${order} LIMIT :limit OFFSET :offset`;
    const [records, total] = await Promise.all([
      select(this.#sequelize, listed.read, page, values),
      count(this.#sequelize, `SELECT COUNT(*) AS total FROM users u ${where}`, values),
    ]);
    return { records, total };
  }
}
