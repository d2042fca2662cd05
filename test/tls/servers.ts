/** Servers that take encrypted connections of known users with a certificate only: MySQL, and Redis under Sentinel. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../devstack/environment.ts';
import { mysql } from '../../devstack/mysql.ts';
import type { PartName, ServerPart } from '../../devstack/part.ts';
import { claimPort } from '../../devstack/ports.ts';
import { redis } from '../../devstack/redis.ts';
import type { Installation } from '../../devstack/sources.ts';
import { ownPart, type StackPart } from '../../devstack/stack-part.ts';
import { readStackState } from '../../devstack/stack-state.ts';
import { readConfig } from '../../infra/config.ts';
import { connectMysql } from '../../infra/mysql/connection.ts';
import { openRedis } from '../../infra/redis/connection.ts';
import { until } from '../until.ts';
import type { Certificates } from './certificates.ts';

const USER = 'gateway';
export const PASSWORD = 'of-the-gateway-alone';
const OPERATOR_PASSWORD = 'of-the-operator';
export const SENTINEL_PASSWORD = 'of-the-sentinels';
const MASTER = 'main';
const PROBE_MS = 2_000;
/** Below the range from which systems give ports to outgoing connections. */
const FIRST_PORT = 22_500;

export type Settings = Readonly<Record<string, string>>;

async function freePort(): Promise<number> {
  return (await claimPort(FIRST_PORT, join(cacheFolder(), 'ports'))).port;
}

/** The program that the stack of the tests runs. */
function installationOf(name: PartName, stackFolder: string): Installation {
  const installation = readStackState(stackFolder).parts[name]?.installation;
  if (!installation) throw new Error(`${name} is not of this stack: its program is not known`);
  return installation;
}

export function tlsSettings(
  prefix: 'DB' | 'REDIS' | 'TEMPORAL',
  { ca, clientCert, clientKey }: Certificates,
): Settings {
  const name = `${prefix}_TLS`;
  return { [name]: 'true', [`${name}_CA`]: ca, [`${name}_CERT`]: clientCert, [`${name}_KEY`]: clientKey };
}

export interface Server {
  readonly part: StackPart;
  /** As the gateway reaches it. */
  readonly settings: Settings;
}

/** MySQL whose one user of ours needs a certificate. @param databases pattern of the names that it may use. */
export async function startMysql(
  folder: string,
  stackFolder: string,
  certificates: Certificates,
  databases: string,
): Promise<Server> {
  const { ca, serverCert, serverKey } = certificates;
  const part: ServerPart = {
    ...mysql,
    prepare: async (setup) => {
      const launch = await mysql.prepare(setup);
      return {
        ...launch,
        args: [...launch.args, `--ssl-ca=${ca}`, `--ssl-cert=${serverCert}`, `--ssl-key=${serverKey}`],
      };
    },
  };
  const port = await freePort();
  const address = { DB_HOST: 'localhost', DB_PORT: String(port), ...tlsSettings('DB', certificates) };
  const settings = { ...address, DB_USER: 'root', DB_PASSWORD: OPERATOR_PASSWORD, DB_NAME: 'model_service' };
  const installation = installationOf('mysql', stackFolder);
  const state = { ports: { main: port }, installation, settings, password: OPERATOR_PASSWORD };
  const server = ownPart(part, state, folder);
  await server.start();
  const connection = await connectMysql(readConfig(settings));
  await connection.query(`CREATE USER '${USER}'@'%' IDENTIFIED BY '${PASSWORD}' REQUIRE X509`);
  await connection.query(`GRANT ALL PRIVILEGES ON \`${databases}\`.* TO '${USER}'@'%'`);
  await connection.end();
  return { part: server, settings: { ...address, DB_USER: USER, DB_PASSWORD: PASSWORD } };
}

function tlsLines(port: number, { ca, serverCert, serverKey }: Certificates): string[] {
  const files = [`tls-ca-cert-file ${ca}`, `tls-cert-file ${serverCert}`, `tls-key-file ${serverKey}`];
  return ['port 0', `tls-port ${port}`, ...files, 'tls-auth-clients yes', 'tls-replication yes', 'bind 127.0.0.1'];
}

/** What docs/deployment.md gives the gateway's user, and FLUSHDB, which a test begins with. */
const RIGHTS = '~* &* +@all -@admin -@dangerous +info +flushdb';

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly settings: Settings;
}

async function startRedis(place: Place, lines: string[], installation: Installation, args: string[] = []) {
  mkdirSync(join(place.folder, 'redis'), { recursive: true });
  const file = join(place.folder, 'redis.conf');
  // Sentinel keeps its state in its file, which a second start must not overwrite.
  writeFileSync(file, `${[`dir ${join(place.folder, 'redis')}`, ...lines].join('\n')}\n`);
  const part: ServerPart = {
    ...redis,
    prepare: async (setup) => ({ ...(await redis.prepare(setup)), args: [file, ...args] }),
    // Sentinel knows PING, not GET.
    probe: async (settings) => (await openRedis(readConfig(settings), PROBE_MS)).disconnect(),
  };
  const state = { ports: { main: place.port }, installation, settings: place.settings, password: '' };
  const server = ownPart(part, state, place.folder);
  await server.start();
  return server;
}

export interface RedisServers {
  readonly master: StackPart;
  readonly all: readonly StackPart[];
  /** As the gateway reaches it, through Sentinel. */
  readonly settings: Settings;
  /** The replica, without Sentinel. */
  readonly replica: Settings;
}

/** A master, a replica and a Sentinel, which makes the replica the master when that is gone for a second. */
export async function startRedisServers(
  folder: string,
  stackFolder: string,
  certificates: Certificates,
): Promise<RedisServers> {
  const installation = installationOf('redis', stackFolder);
  const [masterPort, replicaPort, sentinelPort] = [await freePort(), await freePort(), await freePort()];
  const placeOf = (name: string, port: number, password: string): Place => {
    const address = { REDIS_HOST: 'localhost', REDIS_PORT: String(port), REDIS_PASSWORD: password };
    return { folder: join(folder, name), port, settings: { ...address, ...tlsSettings('REDIS', certificates) } };
  };
  const shared = [`requirepass ${OPERATOR_PASSWORD}`, `masterauth ${OPERATOR_PASSWORD}`, 'save ""'];
  const server = [...shared, `user ${USER} on >${PASSWORD} ${RIGHTS}`];
  const masterPlace = placeOf('master', masterPort, OPERATOR_PASSWORD);
  const master = await startRedis(masterPlace, [...tlsLines(masterPort, certificates), ...server], installation);
  const replicaLines = [...tlsLines(replicaPort, certificates), ...server, `replicaof 127.0.0.1 ${masterPort}`];
  const replicaPlace = placeOf('replica', replicaPort, OPERATOR_PASSWORD);
  const replica = await startRedis(replicaPlace, replicaLines, installation);
  // Sentinel asks the master for its replicas at once, and then every ten seconds.
  const operator = await openRedis(readConfig(masterPlace.settings), PROBE_MS);
  await until('the replica follows', async () => /state=online/.test(await operator.info('replication')));
  operator.disconnect();
  const watched = [
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 1`,
    `sentinel auth-pass ${MASTER} ${OPERATOR_PASSWORD}`,
    `sentinel down-after-milliseconds ${MASTER} 1000`,
    `sentinel failover-timeout ${MASTER} 5000`,
  ];
  const sentinelLines = [...tlsLines(sentinelPort, certificates), `requirepass ${SENTINEL_PASSWORD}`, ...watched];
  const sentinelPlace = placeOf('sentinel', sentinelPort, SENTINEL_PASSWORD);
  const sentinel = await startRedis(sentinelPlace, sentinelLines, installation, ['--sentinel']);
  const user = { REDIS_USERNAME: USER, REDIS_PASSWORD: PASSWORD };
  return {
    master,
    all: [sentinel, replica, master],
    settings: {
      ...tlsSettings('REDIS', certificates),
      ...user,
      // Sentinel returns IP addresses, but the certificates have a name.
      REDIS_TLS_SERVER_NAME: 'localhost',
      REDIS_SENTINELS: `localhost:${sentinelPort}`,
      REDIS_SENTINEL_MASTER: MASTER,
      REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
    },
    replica: { ...replicaPlace.settings, ...user },
  };
}
