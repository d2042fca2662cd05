/**
 * The whole product on servers that take encrypted connections of their known users only, each with a certificate of an
 * authority that only the settings name; and each server refusing, and refused, with advice.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { NativeConnection } from '@temporalio/worker';
import { execa } from 'execa';
import { z } from 'zod';
import { lookAtMongo, lookAtRedis } from '../../cli/doctor/dependencies.ts';
import type { Finding } from '../../cli/doctor/finding.ts';
import { lookAtMysql } from '../../cli/doctor/mysql.ts';
import { lookAtTemporal } from '../../cli/doctor/temporal.ts';
import { systemVariables } from '../../devstack/environment.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { type Config, readConfig } from '../../infra/config.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectRedis } from '../../infra/redis/connection.ts';
import { temporalAdvice, temporalOptions } from '../../infra/temporal/options.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type Front, tcpFront, temporalFront } from './fronts.ts';
import {
  PASSWORD,
  type RedisServers,
  SENTINEL_PASSWORD,
  type Server,
  type Settings,
  startMysql,
  startRedisServers,
  tlsSettings,
} from './servers.ts';

/** A busy machine, not the server. */
const LATE = /ETIMEDOUT|timed out|does not answer/;
const REFUSED_WITHIN_MS = 15_000;
const API_KEY = 'key-of-temporal-cloud';
const DOCTOR = join(import.meta.dirname, '../../cli/doctor.ts');

let folder: string;
let certificates: Certificates;
let mysql: Server;
let redis: RedisServers;
let mongo: Front;
let temporal: Front;
let settings: Settings;
let product: Product;

before(async () => {
  const { dataFolder, environment } = testStack();
  folder = mkdtempSync(join(dataFolder, 'tls-'));
  certificates = await makeCertificates();
  const stored = new URL(environment.MONGODB_URI ?? '');
  [mysql, redis, mongo, temporal] = await Promise.all([
    startMysql(join(folder, 'mysql'), dataFolder, certificates, 'line\\_tls\\_%'),
    startRedisServers(folder, dataFolder, certificates),
    tcpFront({ host: stored.hostname, port: Number(stored.port) }, certificates),
    temporalFront(environment.TEMPORAL_ADDRESS ?? '', API_KEY, certificates),
  ]);
  settings = {
    ...mysql.settings,
    ...redis.settings,
    ...{ REDIS_HOST: '', REDIS_PORT: '' },
    MONGODB_URI: mongoUri(`tls=true&tlsCAFile=${certificates.ca}&tlsCertificateKeyFile=${certificates.clientPair}`),
    ...tlsSettings('TEMPORAL', certificates),
    TEMPORAL_ADDRESS: `localhost:${temporal.port}`,
    TEMPORAL_API_KEY: API_KEY,
  };
  product = await startProduct({ name: 'tls', settings });
});
after(async () => {
  await product?.close();
  const servers = [mysql?.part, ...(redis?.all ?? [])];
  await Promise.all([...servers.map((server) => server?.stop()), mongo?.stop(), temporal?.stop()]);
  certificates?.remove();
  rmSync(folder, { recursive: true });
});

function mongoUri(options: string, host = 'localhost'): string {
  return `mongodb://${host}:${mongo.port}/line_tls?directConnection=true&${options}`;
}

/** A Sentinel that a busy machine has held up for two seconds waits for thirty before it elects anybody. */
const FAILOVER_MS = 240_000;

/** A job, whose worker, events and row in the usage log need all four servers. */
async function runJob(): Promise<void> {
  const [api] = product.apis;
  const customer = await newCustomer(api);
  const body = { modelName: 'sim-chat', userMessage: 'hello' };
  const started = await call(api, 'POST', '/v1/async/chat', { key: customer.key, body });
  assert.equal(started.status, 202, started.message);
  const { jobId: id } = z.looseObject({ jobId: z.string() }).parse(started.data);
  assert.equal((await jobEnd(api, customer.key, id)).status, 'COMPLETED');
  await until('the call is in the usage log', async () => {
    const answer = await call(api, 'GET', '/v1/statistics/logs/me', { token: customer.token });
    return JSON.stringify(answer.data).includes('sim-chat');
  });
}

test('jobs run, and the doctor says that each connection is encrypted, and as whom', async () => {
  await runJob();
  let stdout = '';
  await until('no server is too slow for the doctor', async () => {
    const env = { ...systemVariables(), ...product.environment };
    ({ stdout } = await execa(process.execPath, [DOCTOR], { extendEnv: false, reject: false, env }));
    return !LATE.test(stdout);
  });
  assert.match(stdout, /^✔ MySQL .*, encrypted, as gateway@/m);
  assert.match(stdout, /^✔ Redis .* master main of the Sentinels localhost:\d+, encrypted, as gateway$/m);
  assert.match(stdout, /^✔ MongoDB .*, encrypted, as nobody$/m);
  assert.match(stdout, /^✔ Temporal .*, encrypted, as the holder of TEMPORAL_API_KEY$/m);
  assert.match(stdout, /All is well\.$/);
  for (const secret of [PASSWORD, SENTINEL_PASSWORD, API_KEY]) assert.ok(!stdout.includes(secret));
});

test('jobs run again after each server was away, Redis by its replica', async () => {
  await Promise.all([mysql.part.kill('SIGKILL'), redis.master.kill('SIGKILL'), mongo.stop(), temporal.stop()]);
  await Promise.all([mysql.part.start(), mongo.start(), temporal.start()]);
  const readiness = z.object({ dependencies: z.record(z.string(), z.object({ ok: z.boolean() })) });
  await until(
    'all servers are back',
    async () => {
      const { data } = await call(product.apis[0], 'GET', '/readyz');
      return Object.values(readiness.parse(data).dependencies).every(({ ok }) => ok);
    },
    FAILOVER_MS,
  );
  await runJob();
});

type Look = (config: Config) => Promise<Finding[]>;

/** The worker speaks to Temporal through a client of its own. */
const lookAsWorker: Look = async (config) => {
  try {
    await (await NativeConnection.connect(temporalOptions(config))).close();
    return [];
  } catch (error) {
    return [{ part: 'Worker', state: 'bad', text: String(error), advice: temporalAdvice(error, config) ?? '' }];
  }
};

/** What is changed, and the advice that each server's finding then gives. */
function refusalsBy(prefix: 'DB' | 'REDIS' | 'TEMPORAL'): [why: string, changed: Settings, advice: RegExp][] {
  return [
    ['another authority', { [`${prefix}_TLS_CA`]: certificates.otherCa }, new RegExp(`set ${prefix}_TLS_CA `)],
    ['public authorities only', { [`${prefix}_TLS_CA`]: '' }, new RegExp(`set ${prefix}_TLS_CA `)],
    ['another name', { [`${prefix}_TLS_SERVER_NAME`]: 'example.com' }, new RegExp(`set ${prefix}_TLS_SERVER_NAME`)],
    ['no certificate', { [`${prefix}_TLS_CERT`]: '', [`${prefix}_TLS_KEY`]: '' }, new RegExp(`${prefix}_TLS_CERT`)],
  ];
}

async function assertRefused(look: Look, base: Settings, [why, changed, advice]: [string, Settings, RegExp]) {
  // A busy machine may be too slow for a look the first time.
  const found: string[] = [];
  const reported = until(
    why,
    async () => {
      const [finding] = await look(readConfig({ ...base, ...changed }));
      found.push(`${finding?.state}: ${finding?.text} → ${finding?.advice}`);
      return finding?.state === 'bad' && advice.test(finding.advice ?? '');
    },
    REFUSED_WITHIN_MS,
  );
  await reported.catch(() => assert.fail(`${why}: ${found.at(-1)}`));
}

test('a server that cannot prove who it is, or to which we cannot, is refused with the setting that helps', async () => {
  const without = { MONGODB_URI: mongoUri(`tls=true&tlsCAFile=${certificates.ca}`) };
  const mongoRefusals: [string, Settings, RegExp][] = [
    ['another authority', { MONGODB_URI: mongoUri(`tls=true&tlsCAFile=${certificates.otherCa}`) }, /set tlsCAFile/],
    ['public authorities only', { MONGODB_URI: mongoUri('tls=true') }, /set tlsCAFile/],
    ['another name', { MONGODB_URI: without.MONGODB_URI.replace('localhost', '127.0.0.1') }, /host in MONGODB_URI/],
    ['no certificate', without, /set tlsCertificateKeyFile/],
  ];
  const wrongKey: [string, Settings, RegExp] = ['another API key', { TEMPORAL_API_KEY: 'another' }, /TEMPORAL_API_KEY/];
  for (const refusal of refusalsBy('DB')) await assertRefused(lookAtMysql, settings, refusal);
  for (const refusal of refusalsBy('REDIS')) {
    for (const base of [settings, redis.replica]) await assertRefused(lookAtRedis, base, refusal);
  }
  for (const refusal of mongoRefusals) await assertRefused(lookAtMongo, settings, refusal);
  for (const refusal of [...refusalsBy('TEMPORAL'), wrongKey]) {
    for (const look of [lookAtTemporal, lookAsWorker]) await assertRefused(look, settings, refusal);
  }
});

test('a user who is not let in, and TLS where there is none, are reported by their settings', async () => {
  const plain = testStack().environment;
  const refusals: [Look, Settings, RegExp][] = [
    [lookAtMysql, { DB_PASSWORD: 'another' }, /Check DB_USER and DB_PASSWORD/],
    [lookAtRedis, { REDIS_PASSWORD: 'another' }, /check REDIS_USERNAME and REDIS_PASSWORD/],
    [lookAtMysql, { DB_PORT: plain.DB_PORT ?? '' }, /turn DB_TLS off|set DB_TLS_CA/],
    [lookAtTemporal, { TEMPORAL_ADDRESS: plain.TEMPORAL_ADDRESS ?? '' }, /turn TEMPORAL_TLS off/],
  ];
  for (const [look, changed, advice] of refusals) await assertRefused(look, settings, ['', changed, advice]);
});

test('a process says at its start, and in its log, which setting helps', async () => {
  const lines: string[] = [];
  const config = readConfig({ ...redis.replica, REDIS_TLS_CA: '' });
  const client = connectRedis(config, createLogger('warn', { write: (line) => lines.push(line) }), 'test');
  try {
    await until('the log shows', async () => lines.some((line) => line.includes('set REDIS_TLS_CA')));
  } finally {
    client.disconnect();
  }
  const started = await execa(process.execPath, [join(import.meta.dirname, '../../cli/migrate.ts')], {
    ...{ extendEnv: false, reject: false },
    env: { ...systemVariables(), ...product.environment, DB_TLS_CA: '' },
  });
  assert.equal(started.exitCode, 1);
  assert.match(started.stderr, /set DB_TLS_CA to the PEM file/);
});
