/**
 * Processes on the ledger, each behind a relay of its own, with what runs beside them in the product: the sweeper and
 * the relay of the usage log.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Ledger } from '../../core/ledger/ledger.ts';
import { HoldSweeper } from '../../core/ledger/sweeper.ts';
import { type TestLedger, testLedger } from '../ledger/test-ledger.ts';
import { DatabaseRelay } from './database-relay.ts';
import { checkAnswers } from './ledger-check.ts';
import { checkBudgetLimits, checkInvariants, checkUsageLog } from './ledger-invariants.ts';
import { readLedgerRows } from './ledger-rows.ts';
import { readRecord } from './record.ts';
import { UsageCarrier } from './usage-carrier.ts';
import { WorkerProcess } from './worker-process.ts';

const PROCESSES = 4;
/** Of the last process, so that charges which may wait for others are alone in its queue, and do wait. */
const FEW_CALLERS = 4;
const ACCOUNTS = 6;
const OPENING_BALANCE = 5_000n;
const KEY_BUDGET = 12_000;
const LEASE_SHARE = 0.25;
const SWEEP_EVERY_MS = 250;
const STOP_WITHIN_MS = 40_000;
const SETTLE_WITHIN_MS = 30_000;

export interface Site {
  readonly worker: WorkerProcess;
  readonly relay: DatabaseRelay;
}

export interface FieldOptions {
  /** A database of its own on the stack's server; dropped and created again. */
  readonly database: string;
  readonly writerTtlMs: number;
  readonly callersPerProcess: number;
  readonly seed: number;
}

export class LedgerField {
  readonly ledger: TestLedger;
  readonly sites: readonly Site[];
  readonly #folder: string;
  readonly #sweeper: HoldSweeper;
  readonly #carrier: UsageCarrier;
  readonly #limits: ReadonlyMap<number, bigint>;
  readonly #stopped = new AbortController();
  readonly #beside: Promise<unknown>[];

  private constructor(parts: {
    ledger: TestLedger;
    sites: readonly Site[];
    folder: string;
    limits: ReadonlyMap<number, bigint>;
  }) {
    this.ledger = parts.ledger;
    this.sites = parts.sites;
    this.#folder = parts.folder;
    this.#limits = parts.limits;
    const { config, sequelize } = parts.ledger;
    this.#sweeper = new HoldSweeper(config, sequelize, new Ledger(parts.ledger.queue(), sequelize, 'UTC'));
    this.#carrier = new UsageCarrier(sequelize);
    this.#beside = [this.#sweep(), this.#carrier.run(this.#stopped.signal)];
  }

  /** Makes the database, its accounts and keys, and starts the processes. */
  static async open(options: FieldOptions): Promise<LedgerField> {
    const ledger = await testLedger(options.database);
    const accounts: number[] = [];
    for (let count = 0; count < ACCOUNTS; count += 1) accounts.push(await ledger.account(OPENING_BALANCE));
    const accessKeys = accounts.slice(0, 4).map((accountId, id) => ({ id: id + 1, accountId, limit: KEY_BUDGET }));
    const folder = mkdtempSync(join(tmpdir(), 'ledger-chaos-'));
    const startedAtMs = Date.now();
    const sites: Site[] = [];
    for (let number = 1; number <= PROCESSES; number += 1) {
      const relay = await DatabaseRelay.open({ host: ledger.config.DB_HOST, port: ledger.config.DB_PORT });
      const worker = new WorkerProcess(`process-${number}`, (record) => ({
        database: { ...databaseOf(ledger), DB_HOST: '127.0.0.1', DB_PORT: relay.port },
        accounts,
        accessKeys,
        startedAtMs,
        writerTtlMs: options.writerTtlMs,
        ...(number === PROCESSES
          ? { callers: FEW_CALLERS, onlyStreams: true }
          : { callers: options.callersPerProcess, onlyStreams: false }),
        leaseShare: LEASE_SHARE,
        recordFile: join(folder, record),
        seed: options.seed + number * 1_000_000 + worker.records.length * 1_000,
      }));
      worker.start();
      sites.push({ worker, relay });
    }
    const limits = new Map(accessKeys.map(({ id, limit }) => [id, BigInt(limit)]));
    return new LedgerField({ ledger, sites, folder, limits });
  }

  /** Operations asked by all processes so far. */
  get operations(): number {
    return this.sites.reduce((sum, { worker }) => sum + worker.operations, 0);
  }

  /** Ends everything in good order: every caller hears its answer, every hold that is left is swept. */
  async settle(): Promise<void> {
    for (const { worker, relay } of this.sites) {
      relay.disarm();
      relay.heal();
      worker.thaw();
    }
    await Promise.all(this.sites.map(({ worker }) => worker.stop(STOP_WITHIN_MS)));
    const end = Date.now() + SETTLE_WITHIN_MS;
    while (Date.now() < end && !(await this.#isSettled())) await delay(SWEEP_EVERY_MS);
    this.#stopped.abort();
    await Promise.all(this.#beside);
    await this.#carrier.carry();
  }

  /** Every difference between the answers and the rows. */
  async breaches(): Promise<{ operations: number; answered: number; leased: number; breaches: string[] }> {
    const { sequelize } = this.ledger;
    const records = this.sites.flatMap(({ worker }) => worker.records);
    const operations = records.flatMap((record) => readRecord(record, join(this.#folder, record)));
    const rows = await readLedgerRows(sequelize);
    const ends = this.sites.flatMap(({ worker }) => worker.unexpectedEnd ?? []);
    return {
      operations: operations.length,
      answered: operations.filter(({ answer }) => answer !== undefined).length,
      leased: rows.transfers.filter(({ kind, hold_id, id }) => kind === 'charge' && hold_id !== id).length,
      breaches: [
        ...ends,
        ...(await checkInvariants(sequelize)),
        ...(await checkBudgetLimits(sequelize, this.#limits)),
        ...(await checkUsageLog(sequelize, this.#carrier.documents)),
        ...checkAnswers(operations, rows),
      ],
    };
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#beside);
    await Promise.all(this.sites.map(({ worker }) => worker.kill()));
    await Promise.all(this.sites.map(({ relay }) => relay.close()));
    await this.ledger.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #isSettled(): Promise<boolean> {
    const row = await this.ledger.one("SELECT COUNT(*) AS open FROM holds WHERE state='open'");
    return Number(row.open) === 0;
  }

  async #sweep(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      // The database may be away just now; the next round tries again.
      await this.#sweeper.sweep().catch(() => undefined);
      await delay(SWEEP_EVERY_MS);
    }
  }
}

function databaseOf({ config }: TestLedger) {
  const { DB_NAME, DB_USER, DB_PASSWORD, DB_POOL_SIZE } = config;
  return { DB_NAME, DB_USER, DB_PASSWORD, DB_POOL_SIZE };
}
