/** MySQL or MariaDB with a data folder, port and socket of its own; MONEY.md's durability settings are on. */
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { createConnection } from 'mysql2/promise';
import { debianPackages } from './debian.ts';
import { systemVariables } from './environment.ts';
import { type PartSetup, portOf, type ServerPart } from './part.ts';
import { findProgram, type Installation } from './sources.ts';

const DATABASE = 'model_service';

/** The same on MySQL 8 and MariaDB: strict, in UTC, every commit on disk before it is answered. */
const SERVER_OPTIONS = [
  ...['--bind-address=127.0.0.1', '--skip-name-resolve', '--default-time-zone=+00:00', '--skip-log-bin'],
  ...['--innodb-flush-log-at-trx-commit=1', '--innodb-flush-method=O_DIRECT', '--innodb-doublewrite=1'],
  ...['--innodb-buffer-pool-size=256M', '--max-connections=500', '--character-set-server=utf8mb4'],
  '--sql-mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
  '--loose-mysqlx=OFF',
];

/** mysqld refuses to run as root unless told so. */
const ROOT_OPTIONS = process.getuid?.() === 0 ? ['--user=root'] : [];

/** A folder of its own for temporary tables: at its start a server removes all those it finds, also another one's. */
function environment({ folder, installation }: PartSetup) {
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  return { ...systemVariables(), ...installation.environment, TZ: 'UTC', TMPDIR: temporary };
}

async function initialize(setup: PartSetup, data: string): Promise<void> {
  const { programs } = setup.installation;
  const building = `${data}.new`;
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true });
  const options = { env: environment(setup), extendEnv: false, stdin: 'ignore' as const };
  if (programs.install) {
    const installOptions = ['--auth-root-authentication-method=normal', '--skip-test-db', ...ROOT_OPTIONS];
    const base = ['--no-defaults', `--basedir=${baseFolder(setup)}`, `--datadir=${building}`];
    await execa(programs.install, [...base, ...installOptions], options);
  } else {
    const args = ['--no-defaults', '--initialize-insecure', `--datadir=${building}`, ...ROOT_OPTIONS];
    await execa(programs.server ?? 'mysqld', args, options);
  }
  renameSync(building, data);
}

/** Run at every start. Both host names, since a server may or may not resolve 127.0.0.1 to localhost. */
function initStatements(password: string): string {
  const users = ['localhost', '127.0.0.1'].flatMap((host) => [
    `CREATE USER IF NOT EXISTS 'root'@'${host}' IDENTIFIED BY '${password}';`,
    `ALTER USER 'root'@'${host}' IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON *.* TO 'root'@'${host}' WITH GRANT OPTION;`,
  ]);
  return [`CREATE DATABASE IF NOT EXISTS ${DATABASE} CHARACTER SET utf8mb4;`, ...users, ''].join('\n');
}

function baseFolder(setup: PartSetup): string {
  return dirname(dirname(realpathSync(setup.installation.programs.server ?? '/usr/sbin/mysqld')));
}

async function onPath(folders: readonly string[]): Promise<Installation | undefined> {
  const server = findProgram(['mariadbd', 'mysqld'], folders);
  if (!server) return undefined;
  const { stdout } = await execa(server, ['--version'], { reject: false });
  if (!stdout?.includes('MariaDB')) return { origin: server, programs: { server }, environment: {} };
  const install = findProgram(['mariadb-install-db', 'mysql_install_db'], folders);
  return install ? { origin: server, programs: { server, install }, environment: {} } : undefined;
}

export const mysql: ServerPart = {
  name: 'mysql',
  title: 'MySQL',
  ports: { main: 3306 },
  stopGraceMs: 20_000,
  onPath,
  fetchables: [
    debianPackages({
      name: 'mariadb',
      packages: ['mariadb-server-core', 'mariadb-client-core'],
      size: 'about 10 MB',
      programs: { server: 'usr/sbin/mariadbd', install: 'usr/bin/mariadb-install-db' },
      probe: 'server',
    }),
  ],
  install: { debian: 'sudo apt-get install mariadb-server-core mariadb-client-core', macos: 'brew install mariadb' },
  fromEnvironment: (variables) =>
    variables.DB_HOST || variables.DB_PORT
      ? {
          DB_HOST: variables.DB_HOST ?? 'localhost',
          DB_PORT: variables.DB_PORT ?? '3306',
          DB_NAME: variables.DB_NAME ?? DATABASE,
          DB_USER: variables.DB_USER ?? 'root',
          DB_PASSWORD: variables.DB_PASSWORD ?? '123456',
        }
      : undefined,
  settings: (setup) => ({
    DB_HOST: '127.0.0.1',
    DB_PORT: String(portOf(setup, 'main')),
    DB_NAME: DATABASE,
    DB_USER: 'root',
    DB_PASSWORD: setup.password,
  }),
  prepare: async (setup) => {
    const data = join(setup.folder, 'data');
    const initFile = join(setup.folder, 'init.sql');
    mkdirSync(setup.folder, { recursive: true });
    if (!existsSync(data)) await initialize(setup, data);
    writeFileSync(initFile, initStatements(setup.password), { mode: 0o600 });
    return {
      command: setup.installation.programs.server ?? 'mysqld',
      args: [
        ...['--no-defaults', `--basedir=${baseFolder(setup)}`, `--datadir=${data}`, `--init-file=${initFile}`],
        ...[`--port=${portOf(setup, 'main')}`, `--pid-file=${join(setup.folder, 'server.pid')}`],
        // Relative to the data folder: a socket's path may have 107 bytes only.
        ...['--socket=server.sock', ...SERVER_OPTIONS, ...ROOT_OPTIONS],
      ],
      environment: environment(setup),
      workingFolder: setup.folder,
    };
  },
  probe: async (settings) => {
    const connection = await createConnection({
      host: settings.DB_HOST ?? '',
      port: Number(settings.DB_PORT),
      user: settings.DB_USER ?? '',
      password: settings.DB_PASSWORD ?? '',
      database: settings.DB_NAME ?? '',
      connectTimeout: 2_000,
    });
    try {
      await connection.query('SELECT 1');
    } finally {
      connection.destroy();
    }
  },
};
