/** docker-compose.yml as Docker Compose itself reads it: by its own loader, a Go module, for what an operator sets. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { z } from 'zod';
import { programFolders, systemVariables } from '../../devstack/environment.ts';
import { findProgram } from '../../devstack/sources.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts.ts';
import { environmentSchema } from '../config/settings.ts';
import { readConfig } from '../config.ts';

const ROOT = join(import.meta.dirname, '../..');
const SECRETS = [
  ...['MYSQL_ROOT_PASSWORD', 'DB_PASSWORD', 'TEMPORAL_DB_PASSWORD', 'REDIS_PASSWORD', 'MONGODB_PASSWORD'],
  ...['JWT_SECRET', 'KEY_ENCRYPTION_KEY', 'PAYMENT_SECRET', 'ROOT_PASSWORD'],
];
/** What compose decides for its containers, whatever .env says. */
const FIXED = new Set(['NODE_ENV', 'HOST', 'PORT', 'WORKER_HOST', 'WORKER_PORT', 'STORAGE_FOLDER']);

const serviceSchema = z.looseObject({
  image: z.string(),
  build: z.looseObject({ dockerfile: z.string() }).optional(),
  restart: z.string(),
  container_name: z.undefined().optional(),
  command: z.array(z.string()).nullable(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.looseObject({ type: z.string(), source: z.string(), target: z.string() })).default([]),
  ports: z
    .array(z.looseObject({ host_ip: z.string().optional(), published: z.string(), protocol: z.string() }))
    .default([]),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string() })).default({}),
});
const projectSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
});

const folder = mkdtempSync(join(tmpdir(), 'compose-'));
const loader = join(folder, 'compose');
const example = readFileSync(join(ROOT, '.env.example'), 'utf8');
const secrets: Record<string, string> = Object.fromEntries(
  SECRETS.map((name, index) => [name, name === 'KEY_ENCRYPTION_KEY' ? keyOf(7) : `${index}c0ffee`.repeat(8)]),
);

function keyOf(byte: number): string {
  return `1:${Buffer.alloc(32, byte).toString('base64')}`;
}

before(async () => {
  const go = findProgram(['go'], [...programFolders(), '/usr/local/go/bin']);
  assert.ok(go, "Compose's loader is built with Go, which is not here: https://go.dev/doc/install");
  copyFileSync(join(ROOT, 'docker-compose.yml'), join(folder, 'docker-compose.yml'));
  // Go's own cache makes it quick the second time.
  await execa(go, ['build', '-mod=readonly', '-buildvcs=false', '-o', loader, '.'], {
    cwd: join(import.meta.dirname, 'compose-loader'),
  });
});
after(() => rmSync(folder, { recursive: true }));

/** @returns the project, or what the loader says against it. */
async function load(dotEnv: string, profiles: readonly string[] = []) {
  writeFileSync(join(folder, '.env'), dotEnv);
  const env = systemVariables();
  const { exitCode, stdout, stderr } = await execa(loader, [folder, ...profiles], {
    env,
    extendEnv: false,
    reject: false,
  });
  return exitCode === 0 ? projectSchema.parse(JSON.parse(stdout)) : stderr;
}

async function loaded(settings: Readonly<Record<string, string>> = {}, profiles: readonly string[] = []) {
  const lines = Object.entries({ ...secrets, ...settings }).map(([name, value]) => `${name}=${value}`);
  const project = await load(`${example}\n${lines.join('\n')}\n`, profiles);
  if (typeof project === 'string') assert.fail(project);
  return project;
}

function processOf(project: Awaited<ReturnType<typeof loaded>>, name: string) {
  const service = project.services[name];
  assert.ok(service, name);
  return service;
}

test('without its secrets it does not start, and each that is missing is named', async () => {
  const complaint = await load(example);
  for (const name of SECRETS) {
    assert.match(String(complaint), new RegExp(`required variable ${name} is missing a value: set ${name} in \\.env`));
    const others = Object.entries(secrets).filter(([other]) => other !== name);
    const one = String(await load(others.map(([other, value]) => `${other}=${value}`).join('\n')));
    const named = new Set([...one.matchAll(/required variable (\w+)/g)].map(([, missing]) => missing));
    assert.deepEqual([...named], [name]);
  }
});

test('a copy of .env.example with secrets is a safe production installation of all parts', async () => {
  const project = await loaded();
  const parts = [
    'mysql',
    'mysql-users',
    'redis',
    'mongo',
    'temporal',
    'temporal-ui',
    'migrate',
    'api',
    'worker',
    'proxy',
  ];
  for (const name of parts) processOf(project, name);
  for (const [name, { ports }] of Object.entries(project.services)) {
    for (const port of ports) assert.equal(port.host_ip, '127.0.0.1', `${name} is open to the network`);
  }
  for (const name of ['api', 'worker', 'migrate']) {
    const { environment } = processOf(project, name);
    const config = readConfig(environment);
    assert.ok(config.production);
    assert.equal(config.registrationGrant, '0');
    assert.deepEqual(config.CORS_ORIGINS, []);
    assert.deepEqual([config.DB_USER, config.TRUSTED_PROXY_HOPS], ['gateway', 1]);
    assert.deepEqual([config.HOST, config.WORKER_HOST], ['0.0.0.0', '0.0.0.0'], 'the probes and the proxy reach it');
    for (const secret of ['MYSQL_ROOT_PASSWORD', 'TEMPORAL_DB_PASSWORD', 'MONGODB_PASSWORD'])
      assert.equal(environment[secret], '', `${name} does not know ${secret}`);
  }
  const { environment } = processOf(project, 'temporal');
  assert.deepEqual([environment.MYSQL_USER, environment.NUM_HISTORY_SHARDS], ['temporal', '512']);
});

test('every setting of .env reaches API and worker, TLS and S3 among them', async () => {
  const shown = [...example.matchAll(/^#?([A-Z][A-Z0-9_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]);
  const settings = Object.fromEntries(
    shown
      .filter(([name = '']) => name in environmentSchema.shape && !FIXED.has(name) && !(name in secrets))
      .map(([name, value]) => [name, value === '' ? 'set-by-hand' : value]),
  );
  assert.ok(Object.keys(settings).length > 40);
  const project = await loaded(settings);
  for (const name of ['api', 'worker', 'migrate']) {
    const { environment } = processOf(project, name);
    for (const [setting, value] of Object.entries(settings)) assert.equal(environment[setting], value, setting);
  }
});

test('servers elsewhere take the place of those of compose', async () => {
  const elsewhere = {
    DB_HOST: 'mysql.example.com',
    DB_PORT: '3307',
    DB_USER: 'gw',
    REDIS_HOST: 'redis.example.com',
    MONGODB_URI: 'mongodb+srv://gw:c0ffee@cluster.example.com/usage',
    TEMPORAL_ADDRESS: 'temporal.example.com:7233',
    S3_BUCKET: 'pictures',
  };
  const { environment } = processOf(await loaded(elsewhere), 'worker');
  const config = readConfig(environment);
  for (const [name, value] of Object.entries(elsewhere))
    assert.equal(String(Object.entries(config).find(([key]) => key === name)?.[1]), value);
});

test('names of the installation reach what makes database, user and namespace', async () => {
  const names = { DB_NAME: 'shop', DB_USER: 'shop_user', TEMPORAL_NAMESPACE: 'shop' };
  const project = await loaded(names);
  const users = processOf(project, 'mysql-users').environment;
  const { TEMPORAL_NAMESPACE } = processOf(project, 'temporal-namespace').environment;
  assert.deepEqual({ DB_NAME: users.DB_NAME, DB_USER: users.DB_USER, TEMPORAL_NAMESPACE }, names);
  assert.equal(users.DB_HOST, 'mysql');
  const elsewhere = await loaded({ DB_HOST: 'mysql.example.com' });
  assert.equal(processOf(elsewhere, 'mysql-users').environment.DB_HOST, 'mysql.example.com', 'none is made there');
});

test('Sentinels take the place of the one Redis, whose address is empty then', async () => {
  const sentinels = { REDIS_SENTINELS: 'sentinel-1:26379', REDIS_SENTINEL_MASTER: 'main' };
  const project = await loaded({ ...sentinels, REDIS_HOST: '', REDIS_PORT: '' });
  assert.equal(readConfig(processOf(project, 'api').environment).REDIS_SENTINELS[0]?.host, 'sentinel-1');
});

test('any number of APIs and workers share one port', async () => {
  const project = await loaded({ PUBLISH_ADDRESS: '10.0.0.5' });
  for (const name of ['api', 'worker']) assert.deepEqual(processOf(project, name).ports, [], name);
  const ports = Object.values(project.services).flatMap(({ ports }) =>
    ports.map(({ host_ip, published }) => `${host_ip}:${published}`),
  );
  assert.deepEqual(ports.toSorted(), ['10.0.0.5:8060', '127.0.0.1:8233']);
  const { ports: moved } = processOf(await loaded({ PORT: '9000' }), 'proxy');
  assert.deepEqual(
    moved.map(({ host_ip, published }) => `${host_ip}:${published}`),
    ['127.0.0.1:9000'],
  );
  const caddyfile = readFileSync(join(import.meta.dirname, 'Caddyfile'), 'utf8');
  assert.match(caddyfile, /dynamic a api 8060/, 'each replica is found by the name');
});

test('an own proxy in front of Caddy is believed by its address', async () => {
  const proxies = { TRUSTED_PROXIES: '10.0.0.7/32 10.1.0.0/16', TRUSTED_PROXY_HOPS: '2' };
  const project = await loaded(proxies, ['public']);
  for (const name of ['proxy', 'proxy-public'])
    assert.equal(processOf(project, name).environment.TRUSTED_PROXIES, proxies.TRUSTED_PROXIES);
  assert.equal(readConfig(processOf(project, 'api').environment).TRUSTED_PROXY_HOPS, 2);
  const { environment } = processOf(await loaded(), 'proxy');
  assert.equal(environment.TRUSTED_PROXIES, '127.0.0.1/32', 'nobody outside of its container');
});

test('the profile public opens 80 and 443 under the name of the site', async () => {
  const project = await loaded({ SITE_ADDRESS: 'gateway.example.com' }, ['public']);
  const { ports, environment } = processOf(project, 'proxy-public');
  assert.deepEqual(
    ports.map(({ published, protocol }) => `${published}/${protocol}`),
    ['80/tcp', '443/tcp', '443/udp'],
  );
  assert.equal(environment.SITE_ADDRESS, 'gateway.example.com');
  assert.match(processOf(project, 'proxy').environment.SITE_ADDRESS ?? '', /^http:/);
});

test('what is waited for exists and can become healthy; what is mounted is there', async () => {
  const { services, volumes } = await loaded();
  for (const [name, service] of Object.entries(services)) {
    for (const [needed, { condition }] of Object.entries(service.depends_on)) {
      const other = services[needed];
      assert.ok(other, `${name} waits for ${needed}, which is not there`);
      if (condition === 'service_healthy') assert.ok(other.healthcheck, `${needed} has no health check`);
      else assert.equal(condition, 'service_completed_successfully');
    }
    for (const { type, source } of service.volumes) {
      if (type === 'bind') assert.ok(existsSync(join(ROOT, relative(folder, source))), `${name}: ${source}`);
      else assert.ok(source in volumes, `${name}: volume ${source}`);
    }
  }
});

test('the namespace script makes the search attributes of the workflows', () => {
  const script = readFileSync(join(import.meta.dirname, 'temporal-namespace.sh'), 'utf8');
  const kinds = { KEYWORD: 'Keyword', INT: 'Int' };
  for (const [name, kind] of Object.entries(SEARCH_ATTRIBUTES))
    assert.ok(script.includes(`${name}:${kinds[kind]}`), name);
});
