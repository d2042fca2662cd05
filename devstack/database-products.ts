/** MySQL and MariaDB as programs: where each comes from, how its first data folder is made and whose one is. */
import { constants, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { cached } from './cache.ts';
import { debianPackages } from './debian.ts';
import { debianSuite } from './debian-suite.ts';
import { cacheFolder, type Database, systemVariables, type Variables } from './environment.ts';
import { findProgram, type Installation, type SourcesOfPart } from './sources.ts';

const OLDEST_MYSQL = 8;

export const MARIADB: SourcesOfPart = {
  title: 'MariaDB',
  onPath: async (folders) => {
    const server = findProgram(['mariadbd', 'mysqld'], folders);
    const install = findProgram(['mariadb-install-db', 'mysql_install_db'], folders);
    if (!server || !install || (await versionOf(server)).database !== 'mariadb') return undefined;
    return { origin: server, programs: { server, install }, environment: {} };
  },
  fetchables: [
    debianPackages({
      name: 'mariadb',
      packages: ['mariadb-server-core', 'mariadb-client-core'],
      size: 'about 10 MB',
      programs: { server: 'usr/sbin/mariadbd', install: 'usr/bin/mariadb-install-db' },
      probe: 'server',
    }),
  ],
  install: {
    packages: {
      debian: 'mariadb-server-core mariadb-client-core',
      fedora: 'mariadb-server',
      arch: 'mariadb',
      suse: 'mariadb',
      macos: 'mysql',
    },
    program: 'MySQL 8 or newer, or MariaDB 10.11 or newer,',
  },
  address: 'DB_HOST',
};

export const MYSQL: SourcesOfPart = {
  title: 'MySQL',
  onPath: async (folders) => {
    const server = findProgram(['mysqld'], folders);
    if (!server) return undefined;
    const { database, version } = await versionOf(server);
    if (database !== 'mysql' || numbersOf(version)[0] < OLDEST_MYSQL) return undefined;
    return { origin: server, programs: { server }, environment: {} };
  },
  fetchables: [
    debianSuite({
      name: 'mysql',
      suite: 'sid',
      packages: ['mysql-server-core', 'mysql-client-core'],
      // For mysqld_safe and mysqldumpslow.
      without: ['perl', 'libperl'],
      size: 'about 70 MB',
      programs: { server: 'usr/sbin/mysqld', client: 'usr/bin/mysql', dump: 'usr/bin/mysqldump' },
    }),
  ],
  install: MARIADB.install,
  address: 'DB_HOST',
  fallback: MARIADB,
};

/** What a server says of itself with `--version`, or a connection with VERSION(). */
export function parseVersion(text: string): { database: Database; version: string } {
  const database = text.includes('MariaDB') ? 'mariadb' : 'mysql';
  return { database, version: /(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? 'of unknown version' };
}

async function versionOf(server: string, environment: Variables = {}) {
  const { stdout } = await execa(server, ['--version'], { reject: false, env: environment, timeout: 20_000 });
  return parseVersion(stdout ?? '');
}

/** Major and minor: between those of one pair, data are the same. */
function numbersOf(version: string): [major: number, minor: number] {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number(part) || 0);
  return [major, minor];
}

/** Which product the data belong to; undefined without data. */
export function databaseOf(data: string): Database | undefined {
  if (!existsSync(data)) return undefined;
  return existsSync(join(data, 'aria_log_control')) ? 'mariadb' : 'mysql';
}

/**
 * MySQL does not open what a newer one has had in hand.
 * @throws Error that says what helps.
 */
export async function refuseNewerData(data: string, installation: Installation): Promise<void> {
  const history = join(data, 'mysql_upgrade_history');
  if (!existsSync(history)) return;
  const last = [...readFileSync(history, 'utf8').matchAll(/"version":"([^"]+)"/g)].at(-1)?.[1] ?? '';
  const { version } = await versionOf(serverOf(installation), installation.environment);
  const [[dataMajor, dataMinor], [major, minor]] = [numbersOf(last), numbersOf(version)];
  if (dataMajor < major || (dataMajor === major && dataMinor <= minor)) return;
  throw new Error(
    `${data} was last used by MySQL ${last}; the MySQL ${version} that is installed (${installation.origin}) is older ` +
      'and cannot open it. Put the newer one first on PATH, or delete the data and start afresh: npm run reset',
  );
}

export function serverOf(installation: Installation): string {
  const { server } = installation.programs;
  if (!server) throw new Error(`no server among the programs of ${installation.origin}`);
  return server;
}

/** The folder above the server's own: messages and plugins are found from there. */
function baseFolder(installation: Installation): string {
  return dirname(dirname(realpathSync(serverOf(installation))));
}

/** A server runs as root only if this option says so. */
const ROOT_OPTIONS = process.getuid?.() === 0 ? ['--user=root'] : [];

/** With a folder of its own for temporary tables: at its start a server removes all it finds, another one's too. */
export function serverEnvironment(installation: Installation, temporary: string): Variables {
  mkdirSync(temporary, { recursive: true });
  return { ...systemVariables(), ...installation.environment, TZ: 'UTC', TMPDIR: temporary };
}

/** What a server needs to find its files, before all other options. */
export function placeOptions(installation: Installation, data: string): string[] {
  const base = ['--no-defaults', `--basedir=${baseFolder(installation)}`, `--datadir=${data}`, ...ROOT_OPTIONS];
  // Debian's default is a folder that only its server package makes.
  return installation.programs.install ? base : [...base, '--secure-file-priv=NULL'];
}

async function initialise(folder: string, installation: Installation): Promise<void> {
  const temporary = `${folder}.tmp`;
  const options = { env: serverEnvironment(installation, temporary), extendEnv: false, stdin: 'ignore' as const };
  const place = placeOptions(installation, folder);
  try {
    if (installation.programs.install) {
      const rights = ['--auth-root-authentication-method=normal', '--skip-test-db'];
      await execa(installation.programs.install, [...place, ...rights], options);
    } else {
      // Small logs make a small copy; a server that starts makes them as large as it is told.
      await execa(
        serverOf(installation),
        [...place, '--initialize-insecure', '--innodb-redo-log-capacity=8M'],
        options,
      );
      // Its identity: each copy makes one.
      rmSync(join(folder, 'auto.cnf'), { force: true });
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * Makes `data` ready where it is not there yet: a copy of an untouched data folder, which is made once for each version
 * of a server (five to ten seconds) and kept in the cache.
 */
export async function prepareData(data: string, installation: Installation): Promise<void> {
  if (existsSync(data)) {
    if (!installation.programs.install) await refuseNewerData(data, installation);
    return;
  }
  const { database, version } = await versionOf(serverOf(installation), installation.environment);
  const entry = { name: `${database}-data`, version: `${version}-${process.platform}-${process.arch}` };
  const untouched = await cached(cacheFolder(), entry, (folder) => initialise(folder, installation));
  const copy = `${data}.new`;
  rmSync(copy, { recursive: true, force: true });
  await cp(untouched, copy, { recursive: true, mode: constants.COPYFILE_FICLONE });
  renameSync(copy, data);
}
