/** The command line clients of the server that the tests run on. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MYSQL } from '../../devstack/database-products.ts';
import { debianPackages } from '../../devstack/debian.ts';
import { cacheFolder, programFolders, type Variables } from '../../devstack/environment.ts';
import { PARTS } from '../../devstack/parts.ts';
import { findProgram, type Installation, obtainPart, planPart, type SourcesOfPart } from '../../devstack/sources.ts';

/** The clients of the server that runs: installed, or unpacked into the cache. */
function clientsOf(server: string): SourcesOfPart {
  const mariadb = server.startsWith('MariaDB');
  return {
    title: `clients of ${server}`,
    onPath: async (folders: readonly string[]): Promise<Installation | undefined> => {
      const dump = findProgram([mariadb ? 'mariadb-dump' : 'mysqldump'], folders);
      const client = findProgram([mariadb ? 'mariadb' : 'mysql'], folders);
      return dump && client ? { origin: dump, programs: { dump, client }, environment: {} } : undefined;
    },
    fetchables: mariadb
      ? [
          debianPackages({
            name: 'mariadb-clients',
            packages: ['mariadb-client-core', 'mariadb-client'],
            size: 'about 4 MB',
            programs: { dump: 'usr/bin/mariadb-dump', client: 'usr/bin/mariadb' },
            probe: 'dump',
          }),
        ]
      : MYSQL.fetchables,
    install: { packages: { debian: 'mariadb-client', macos: 'mysql-client' }, program: `the client of ${server}` },
  };
}

/**
 * `mysql` and `mysqldump` that speak to the test's own server, as those in the container of Compose speak to its own.
 * @param environment of the servers: where MySQL is stands in it.
 */
export async function clientsInto(programs: string, environment: Variables): Promise<void> {
  const signal = AbortSignal.timeout(3 * 60_000);
  const options = { folders: programFolders(), cache: cacheFolder(), signal };
  const quiet = { report: () => undefined, tick: () => undefined };
  const clients = clientsOf((await PARTS.mysql.describe?.(environment)) ?? '');
  const plan = await planPart(clients, options);
  const { installation } = await obtainPart(clients, plan, { ...options, ...quiet });
  const libraries = installation.environment.LD_LIBRARY_PATH ?? '';
  mkdirSync(programs);
  const address = `--host='${environment.DB_HOST}' --port='${environment.DB_PORT}'`;
  for (const [name, program] of [
    ['mysqldump', installation.programs.dump],
    ['mysql', installation.programs.client],
  ]) {
    const set = libraries === '' ? '' : `LD_LIBRARY_PATH='${libraries}' `;
    writeFileSync(join(programs, name ?? ''), `#!/bin/sh\n${set}exec '${program}' ${address} "$@"\n`, { mode: 0o755 });
  }
}
