/**
 * All documents of the usage log's database as lines of Extended JSON, for a backup and back. For logs of many
 * gigabytes mongodump and mongorestore are faster.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import mongoose, { type Collection, type Connection } from 'mongoose';
import { z } from 'zod';
import { readConfig } from '../infra/config.ts';
import { openMongo } from '../infra/mongo/connection.ts';
import { readWords, runCommand, UsageError } from './command.ts';

const { EJSON } = mongoose.mongo.BSON;
const DUPLICATE_KEY = 11_000;
const BATCH = 500;
const CONNECT_TIMEOUT_MS = 5_000;

const lineSchema = z.object({ collection: z.string().min(1), document: z.record(z.string(), z.unknown()) });

/** @returns how many documents were written. */
async function dump(connection: Connection): Promise<number> {
  const out = process.stdout;
  let count = 0;
  for (const { name } of (await connection.listCollections()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for await (const document of connection.collection(name).find({}).sort({ _id: 1 })) {
      count += 1;
      const line = EJSON.stringify({ collection: name, document }, { relaxed: false });
      if (!out.write(`${line}\n`)) await once(out, 'drain');
    }
  }
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

/** @throws Error that names the line which is not from a dump. */
function documentOf(line: string, number: number): z.infer<typeof lineSchema> {
  try {
    return lineSchema.parse(EJSON.parse(line, { relaxed: false }));
  } catch {
    throw new Error(`line ${number} is not a document of a dump; what stands before it may be restored already`);
  }
}

/** @returns how many documents were read. */
async function restore(connection: Connection): Promise<number> {
  let count = 0;
  let batch: z.infer<typeof lineSchema>[] = [];
  const write = async () => {
    const names = new Set(batch.map(({ collection }) => collection));
    for (const name of names) {
      const documents = batch.filter(({ collection }) => collection === name).map(({ document }) => document);
      await insertMissing(connection.collection(name), documents);
    }
    count += batch.length;
    batch = [];
  };
  for await (const line of createInterface({ input: process.stdin })) {
    batch.push(documentOf(line, count + batch.length + 1));
    if (batch.length === BATCH) await write();
  }
  if (batch.length > 0) await write();
  return count;
}

async function run(args: readonly string[]): Promise<number> {
  const [command, surplus] = readWords(args, {}).positionals;
  if (command !== 'dump' && command !== 'restore') throw new UsageError('say dump or restore');
  if (surplus !== undefined) throw new UsageError(`"${surplus}" is one word too many`);
  const connection = await openMongo(readConfig(), CONNECT_TIMEOUT_MS);
  try {
    const count = await (command === 'dump' ? dump(connection) : restore(connection));
    // Standard output is the backup.
    console.error(`${command}: ${count} documents`);
    return 0;
  } finally {
    await connection.destroy();
  }
}

await runCommand({
  name: 'documents',
  call: 'node cli/documents.ts',
  purpose: "Writes MongoDB's documents to standard output, or reads them from standard input.",
  forms: ['dump > FILE', 'restore < FILE'],
  notes: ['A document that is there already stays as it is, so a restore can be repeated.'],
  run,
});
