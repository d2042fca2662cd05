/** MySQL or MariaDB with a data folder, port and socket of its own, as durable as in production. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { readConfig } from '../infra/config.ts';
import { connectMysql } from '../infra/mysql/connection.ts';
import {
  databaseOf,
  MARIADB,
  MYSQL,
  parseVersion,
  placeOptions,
  prepareData,
  serverEnvironment,
  serverOf,
} from './database-products.ts';
import type { Database, Variables } from './environment.ts';
import { isOn, portOf, type ServerPart, settingsOf } from './part.ts';
import type { SourcesOfPart } from './sources.ts';

const DATABASE = 'model_service';
/** Relative to the data folder: a socket's path may have 107 bytes only. */
const SOCKET = 'server.sock';
const TITLES: Readonly<Record<Database, string>> = { mysql: 'MySQL', mariadb: 'MariaDB' };

/** The same on MySQL and MariaDB: strict, in UTC, every commit on disk before it is answered. */
const SERVER_OPTIONS = [
  ...['--bind-address=127.0.0.1', '--skip-name-resolve', '--default-time-zone=+00:00'],
  ...['--innodb-flush-log-at-trx-commit=1', '--innodb-flush-method=O_DIRECT', '--innodb-doublewrite=1'],
  ...['--innodb-buffer-pool-size=256M', '--max-connections=500', '--character-set-server=utf8mb4'],
  '--sql-mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
];

/** By default MySQL keeps a binary log and MariaDB none: each as it is run in production (decision 0026). */
const OPTIONS_OF: Readonly<Record<Database, readonly string[]>> = {
  mysql: ['--sync-binlog=1', '--binlog-expire-logs-seconds=86400', '--max-binlog-size=64M', '--mysqlx=OFF'],
  mariadb: ['--skip-log-bin'],
};

/** Run at every start. Both host names, since a server may or may not resolve 127.0.0.1 to localhost. */
function initStatements(password: string): string {
  const users = ['localhost', '127.0.0.1'].flatMap((host) => [
    `CREATE USER IF NOT EXISTS 'root'@'${host}' IDENTIFIED BY '${password}';`,
    `ALTER USER 'root'@'${host}' IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON *.* TO 'root'@'${host}' WITH GRANT OPTION;`,
  ]);
  return [`CREATE DATABASE IF NOT EXISTS ${DATABASE} CHARACTER SET utf8mb4;`, ...users, ''].join('\n');
}

/** Data stay with the server that made them; without data it is the one that is wanted, or MySQL if it can be had. */
function boundTo(folder: string, wanted: Database | undefined): { part: SourcesOfPart; because?: string } {
  const data = join(folder, 'data');
  const held = databaseOf(data);
  const afresh = 'npm run reset deletes all local data and starts afresh';
  if (held && wanted && held !== wanted) {
    throw new Error(
      `LOCAL_DATABASE asks for ${TITLES[wanted]}, but the data in ${data} are ${TITLES[held]}'s. Unset it, or: ${afresh}`,
    );
  }
  if (wanted === 'mariadb') return { part: MARIADB, because: 'LOCAL_DATABASE says so' };
  if (held === 'mariadb') return { part: MARIADB, because: `the data in ${data} are MariaDB's; ${afresh} on MySQL` };
  if (held === undefined && wanted === undefined) return { part: MYSQL };
  const { fallback: _, ...alone } = MYSQL;
  return { part: alone };
}

async function connect(settings: Variables): Promise<Connection> {
  const config = readConfig(settings);
  return connectMysql(config, { database: config.DB_NAME, connectTimeout: 2_000 });
}

export const mysql: ServerPart = {
  ...MYSQL,
  name: 'mysql',
  address: 'DB_HOST',
  ports: { main: 3306 },
  stopGraceMs: 20_000,
  boundTo,
  fromEnvironment: (variables) =>
    variables.DB_HOST || variables.DB_PORT || isOn(variables.DB_TLS)
      ? {
          DB_HOST: 'localhost',
          DB_PORT: '3306',
          DB_NAME: DATABASE,
          DB_USER: 'root',
          DB_PASSWORD: '123456',
          ...settingsOf(variables, 'DB_'),
        }
      : undefined,
  settings: (setup) => ({
    DB_HOST: '127.0.0.1',
    DB_PORT: String(portOf(setup, 'main')),
    DB_NAME: DATABASE,
    DB_USER: 'root',
    DB_PASSWORD: setup.password,
  }),
  prepare: async ({ folder, installation, ports, password }) => {
    const data = join(folder, 'data');
    const initFile = join(folder, 'init.sql');
    mkdirSync(folder, { recursive: true });
    await prepareData(data, installation);
    // Left by a server that was killed; MySQL refuses to start when another process has its pid by now.
    rmSync(join(data, `${SOCKET}.lock`), { force: true });
    writeFileSync(initFile, initStatements(password), { mode: 0o600 });
    return {
      command: serverOf(installation),
      args: [
        ...[...placeOptions(installation, data), `--init-file=${initFile}`, `--port=${portOf({ ports }, 'main')}`],
        ...[`--socket=${SOCKET}`, `--pid-file=${join(folder, 'server.pid')}`],
        ...[...SERVER_OPTIONS, ...OPTIONS_OF[installation.programs.install ? 'mariadb' : 'mysql']],
      ],
      environment: serverEnvironment(installation, join(folder, 'tmp')),
      workingFolder: folder,
    };
  },
  probe: async (settings) => {
    const connection = await connect(settings);
    try {
      await connection.query('SELECT 1');
    } finally {
      connection.destroy();
    }
  },
  describe: async (settings) => {
    const connection = await connect(settings);
    try {
      const [[row]] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version');
      const { database, version } = parseVersion(String(row?.version));
      return `${TITLES[database]} ${version}`;
    } finally {
      connection.destroy();
    }
  },
};
