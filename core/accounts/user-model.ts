/** The table `users` for Sequelize. */
import { DataTypes, type Model, type ModelStatic, type Optional, type Sequelize } from 'sequelize';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { ROLES, type Role } from './caller.ts';
import type { User } from './user.ts';

export interface UserRow {
  id: number;
  username: string;
  nameShape: string | null;
  email: string | null;
  passwordHash: string;
  role: Role;
  status: number;
  tokenVersion: number;
  createdAt: Date;
  updatedAt: Date;
  closedAt: Date | null;
}

type NewUserRow = Optional<UserRow, 'id' | 'status' | 'tokenVersion' | 'createdAt' | 'updatedAt' | 'closedAt'>;
export type UserModel = ModelStatic<Model<UserRow, NewUserRow>>;

export function defineUsers(sequelize: Sequelize): UserModel {
  return sequelize.define<Model<UserRow, NewUserRow>>('users', {
    id: { type: DataTypes.INTEGER.UNSIGNED, primaryKey: true, autoIncrement: true },
    username: { type: DataTypes.STRING(50), allowNull: false },
    nameShape: { type: DataTypes.STRING(50) },
    email: { type: DataTypes.STRING(254) },
    passwordHash: { type: DataTypes.STRING(255), allowNull: false },
    role: { type: DataTypes.STRING(20), allowNull: false },
    status: { type: DataTypes.TINYINT.UNSIGNED },
    tokenVersion: { type: DataTypes.INTEGER.UNSIGNED },
    createdAt: { type: DataTypes.DATE(3) },
    updatedAt: { type: DataTypes.DATE(3) },
    closedAt: { type: DataTypes.DATE(3) },
  });
}

const stored = rowOf({
  id: column.integer,
  username: column.text,
  email: orNull(column.text),
  passwordHash: column.text,
  role: column.oneOf(ROLES),
  status: column.integer,
  tokenVersion: column.integer,
  createdAt: column.time,
  updatedAt: column.time,
  closedAt: orNull(column.time),
});

/** What a sign-in needs. */
export interface StoredCredentials {
  readonly user: User;
  readonly passwordHash: string;
}

export function credentialsOf(row: UserRow): StoredCredentials {
  const { status, passwordHash, ...user } = stored.ofModel(row);
  return { user: { ...user, active: status === 1 }, passwordHash };
}

export function userOf(row: UserRow): User {
  return credentialsOf(row).user;
}
