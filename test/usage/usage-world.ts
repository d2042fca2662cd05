/** A ledger with calls in it, and a MongoDB database of its own behind a relay that a test can cut. */
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { type CallIdentity, captureOf, releaseOf, type ServedBy } from '../../activities/inference/settlement.ts';
import type { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import { NO_USAGE, type Usage } from '../../core/ledger/money.ts';
import { capture } from '../../core/ledger/operations/capture.ts';
import { release } from '../../core/ledger/operations/close-hold.ts';
import { hold } from '../../core/ledger/operations/hold.ts';
import { costOf, NO_RATES, type Price } from '../../core/ledger/price.ts';
import { connectMongo, type Mongo } from '../../infra/mongo/connection.ts';
import { relayTo } from '../catalog/test-catalog.ts';
import { callHold } from '../ledger/calls.ts';
import { type TestLedger, testLedger } from '../ledger/test-ledger.ts';

export const SILENT = pino({ level: 'silent' });
const STARTED_AT_MS = Date.parse('2026-11-24T03:00:00Z');
const PRICE: Price = {
  ...NO_RATES,
  id: 7,
  input: 2_000_000n,
  output: 8_000_000n,
};

export interface Call {
  readonly accountId: number;
  /** Otherwise the account's owner. */
  readonly userId?: number;
  readonly accessKeyId?: number;
  readonly modelId?: number;
  /** Of this call and those after it: the day that the queues write; undefined = by the database's clock. */
  readonly day?: string | undefined;
  /** When the call began. */
  readonly atMs?: number;
  readonly isAsync?: boolean;
  readonly usage?: Partial<Usage>;
  /** Code of the error it ended with. */
  readonly errorCode?: number;
}

export interface UsageWorld extends TestLedger {
  /** One call from hold to capture, or to release when it failed. @returns its request id. */
  call(queue: CommitQueue, call: Call): Promise<string>;
  /** Another process's connection. @param stuckMs see `connectMongo`. */
  mongo(stuckMs?: number): Mongo;
  /** Takes MongoDB away, and gives it back. */
  readonly wire: { cut(): void; mend(): Promise<void> };
}

/** @param name a name of its own for each test file; both databases are made afresh. */
export async function usageWorld(name: string): Promise<UsageWorld> {
  const ledger = await testLedger(name);
  for (const table of EMPTIED) await ledger.sequelize.query(`DELETE FROM ${table}`);
  const uri = new URL(ledger.config.MONGODB_URI);
  const wire = await relayTo(uri.hostname, Number(uri.port || 27_017));
  uri.pathname = `/${name}`;
  uri.host = `127.0.0.1:${wire.port}`;
  const connections: Mongo[] = [];
  const mongo = (stuckMs?: number) => {
    const connection = connectMongo({ MONGODB_URI: uri.href }, SILENT, stuckMs);
    connections.push(connection);
    return connection;
  };
  await emptyMongo(mongo());
  const owners = new Map<number, number>();
  const ownerOf = async (accountId: number) => {
    const known = owners.get(accountId);
    if (known !== undefined) return known;
    const { owner_id: owner } = await ledger.one(`SELECT owner_id FROM accounts WHERE id=${accountId}`);
    owners.set(accountId, Number(owner));
    return Number(owner);
  };
  return {
    ...ledger,
    mongo,
    wire,
    call: async (queue, wanted) => {
      if ('day' in wanted) ledger.setToday(wanted.day);
      return call(queue, { ...wanted, userId: wanted.userId ?? (await ownerOf(wanted.accountId)) });
    },
    close: async () => {
      for (const connection of connections) await connection.close();
      wire.cut();
      await ledger.close();
    },
  };
}

const EMPTIED = ['usage_outbox', 'usage_watermarks', 'stats', 'transfers', 'holds', 'accounts', 'reconciliations'];

async function emptyMongo(mongo: Mongo): Promise<void> {
  await connected(mongo);
  for (const collection of (await mongo.connection.db?.collections()) ?? []) await collection.drop();
}

/** Waits for the first connection. */
export function connected(mongo: Mongo): Promise<void> {
  return new Promise((resolve) => mongo.whenConnected(async () => resolve()));
}

async function call(queue: CommitQueue, wanted: Call & { readonly userId: number }): Promise<string> {
  const { accountId, userId, accessKeyId = 1, modelId = 1, atMs = STARTED_AT_MS, errorCode } = wanted;
  const requestId = uuidv7({ msecs: atMs });
  const identity: CallIdentity = {
    ...{ requestId, userId, accountId, accessKeyId },
    ...{ budgeted: false, traceId: 'trace', tags: {}, isAsync: wanted.isAsync ?? false, batchId: null },
  };
  const served: ServedBy = {
    modelId,
    modelIdentifier: `model-${modelId}`,
    providerId: 4,
    providerName: 'vendor',
    price: PRICE,
  };
  const usage = { ...NO_USAGE, promptTokens: 1_000, completionTokens: 500, ...wanted.usage };
  const timing = { startedAtMs: atMs, endedAtMs: atMs + 250, ttftMs: 40 };
  const attempted = { attempts: 1, providerKeyId: 3, fits: [] };
  await queue.submit(hold(callHold(requestId, accountId, costOf(PRICE, usage))));
  if (errorCode === undefined) await queue.submit(capture(captureOf(identity, served, usage, timing, attempted)));
  else
    await queue.submit(
      release(releaseOf(identity, served, timing, attempted, { errorCode, errorText: `failed with ${errorCode}` })),
    );
  return requestId;
}
