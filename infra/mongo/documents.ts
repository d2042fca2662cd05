/**
 * All documents of the database as lines of Extended JSON, for a backup and back:
 * `node infra/mongo/documents.ts dump FILE`, `node infra/mongo/documents.ts restore FILE`.
 * A document that is there already stays as it is, so that a restore can be repeated. For logs of many gigabytes
 * mongodump and mongorestore are faster.
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import mongoose, { type Collection, type Connection } from 'mongoose';
import { readConfig } from '../config.ts';

const { EJSON } = mongoose.mongo.BSON;
const DUPLICATE_KEY = 11_000;
const BATCH = 500;
const CONNECT_TIMEOUT_MS = 5_000;

/** @returns how many documents were written. */
async function dump(connection: Connection, file: string): Promise<number> {
  const out = createWriteStream(file, { mode: 0o600 });
  let count = 0;
  for (const { name } of (await connection.listCollections()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for await (const document of connection.collection(name).find({}).sort({ _id: 1 })) {
      count += 1;
      const line = EJSON.stringify({ collection: name, document }, { relaxed: false });
      if (!out.write(`${line}\n`)) await once(out, 'drain');
    }
  }
  out.end();
  await once(out, 'finish');
  return count;
}

/** Inserts, not upserts: FerretDB can hang on those. */
async function insertMissing(collection: Collection, documents: mongoose.mongo.Document[]): Promise<void> {
  try {
    await collection.insertMany(documents, { ordered: false });
  } catch (error) {
    if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) throw error;
    if ([error.writeErrors].flat().some(({ code }) => code !== DUPLICATE_KEY)) throw error;
  }
}

/** @returns how many documents were read. */
async function restore(connection: Connection, file: string): Promise<number> {
  let count = 0;
  let batch: { collection: string; document: mongoose.mongo.Document }[] = [];
  const write = async () => {
    const names = new Set(batch.map(({ collection }) => collection));
    for (const name of names) {
      const documents = batch.filter(({ collection }) => collection === name).map(({ document }) => document);
      await insertMissing(connection.collection(name), documents);
    }
    count += batch.length;
    batch = [];
  };
  for await (const line of createInterface({ input: createReadStream(file) })) {
    batch.push(EJSON.parse(line, { relaxed: false }));
    if (batch.length === BATCH) await write();
  }
  if (batch.length > 0) await write();
  return count;
}

const [command, file] = process.argv.slice(2);
const actions = { dump, restore };
if ((command !== 'dump' && command !== 'restore') || file === undefined) {
  console.error('usage: node infra/mongo/documents.ts dump|restore FILE');
  process.exit(1);
}
const connection = mongoose.createConnection(readConfig().MONGODB_URI, {
  serverSelectionTimeoutMS: CONNECT_TIMEOUT_MS,
});
try {
  await connection.asPromise();
  console.log(`${command}: ${await actions[command](connection, file)} documents`);
} finally {
  await connection.destroy();
}
