/** The MongoDB wire: mongod where there is one or where it can be fetched, else FerretDB over SQLite. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../infra/config.ts';
import { openMongo } from '../infra/mongo/connection.ts';
import { type Archive, officialDownload } from './download.ts';
import { systemVariables } from './environment.ts';
import { goBuild } from './go-build.ts';
import { portOf, type ServerPart } from './part.ts';
import { findProgram } from './sources.ts';
import { osRelease } from './system.ts';

const MONGOD_VERSION = '8.0.32';
const DATABASE = 'llm-proxy';

/** The builds of mongod that stand for this system's; older or other systems have none here. */
function linuxBuild(): string | undefined {
  const { id, version } = osRelease();
  const builds: Record<string, string> = {
    ...{ debian12: 'debian12', debian13: 'debian12' },
    ...{ 'ubuntu22.04': 'ubuntu2204', 'ubuntu24.04': 'ubuntu2404', 'ubuntu26.04': 'ubuntu2404' },
  };
  const build = builds[`${id}${version}`];
  // MongoDB publishes Debian builds for x86_64 only.
  return build?.startsWith('debian') && process.arch !== 'x64' ? undefined : build;
}

function mongodArchive(): Archive | undefined {
  const base = 'https://fastdl.mongodb.org';
  const whole = (url: string): Archive => ({ url, file: 'bin/mongod', topFolder: true, checksumUrl: `${url}.sha256` });
  if (process.platform === 'darwin') {
    return whole(`${base}/osx/mongodb-macos-${process.arch === 'arm64' ? 'arm64' : 'x86_64'}-${MONGOD_VERSION}.tgz`);
  }
  const build = process.platform === 'linux' ? linuxBuild() : undefined;
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return build ? whole(`${base}/linux/mongodb-linux-${machine}-${build}-${MONGOD_VERSION}.tgz`) : undefined;
}

export const mongo: ServerPart = {
  name: 'mongo',
  title: 'MongoDB',
  ports: { main: 27_017 },
  stopGraceMs: 10_000,
  onPath: async (folders) => {
    const mongod = findProgram(['mongod'], folders);
    return mongod ? { origin: mongod, programs: { mongod }, environment: {} } : undefined;
  },
  fetchables: [
    officialDownload({
      name: 'mongod',
      version: MONGOD_VERSION,
      size: 'about 100 MB',
      time: 'a minute',
      archive: mongodArchive(),
    }),
    goBuild({
      name: 'ferretdb',
      version: '1.24.0',
      package: './ferretdb',
      flags: ['-tags=ferretdb_no_postgresql'],
      size: 'about 60 MB of modules',
      time: 'about 2 min, once',
    }),
  ],
  install: {
    packages: { macos: 'mongodb/brew/mongodb-community' },
    program: 'mongod, or Go 1.25 or newer, with which a stand-in is built (https://go.dev/dl),',
  },
  address: 'MONGODB_URI',
  fromEnvironment: (variables) => (variables.MONGODB_URI ? { MONGODB_URI: variables.MONGODB_URI } : undefined),
  settings: (setup) => ({ MONGODB_URI: `mongodb://127.0.0.1:${portOf(setup, 'main')}/${DATABASE}` }),
  prepare: async (setup) => {
    const { mongod, ferretdb } = setup.installation.programs;
    const port = portOf(setup, 'main');
    // The two keep their data in different forms.
    const data = join(setup.folder, mongod ? 'mongod' : 'ferretdb');
    mkdirSync(data, { recursive: true });
    const mongodOptions = ['--dbpath', data, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'];
    return {
      command: mongod ?? ferretdb ?? 'mongod',
      args: mongod ? mongodOptions : [`127.0.0.1:${port}`, data],
      environment: systemVariables(),
      workingFolder: setup.folder,
    };
  },
  probe: async (settings) => {
    const connection = await openMongo(readConfig(settings), 2_000);
    try {
      await connection.collection('probe').findOne({});
    } finally {
      await connection.destroy(true);
    }
  },
};
