/** The pool for everything that is not money. Times are UTC, BIGINT columns come as text (never through a float). */
import { Sequelize } from 'sequelize';
import { type DatabaseConfig, mysqlDriver, mysqlOptions } from './connection.ts';

const ACQUIRE_TIMEOUT_MS = 5_000;

/** Makes the pool; connects at the first query. Close it with `close()`. */
export function connectSequelize(config: DatabaseConfig): Sequelize {
  return new Sequelize({
    dialect: 'mysql',
    dialectModule: mysqlDriver,
    database: config.DB_NAME,
    timezone: '+00:00',
    logging: false,
    define: { timestamps: false, underscored: true, freezeTableName: true },
    pool: { max: config.DB_POOL_SIZE, min: 0, idle: 60_000, acquire: ACQUIRE_TIMEOUT_MS },
    retry: { max: 1 },
    dialectOptions: { ...mysqlOptions(config), supportBigNumbers: true, bigNumberStrings: true, jsonStrings: true },
  });
}
