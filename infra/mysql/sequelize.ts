/** The pool for everything that is not money. Times are UTC, BIGINT columns come as text (never through a float). */
import { Sequelize } from 'sequelize';
import type { Config } from '../config.ts';

export type DatabaseConfig = Pick<
  Config,
  'DB_HOST' | 'DB_PORT' | 'DB_NAME' | 'DB_USER' | 'DB_PASSWORD' | 'DB_POOL_SIZE'
>;

const CONNECT_TIMEOUT_MS = 3_000;
const ACQUIRE_TIMEOUT_MS = 5_000;

/** Makes the pool; connects at the first query. Close it with `close()`. */
export function connectSequelize(config: DatabaseConfig): Sequelize {
  return new Sequelize({
    dialect: 'mysql',
    host: config.DB_HOST,
    port: config.DB_PORT,
    database: config.DB_NAME,
    username: config.DB_USER,
    password: config.DB_PASSWORD,
    timezone: '+00:00',
    logging: false,
    define: { timestamps: false, underscored: true, freezeTableName: true },
    pool: { max: config.DB_POOL_SIZE, min: 0, idle: 60_000, acquire: ACQUIRE_TIMEOUT_MS },
    retry: { max: 1 },
    dialectOptions: { connectTimeout: CONNECT_TIMEOUT_MS, supportBigNumbers: true, bigNumberStrings: true },
  });
}
