/** Users with their balances, for people who administer them and for each user itself. Reads only. */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { Role } from './caller.ts';
import type { UserSortKey, UserWithBalance } from './user.ts';

export interface UserListQuery {
  readonly role?: Role | undefined;
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
  balance: 'a.available',
  createdAt: 'u.created_at',
};

const SELECT = `SELECT u.id, u.username, u.email, u.role, u.status, u.token_version, u.created_at, u.updated_at,
  a.id AS account_id, a.available,
  (SELECT COALESCE(SUM(h.amount - h.captured - h.released), 0) FROM holds h
    WHERE h.state = 'open' AND h.account_id = a.id) AS held
  FROM users u JOIN accounts a ON a.owner_kind = 'user' AND a.owner_id = u.id`;

interface Row {
  readonly id: number;
  readonly username: string;
  readonly email: string | null;
  readonly role: Role;
  readonly status: number;
  readonly token_version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly account_id: number;
  readonly available: string;
  readonly held: string;
}

function userOf(row: Row): UserWithBalance {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    role: row.role,
    active: row.status === 1,
    tokenVersion: row.token_version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    accountId: row.account_id,
    available: BigInt(row.available),
    held: BigInt(row.held),
  };
}

export class UserList {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  async find(id: number): Promise<UserWithBalance | undefined> {
    const [row] = await this.#select(`${SELECT} WHERE u.id = :id`, { id });
    return row && userOf(row);
  }

  /** One page, by id unless asked otherwise; equal ones by id, so that pages do not overlap. */
  async page(query: UserListQuery): Promise<{ records: UserWithBalance[]; total: number }> {
    const where = query.role === undefined ? '' : 'WHERE u.role = :role';
    const direction = query.sortOrder === 'desc' ? 'DESC' : 'ASC';
    const order = `${SORT_COLUMNS[query.sortBy ?? 'id']} ${direction}, u.id ${direction}`;
    const values = {
      role: query.role ?? '',
      limit: query.pageSize,
      offset: (query.pageNum - 1) * query.pageSize,
    };
    const [rows, [count]] = await Promise.all([
      this.#select(`${SELECT} ${where} ORDER BY ${order} LIMIT :limit OFFSET :offset`, values),
      this.#sequelize.query<{ total: number | string }>(`SELECT COUNT(*) AS total FROM users u ${where}`, {
        replacements: values,
        type: QueryTypes.SELECT,
      }),
    ]);
    return { records: rows.map(userOf), total: Number(count?.total ?? 0) };
  }

  #select(sql: string, replacements: Record<string, string | number>): Promise<Row[]> {
    return this.#sequelize.query<Row>(sql, { replacements, type: QueryTypes.SELECT });
  }
}
