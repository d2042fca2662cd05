/** How every connection to MySQL is made, the pool's and those beside it: address, user, TLS. */
import { connect } from 'node:net';
import mysql2 from 'mysql2';
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2/promise';
import type { Config } from '../config.ts';
import { tlsAdvice, tlsOptions } from '../tls.ts';

export type DatabaseConfig = Pick<Config, Extract<keyof Config, `DB_${string}`>>;

const CONNECT_TIMEOUT_MS = 3_000;

/** @throws when a certificate's file cannot be read any more. */
export function mysqlOptions(config: DatabaseConfig) {
  const address = { host: config.DB_HOST, port: config.DB_PORT };
  const options = {
    ...address,
    user: config.DB_USER,
    password: config.DB_PASSWORD,
    connectTimeout: CONNECT_TIMEOUT_MS,
  };
  const tls = tlsOptions(config, 'DB');
  if (!tls) return options;
  // The driver knows no name but `host`, which it compares with the certificate; the address goes its own way then.
  const { servername: host, ...files } = tls;
  const named = host && { host, stream: () => connect(address).setNoDelay().setKeepAlive(true) };
  return { ...options, ...named, ssl: { ...files, verifyIdentity: true } };
}

/** One connection beside the pool. @throws with advice where it fails over TLS. */
export async function connectMysql(config: DatabaseConfig, options: ConnectionOptions = {}): Promise<Connection> {
  try {
    return await createConnection({ ...mysqlOptions(config), ...options });
  } catch (error) {
    throw advised(error);
  }
}

/** The driver for a pool: as `connectMysql`, its errors carry advice. */
export const mysqlDriver = {
  ...mysql2,
  createConnection(options: mysql2.ConnectionOptions): mysql2.Connection {
    return mysql2.createConnection(options).on('error', advised);
  },
};

/** The same error, which is known by its class and code, with the advice as the last line of its message. */
function advised(error: unknown): unknown {
  const advice = mysqlAdvice(error);
  if (advice !== undefined && error instanceof Error && !error.message.endsWith(advice)) error.message += `\n${advice}`;
  return error;
}

/** Which setting helps against an error of a connection; undefined when none is known to. */
export function mysqlAdvice(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ER_ACCESS_DENIED_ERROR')
    return 'Check DB_USER and DB_PASSWORD; a user with REQUIRE SSL needs DB_TLS, one with REQUIRE X509 also DB_TLS_CERT and DB_TLS_KEY.';
  return tlsAdvice(error, 'DB');
}
