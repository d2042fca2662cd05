/** docs/backup-and-restore.md as it is written: a product with traffic, everything lost, everything back. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import mongoose from 'mongoose';
import { z } from 'zod';
import { MYSQL } from '../../infra/local/database-products.ts';
import { debianPackages } from '../../infra/local/debian.ts';
import { cacheFolder, programFolders, systemVariables } from '../../infra/local/environment.ts';
import { PARTS } from '../../infra/local/parts.ts';
import { findProgram, type Installation, obtainPart, planPart, type SourcesOfPart } from '../../infra/local/sources.ts';
import { type Customer, call, jobEnd, newCustomer, type Product, startProduct } from '../line/product.ts';
import { CHECKOUT, complaintOf, runDocument } from './document.ts';

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

let product: Product;
let customer: Customer;
let folder: string;
let storageFolder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backup-'));
  storageFolder = join(folder, 'pictures');
  product = await startProduct({ name: 'backup', settings: { STORAGE_FOLDER: storageFolder } });
  customer = await newCustomer(product.apis[0]);
});
after(async () => {
  await product.close();
  rmSync(folder, { recursive: true });
  rmSync(join(CHECKOUT, 'backup'), { recursive: true, force: true });
});

test('backup, wipe and restore leave every row, document and picture as it was', async () => {
  await traffic();
  const [api] = product.apis;
  await Promise.all([api?.stop(), product.worker.stop()]);
  const earlier = await everything();
  assert.ok((earlier.tables.get('transfers')?.rows ?? 0) >= 4, 'there was no traffic');
  assert.ok(earlier.documents > 2 && earlier.pictures > 0);
  await dropUnlessBackedUp();

  assert.deepEqual(await everything(), earlier);
  await api?.start();
  const balance = await call(api, 'GET', '/v1/auth/me', { token: customer.token });
  assert.deepEqual(balance.data, balanceBefore);
});

let balanceBefore: unknown;

/** A chat, a picture, a job and a paid order; then the account as the API tells it. */
async function traffic(): Promise<void> {
  const [api] = product.apis;
  const { key, token } = customer;
  await call(api, 'POST', '/v1/chat', { key, body: { userMessage: 'Hello' } });
  await call(api, 'POST', '/v1/generate-image', { key, body: { prompt: 'a lighthouse' } });
  await call(api, 'POST', '/v1/conversations', { key, body: { title: 'Zürich 苏黎世 🏔' } });
  const job = await call(api, 'POST', '/v1/async/chat', { key, body: { userMessage: 'Later' } });
  await jobEnd(api, key, z.object({ jobId: z.string() }).parse(job.data).jobId);
  const order = await call(api, 'POST', '/v1/orders', { token, body: { amount: '5' } });
  const { orderNo } = z.object({ orderNo: z.string() }).parse(order.data);
  await call(api, 'POST', '/v1/orders/pay-success', { token, body: { orderNo } });
  balanceBefore = (await call(api, 'GET', '/v1/auth/me', { token })).data;
}

/** Runs the document. MongoDB's database is emptied before it is restored, which the document leaves to the reader. */
async function dropUnlessBackedUp(): Promise<void> {
  const programs = join(folder, 'programs');
  await clientsInto(programs);
  const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, MONGODB_URI } = product.config;
  const results = await runDocument('docs/backup-and-restore.md', {
    settings: {
      PATH: `${programs}:${systemVariables().PATH}`,
      ...{ DB_HOST, DB_PORT: String(DB_PORT), DB_NAME, DB_USER, DB_PASSWORD, MONGODB_URI },
      STORAGE_FOLDER: storageFolder,
    },
    // The database of MongoDB is lost with that of MySQL.
    replaced: { 'rm -rf "$STORAGE_FOLDER"': `rm -rf "$STORAGE_FOLDER"\nnode '${await dropScript()}'` },
  });
  const complaints = results.flatMap((result) => complaintOf(result) ?? []);
  assert.deepEqual(complaints, [], complaints.join('\n\n'));
  assert.ok(results.length >= 7, `${results.length} commands`);
}

async function dropScript(): Promise<string> {
  const file = join(folder, 'drop.mjs');
  const driver = import.meta.resolve('mongoose');
  writeFileSync(
    file,
    `import mongoose from ${JSON.stringify(driver)};
const connection = await mongoose.createConnection(process.env.MONGODB_URI).asPromise();
for (const { name } of await connection.listCollections()) await connection.collection(name).deleteMany({});
await connection.close();
`,
  );
  return file;
}

/** Under the names that the document uses. */
async function clientsInto(programs: string): Promise<void> {
  const signal = AbortSignal.timeout(3 * 60_000);
  const options = { folders: programFolders(), cache: cacheFolder(), signal };
  const quiet = { report: () => undefined, tick: () => undefined };
  const clients = clientsOf((await PARTS.mysql.describe?.(product.stack.environment)) ?? '');
  const plan = await planPart(clients, options);
  const { installation } = await obtainPart(clients, plan, { ...options, ...quiet });
  const libraries = installation.environment.LD_LIBRARY_PATH ?? '';
  mkdirSync(programs);
  for (const [name, program] of [
    ['mysqldump', installation.programs.dump],
    ['mysql', installation.programs.client],
  ]) {
    const set = libraries === '' ? '' : `LD_LIBRARY_PATH='${libraries}' `;
    writeFileSync(join(programs, name ?? ''), `#!/bin/sh\n${set}exec '${program}' "$@"\n`, { mode: 0o755 });
  }
}

/** Rows and checksums of all tables, and the same of documents and pictures. */
async function everything() {
  const tables = new Map<string, { rows: number; checksum: string }>();
  for (const { name } of await product.rows(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1',
  )) {
    const [count] = await product.rows(`SELECT COUNT(*) AS n FROM \`${name}\``);
    const [sum] = await product.rows(`CHECKSUM TABLE \`${name}\``);
    tables.set(String(name), { rows: Number(count?.n), checksum: String(sum?.Checksum) });
  }
  const mongo = await mongoose.createConnection(product.config.MONGODB_URI).asPromise();
  const hash = createHash('sha256');
  let documents = 0;
  for (const { name } of (await mongo.listCollections()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for await (const document of mongo.collection(name).find({}).sort({ _id: 1 })) {
      documents += 1;
      hash.update(name + mongoose.mongo.BSON.EJSON.stringify(document, { relaxed: false }));
    }
  }
  await mongo.close();
  const files = readdirSync(storageFolder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  for (const path of paths) hash.update(path).update(readFileSync(path));
  return { tables, documents, pictures: paths.length, checksum: hash.digest('hex') };
}
