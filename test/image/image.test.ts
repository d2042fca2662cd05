/**
 * The image's file tree, run as Compose runs it: production packages only, as an ordinary user, read-only but for /data
 * and /tmp, in production, with the database user that Compose makes. Migration, API, worker, every command, and
 * docs/backup-and-restore.md by its own lines.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import mongoose from 'mongoose';
import { QueryTypes, type Sequelize } from 'sequelize';
import { parse } from 'yaml';
import { z } from 'zod';
import { cacheFolder, systemVariables } from '../../devstack/environment.ts';
import { claimPort } from '../../devstack/ports.ts';
import { type Service, startService } from '../../devstack/services.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { readConfig } from '../../infra/config.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { CHECKOUT, complaintOf, runDocument } from '../docs/document.ts';
import { registerNamespace } from '../e2e/namespace.ts';
import { type Customer, call, emptyRedis, jobEnd, newCustomer } from '../e2e/product.ts';
import { until } from '../until.ts';
import type { Configuration } from './docker.ts';
import { buildImage, closeImage, type Image } from './image-tree.ts';
import { clientsInto } from './mysql-clients.ts';

const NOBODY = 65_534;
/** Root can be another user; anybody else is one already. */
const uid = process.getuid?.() === 0 ? NOBODY : undefined;
const composeSchema = z.object({ services: z.record(z.string(), z.looseObject({ command: z.unknown().optional() })) });
const compose = composeSchema.parse(parse(readFileSync(join(CHECKOUT, 'docker-compose.yml'), 'utf8'), { merge: true }));
const commandOf = (service: string) => z.array(z.string()).parse(compose.services[service]?.command);

interface Running {
  readonly url: string;
  readonly child: ChildProcess;
}

const stack = testStack();
let folder: string;
let image: Image;
let simulator: Service;
let settings: Record<string, string>;
let docker: Configuration;
let sequelize: Sequelize;
const running: ChildProcess[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'image-'));
  chmodSync(folder, 0o755);
  image = buildImage(folder);
  closeImage(image, uid);
  simulator = await startService({
    kind: 'simulator',
    name: 'image-simulator',
    dataFolder: stack.dataFolder,
    environment: {},
  });
  const servers = stack.environment;
  const programs = join(folder, 'programs');
  await clientsInto(programs, servers);
  const usersOfMysql = {
    MYSQL_ROOT_PASSWORD: servers.DB_PASSWORD ?? '',
    DB_PASSWORD: randomBytes(32).toString('hex'),
    TEMPORAL_DB_PASSWORD: randomBytes(32).toString('hex'),
  };
  const mongo = new URL(servers.MONGODB_URI ?? '');
  const namespace = `image-${process.pid}`;
  await registerNamespace(servers.TEMPORAL_ADDRESS ?? '', namespace);
  await emptyRedis(readConfig({ ...servers }));
  mongo.pathname = `/image_${process.pid}`;
  settings = {
    ...servers,
    ...{ DB_NAME: 'model_service', DB_USER: 'gateway', DB_PASSWORD: usersOfMysql.DB_PASSWORD },
    TEMPORAL_NAMESPACE: namespace,
    MONGODB_URI: mongo.href,
    JWT_SECRET: randomBytes(32).toString('hex'),
    KEY_ENCRYPTION_KEY: `1:${randomBytes(32).toString('base64')}`,
    PAYMENT_SECRET: randomBytes(32).toString('hex'),
    ROOT_PASSWORD: randomBytes(32).toString('hex'),
    SIMULATOR_URL: simulator.url,
    OUTBOUND_PRIVATE_HOSTS: new URL(simulator.url).host,
    STORAGE_FOLDER: join(image.root, 'data'),
    TMPDIR: join(image.root, 'tmp'),
    DEEPSEEK_API_KEY: 'not-a-key-of-anybody',
  };
  const environment = { ...image.env, ...settings };
  writeFileSync(join(folder, 'drop.mjs'), DROP_DOCUMENTS);
  docker = {
    image: {
      ...{ root: image.root, entrypoint: [...image.entrypoint], folder: join(image.root, image.workdir), environment },
      ...(uid === undefined ? {} : { uid }),
    },
    mysql: {
      folder,
      environment: {
        ...{ ...usersOfMysql, PATH: `${programs}:${image.env.PATH}`, MONGODB_URI: mongo.href },
        MYSQL_PWD: usersOfMysql.MYSQL_ROOT_PASSWORD,
      },
    },
    commands: { 'mysql-users': ['sh', join(CHECKOUT, 'infra/docker/mysql-users.sh')], migrate: commandOf('migrate') },
    down: [
      'sh',
      '-c',
      `mysql --user=root -e 'DROP DATABASE IF EXISTS model_service' && node drop.mjs && rm -rf '${image.root}'/data/*`,
    ],
  };
  writeFileSync(join(folder, 'docker.json'), JSON.stringify(docker), { mode: 0o600 });
  const program = `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dirname, 'docker.ts')}' '${join(folder, 'docker.json')}' "$@"\n`;
  writeFileSync(join(programs, 'docker'), program, { mode: 0o755 });
  sequelize = connectSequelize(readConfig(settings));
});
after(async () => {
  await Promise.all(running.map(stop));
  await simulator.stop();
  await sequelize.close();
  // An ordinary user has closed the folders to itself, too.
  spawnSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true });
});

const DROP_DOCUMENTS = `import mongoose from ${JSON.stringify(import.meta.resolve('mongoose'))};
const connection = await mongoose.createConnection(process.env.MONGODB_URI).asPromise();
for (const { name } of await connection.listCollections()) await connection.collection(name).deleteMany({});
await connection.close();
`;

function start(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const [program = '', ...first] = image.entrypoint;
  return spawn(join(image.root, 'usr/local/bin', program), [...first, ...args], {
    cwd: docker.image.folder,
    env: { ...docker.image.environment, ...more },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
}

/** A command in the image, as `docker compose run api …`. */
async function run(args: readonly string[], input = '') {
  const child = start(args);
  child.stdin.end(input);
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { stdout, stderr, exitCode };
}

/** What `docker` of the guide does. */
async function dockerCompose(words: readonly string[]): Promise<void> {
  const child = spawn(join(folder, 'programs/docker'), ['compose', ...words], { env: systemVariables() });
  const [said, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.equal(exitCode, 0, said);
}

async function startServer(args: readonly string[], variable: string): Promise<Running> {
  const { port } = await claimPort(22_000, join(cacheFolder(), 'ports'));
  const child = start(args, { [variable]: String(port) });
  running.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const url = `http://127.0.0.1:${port}`;
  await until(`${args.join(' ')} is healthy`, async () => {
    assert.equal(child.exitCode, null, said);
    return fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  return { url, child };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

let api: Running;
let worker: Running;
let customer: Customer;

test('the database user of compose migrates, and can do nothing elsewhere', async () => {
  await dockerCompose(['down', '--volumes']);
  await dockerCompose(['run', '--rm', '-T', 'mysql-users']);
  assert.match((await run(commandOf('migrate'))).stdout, /\d+ migrations applied\n$/);
  assert.equal((await run(commandOf('migrate'))).stdout, 'schema is up to date\n');
  await assert.rejects(sequelize.query('CREATE DATABASE elsewhere'), /denied/);
  await assert.rejects(sequelize.query('SELECT * FROM mysql.user'), /denied/);
});

test('a database and a user of other names are made as well, never those of others', async () => {
  const make = (names: Readonly<Record<string, string>>) =>
    spawnSync('sh', [join(CHECKOUT, 'infra/docker/mysql-users.sh')], {
      env: { ...docker.mysql.environment, ...names },
      encoding: 'utf8',
    });
  const own = `shop_of_${process.pid}`;
  assert.equal(make({ DB_NAME: own, DB_USER: own }).stderr, '');
  const theirs = connectSequelize(readConfig({ ...settings, DB_NAME: own, DB_USER: own }));
  await theirs.query(`DROP DATABASE ${own}`);
  await theirs.close();
  assert.match(make({ DB_USER: 'root' }).stderr, /DB_USER: root is not the gateway's own/);
  assert.match(make({ DB_NAME: 'a`b' }).stderr, /DB_NAME: only letters/);
  // Elsewhere nothing is made and nothing is asked of the names.
  assert.equal(make({ DB_HOST: 'mysql.example.com', DB_USER: 'root', DB_PASSWORD: "it's" }).stderr, '');
});

test('API and worker run from the tree: a chat, an image, a job', async () => {
  [api, worker] = await Promise.all([
    startServer(image.command, 'PORT'),
    startServer(commandOf('worker'), 'WORKER_PORT'),
  ]);
  customer = await newCustomer(api);
  const granted = await run(['cli/admin.ts', 'grant', customer.name, '10']);
  assert.match(granted.stdout, /is now 10\n$/, granted.stderr);
  const { key } = customer;
  assert.equal((await call(api, 'POST', '/v1/chat', { key, body: { userMessage: 'Hello' } })).code, 200);
  assert.equal((await call(api, 'POST', '/v1/generate-image', { key, body: { prompt: 'a lighthouse' } })).code, 200);
  await call(api, 'POST', '/v1/conversations', { key, body: { title: 'Zürich 苏黎世 🏔' } });
  const job = await call(api, 'POST', '/v1/async/chat', { key, body: { userMessage: 'Later' } });
  const { status } = await jobEnd(api, key, z.object({ jobId: z.string() }).parse(job.data).jobId);
  assert.equal(status, 'COMPLETED');
});

test('every command runs in the image', async () => {
  const provider = await run(['cli/provider.ts', 'add', 'deepseek', '--url', `${simulator.url}/openai/v1`]);
  assert.match(provider.stdout, /models added/, provider.stderr);
  // By itself: it gives each server so many seconds.
  const doctor = await run(['cli/doctor.ts']);
  const [rotated, list, reconciled] = await Promise.all([
    run(['cli/rotate-keys.ts']),
    run(['cli/admin.ts', 'list']),
    run(['cli/reconcile.ts']),
  ]);
  // The database of tests does not wait for the disk, which the doctor reports.
  const wrong = doctor.stdout.match(/^✖.*/gm)?.filter((line) => !line.endsWith('a power cut can lose committed money'));
  assert.deepEqual(wrong ?? [], [], doctor.stdout + doctor.stderr);
  for (const part of ['MySQL', 'Redis', 'MongoDB', 'Temporal', 'Images'])
    assert.match(doctor.stdout, new RegExp(`^✔ ${part}`, 'm'));
  assert.match(rotated.stdout, /^\d+ provider keys and 0 webhook secrets are sealed/, rotated.stderr);
  assert.match(list.stdout, new RegExp(customer.name), list.stderr);
  assert.equal(reconciled.exitCode, 0, reconciled.stdout + reconciled.stderr);
  assert.match(reconciled.stdout, /no breach/);
});

test('what runs cannot change what it runs', async () => {
  const tried = await run(['--input-type=module', '--eval', TRY_EVERY_FOLDER, image.root]);
  assert.deepEqual(JSON.parse(tried.stdout), ['/data', '/tmp'], tried.stderr);
});

/** Prints every folder in which the process can make a file or could replace one. */
const TRY_EVERY_FOLDER = `import { accessSync, constants, readdirSync } from 'node:fs';
const root = process.argv[1];
const can = (path) => { try { accessSync(path, constants.W_OK); return true; } catch { return false; } };
const entries = readdirSync(root, { recursive: true, withFileTypes: true });
const paths = entries.map(({ parentPath, name }) => parentPath.slice(root.length) + '/' + name);
console.log(JSON.stringify(['', ...paths].filter((path) => !/^.(data|tmp).+/.test(path) && can(root + path)).sort()));
`;

test('backup, wipe and restore by the lines of the guide leave every row, document and image as it was', async () => {
  const { token } = customer;
  const balance = (await call(api, 'GET', '/v1/auth/me', { token })).data;
  await Promise.all([stop(api.child), stop(worker.child)]);
  const earlier = await everything();
  assert.ok((earlier.tables.get('transfers')?.rows ?? 0) >= 4, 'there was no traffic');
  assert.ok(earlier.documents > 2 && earlier.images > 0);
  writeFileSync(join(folder, '.env'), 'KEY_ENCRYPTION_KEY=kept\n');
  const results = await runDocument('docs/backup-and-restore.md', {
    settings: { PATH: `${join(folder, 'programs')}:${systemVariables().PATH}` },
    folder,
    replaced: { 'docker compose down --volumes\n': 'docker compose down --volumes\nrm .env\nls .env || echo LOST\n' },
  });
  const complaints = results.flatMap((result) => complaintOf(result) ?? []);
  assert.deepEqual(complaints, [], complaints.join('\n\n'));
  assert.ok(results.length >= 7, `${results.length} commands`);
  assert.ok(results.some(({ output }) => output?.includes('LOST')));

  assert.deepEqual(await everything(), earlier);
  assert.equal(readFileSync(join(folder, '.env'), 'utf8'), 'KEY_ENCRYPTION_KEY=kept\n');
  api = await startServer(image.command, 'PORT');
  assert.deepEqual((await call(api, 'GET', '/v1/auth/me', { token })).data, balance);
});

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  return (await sequelize.query(sql, { type: QueryTypes.SELECT })).map((row) => ({ ...row }));
}

/** Rows and checksums of all tables but the one in which the guide's own reconciliation is kept, and of all else. */
async function everything() {
  const tables = new Map<string, { rows: number; checksum: string }>();
  for (const { name } of await rows(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name <> 'reconciliations' ORDER BY 1`,
  )) {
    const [count] = await rows(`SELECT COUNT(*) AS n FROM \`${name}\``);
    const [sum] = await rows(`CHECKSUM TABLE \`${name}\``);
    tables.set(String(name), { rows: Number(count?.n), checksum: String(sum?.Checksum) });
  }
  const mongo = await mongoose.createConnection(readConfig(settings).MONGODB_URI).asPromise();
  const hash = createHash('sha256');
  let documents = 0;
  for (const { name } of (await mongo.listCollections()).sort((a, b) => (a.name < b.name ? -1 : 1)))
    for await (const document of mongo.collection(name).find({}).sort({ _id: 1 })) {
      documents += 1;
      hash.update(name + mongoose.mongo.BSON.EJSON.stringify(document, { relaxed: false }));
    }
  await mongo.close();
  const files = readdirSync(join(image.root, 'data'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  for (const path of paths) hash.update(path).update(readFileSync(path));
  return { tables, documents, images: paths.length, checksum: hash.digest('hex') };
}
