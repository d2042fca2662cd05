/** How every connection to MySQL is made, in the pool and outside of it: address, user, TLS. */
import { connect } from 'node:net';
import mysql2 from 'mysql2';
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2/promise';
import type { Config } from '../config.ts';
import { tlsAdvice, tlsOptions } from '../tls.ts';

export type DatabaseConfig = Pick<Config, Extract<keyof Config, `DB_${string}`>>;

const CONNECT_TIMEOUT_MS = 3_000;

/** @throws if a certificate's file can no longer be read. */
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
  // The driver compares `host` with the certificate and knows no other name, so the real address is given separately.
  const { servername: host, ...files } = tls;
  const named = host && { host, stream: () => connect(address).setNoDelay().setKeepAlive(true) };
  return { ...options, ...named, ssl: { ...files, verifyIdentity: true } };
}

/** One connection outside of the pool. @throws with advice if it fails because of TLS. */
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

/** The same error object, because callers check its class and code, with the advice as last line of its message. */
function advised(error: unknown): unknown {
  const advice = mysqlAdvice(error);
  if (advice !== undefined && error instanceof Error && !error.message.endsWith(advice)) error.message += `\n${advice}`;
  return error;
}

/** Which setting would fix an error of a connection; undefined if none is known. */
export function mysqlAdvice(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ER_ACCESS_DENIED_ERROR')
    return 'Check DB_USER and DB_PASSWORD; a user with REQUIRE SSL needs DB_TLS, one with REQUIRE X509 also DB_TLS_CERT and DB_TLS_KEY.';
  return tlsAdvice(error, 'DB');
}
