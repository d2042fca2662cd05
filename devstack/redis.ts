/** Redis (or Valkey) with an append-only file in its own folder. */
import { mkdirSync } from 'node:fs';
import { readConfig } from '../infra/config.ts';
import { openRedis } from '../infra/redis/connection.ts';
import { debianPackages } from './debian.ts';
import { systemVariables } from './environment.ts';
import { isOn, portOf, type ServerPart, settingsOf } from './part.ts';
import { findProgram } from './sources.ts';

export const redis: ServerPart = {
  name: 'redis',
  title: 'Redis',
  ports: { main: 6379 },
  stopGraceMs: 10_000,
  onPath: async (folders) => {
    const server = findProgram(['redis-server', 'valkey-server'], folders);
    return server ? { origin: server, programs: { server }, environment: {} } : undefined;
  },
  fetchables: [
    debianPackages({
      name: 'redis',
      packages: ['redis-server', 'redis-tools'],
      size: 'about 2 MB',
      programs: { server: 'usr/bin/redis-server' },
      probe: 'server',
    }),
  ],
  install: {
    packages: { debian: 'redis-server', fedora: 'valkey', arch: 'valkey', suse: 'valkey', macos: 'redis' },
    program: 'Redis 7 or newer, or Valkey,',
  },
  address: 'REDIS_HOST',
  fromEnvironment: (variables) =>
    variables.REDIS_HOST || variables.REDIS_PORT || isOn(variables.REDIS_TLS) || variables.REDIS_SENTINELS
      ? {
          ...(variables.REDIS_SENTINELS ? {} : { REDIS_HOST: 'localhost', REDIS_PORT: '6379' }),
          REDIS_DATABASE: '0',
          ...settingsOf(variables, 'REDIS_'),
        }
      : undefined,
  settings: (setup) => ({
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(portOf(setup, 'main')),
    REDIS_DATABASE: '0',
    REDIS_PASSWORD: '',
  }),
  prepare: async (setup) => {
    mkdirSync(setup.folder, { recursive: true });
    const options = ['--port', String(portOf(setup, 'main')), '--bind', '127.0.0.1', '--dir', setup.folder];
    return {
      command: setup.installation.programs.server ?? 'redis-server',
      args: [...options, '--appendonly', 'yes', '--save', '', '--daemonize', 'no'],
      environment: { ...systemVariables(), ...setup.installation.environment },
      workingFolder: setup.folder,
    };
  },
  probe: async (settings) => {
    const client = await openRedis(readConfig(settings), 2_000);
    try {
      await client.get('llm-gateway:probe');
    } finally {
      client.disconnect();
    }
  },
};
