/** The settings under which `npm start` runs the product. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Variables } from './environment.ts';
import type { PartName } from './part.ts';
import { PART_NAMES, PARTS } from './parts.ts';
import type { ServicePorts } from './service-ports.ts';
import type { UserSettings } from './user-settings.ts';

interface ServerSettings {
  readonly prefix: string;
  /** Works with a server of ours as well. */
  readonly followed: readonly string[];
}

const SERVERS: Readonly<Record<PartName, ServerSettings>> = {
  mysql: { prefix: 'DB_', followed: ['DB_POOL_SIZE'] },
  redis: { prefix: 'REDIS_', followed: [] },
  mongo: { prefix: 'MONGODB_', followed: [] },
  temporal: { prefix: 'TEMPORAL_', followed: [] },
};

/**
 * Removes the settings for a foreign server if the server is started here, and reports which had
 * another value than the server has.
 */
export function withoutOthersServers(user: UserSettings, servers: Variables): { values: Variables; notes: string[] } {
  const notes = user.unknown.map((name) => `${name} (.env) is not a setting and has no effect.`);
  const dropped = new Set<string>();
  for (const part of PART_NAMES.filter((name) => !PARTS[name].fromEnvironment(user.values))) {
    const { prefix, followed } = SERVERS[part];
    const foreign = Object.keys(user.values).filter((name) => name.startsWith(prefix) && !followed.includes(name));
    for (const name of foreign) dropped.add(name);
    const ignored = foreign.filter((name) => user.values[name] !== servers[name]).map(user.named);
    if (ignored.length === 0) continue;
    const { title, address } = PARTS[part];
    notes.push(
      `${ignored.join(', ')}: no effect, since this ${title} is npm start's own; ${address} names another one.`,
    );
  }
  return { values: Object.fromEntries(Object.entries(user.values).filter(([name]) => !dropped.has(name))), notes };
}

/** Any address of this machine is meant by 0.0.0.0; a link needs one. */
function linkHost(host: string): string {
  if (['', '0.0.0.0', '::', '127.0.0.1', '::1'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

/** The product's settings for local use: loopback only, the simulator as provider, orders payable by their owner. */
export function localSettings(options: {
  ports: ServicePorts;
  secrets: Variables;
  user: Variables;
  servers: Variables;
}): Variables {
  const { ports, secrets, user, servers } = options;
  return {
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    PUBLIC_URL: `http://${linkHost(user.HOST ?? '')}:${ports.api}`,
    PAYMENT_SANDBOX: 'true',
    SIMULATOR_URL: `http://127.0.0.1:${ports.simulator}`,
    // For a receiver of the user, and for that of test_scripts; the product does not listen there.
    WEBHOOK_PRIVATE_HOSTS: `127.0.0.1:${ports.webhooks},localhost:${ports.webhooks}`,
    SHUTDOWN_GRACE: '5s',
    ...secrets,
    ...user,
    PORT: String(ports.api),
    WORKER_PORT: String(ports.worker),
    ...servers,
  };
}

const settingsSchema = z.record(z.string(), z.string());

function settingsFile(dataFolder: string): string {
  return join(dataFolder, 'settings.json');
}

/** Writes the settings in effect to a file, for commands and scripts. Readable by the owner only. */
export function writeRunningSettings(dataFolder: string, settings: Variables): void {
  const file = settingsFile(dataFolder);
  writeFileSync(`${file}.new`, JSON.stringify(settings, undefined, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The settings of the last start; undefined before the first. */
export function readRunningSettings(dataFolder: string): Variables | undefined {
  const file = settingsFile(dataFolder);
  return existsSync(file) ? settingsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
}
