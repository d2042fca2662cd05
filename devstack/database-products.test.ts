import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MARIADB, MYSQL, parseVersion, refuseNewerData } from './database-products.ts';
import { mysql } from './mysql.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'databases-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

/** A part's folder; its data have the file that shows whose they are. */
function partFolder(file?: string, content = ''): string {
  const folder = mkdtempSync(join(SCRATCH, 'part-'));
  if (file === undefined) return folder;
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data', file), content);
  return folder;
}

/** A folder of programs in which a server shows this version. */
function programs(name: string, version: string): string {
  const folder = mkdtempSync(join(SCRATCH, 'programs-'));
  writeFileSync(join(folder, name), `#!/bin/sh\necho "${name}  Ver ${version} for Linux on x86_64"\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'mariadb-install-db'), '#!/bin/sh\n', { mode: 0o755 });
  return folder;
}

const boundTo = (folder: string, wanted?: 'mysql' | 'mariadb') => mysql.boundTo?.(folder, wanted);

test('servers show which of the two they are, and their version', () => {
  assert.deepEqual(parseVersion('mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))'), {
    database: 'mysql',
    version: '9.7.4',
  });
  assert.deepEqual(parseVersion('10.11.14-MariaDB-0+deb12u2'), { database: 'mariadb', version: '10.11.14' });
});

test('a mysqld that is MariaDB, or older than MySQL 8, is not taken for MySQL', async () => {
  const onPath = async (name: string, version: string) => {
    const folder = programs(name, version);
    const found = async (part: typeof MYSQL) => (await part.onPath([folder])) !== undefined;
    return [await found(MYSQL), await found(MARIADB)];
  };
  assert.deepEqual(await onPath('mysqld', '8.4.6'), [true, false]);
  assert.deepEqual(await onPath('mysqld', '5.7.44'), [false, false]);
  assert.deepEqual(await onPath('mysqld', '10.11.14-MariaDB'), [false, true]);
  assert.deepEqual(await onPath('mariadbd', '10.11.14-MariaDB'), [false, true]);
});

test('without data MySQL is taken, MariaDB in its place, unless one of them is asked for', () => {
  const folder = partFolder();
  assert.equal(boundTo(folder)?.part, MYSQL);
  assert.equal(boundTo(folder, 'mariadb')?.part, MARIADB);
  const strict = boundTo(folder, 'mysql')?.part;
  assert.deepEqual([strict?.title, strict?.fallback], ['MySQL', undefined]);
});

test('data stay with the server that made them: none is started on the data of the other', () => {
  const ofMariadb = partFolder('aria_log_control');
  assert.equal(boundTo(ofMariadb)?.part, MARIADB);
  assert.match(
    boundTo(ofMariadb)?.because ?? '',
    /are MariaDB's; npm run reset deletes all local data and starts afresh on MySQL/,
  );
  assert.throws(() => boundTo(ofMariadb, 'mysql'), /LOCAL_DATABASE asks for MySQL, but the data in .* are MariaDB's/);

  const ofMysql = partFolder('mysql.ibd');
  assert.deepEqual([boundTo(ofMysql)?.part.title, boundTo(ofMysql)?.part.fallback], ['MySQL', undefined]);
  assert.throws(() => boundTo(ofMysql, 'mariadb'), /LOCAL_DATABASE asks for MariaDB, but the data in .* are MySQL's/);
});

test('an older MySQL is not started on the data of a newer one', async () => {
  const history = '{"upgrade_history":[{"version":"8.4.6","initialize":true},{"version":"9.7.4-2"}]}';
  const data = join(partFolder('mysql_upgrade_history', history), 'data');
  const open = (version: string) => {
    const server = join(programs('mysqld', version), 'mysqld');
    return refuseNewerData(data, { origin: server, programs: { server }, environment: {} });
  };
  await assert.rejects(open('8.4.6'), /was last used by MySQL 9\.7\.4-2; the MySQL 8\.4\.6 .* is older/);
  await open('9.7.1');
  await open('10.1.0');
});
