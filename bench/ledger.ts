/** A hold and its capture on one hot account: the commit queue against a transaction for each of the two. */
import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type Pool } from 'mysql2/promise';
import { v7 as uuidv7 } from 'uuid';
import type { CommitQueue } from '../core/ledger/commit-queue/commit-queue.ts';
import { hold } from '../core/ledger/operations/hold.ts';
import { PARTS } from '../devstack/parts.ts';
import type { Stack } from '../devstack/stack.ts';
import { callCapture, callHold } from '../test/ledger/calls.ts';
import { type TestLedger, testLedger } from '../test/ledger/test-ledger.ts';
import type { Bench, BenchContext } from './bench.ts';
import { watchCpu } from './cpu.ts';
import { markdownTable, median, percentile, spread } from './figures.ts';

const CALLERS = [1, 16, 64, 256] as const;
const SYSTEMS = ['unbatched', 'commit queue'] as const;
type System = (typeof SYSTEMS)[number];

const HELD_NANO = 5_000n;
const COST_NANO = 3_000n;
const OPENING_NANO = 10n ** 17n;
const WARM_UP_SECONDS = 1;
/** More connections only wait for the same row. */
const UNBATCHED_CONNECTIONS = 32;

/** Holds, then captures; two operations. */
type Call = () => Promise<void>;

/** One database with a ledger of its own. */
interface Server {
  /** `MySQL 9.7.4`. */
  readonly name: string;
  readonly ledger: TestLedger;
  readonly pool: Pool;
  readonly accountId: number;
  readonly calls: Readonly<Record<System, Call>>;
  readonly pid: () => number | undefined;
  /** Calls that were answered: what the balance must show. */
  answered: number;
}

interface Measurement {
  readonly server: string;
  readonly system: System;
  readonly callers: number;
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Milliseconds of CPU an operation: of the commit queue's process with its callers, and of the database. */
  readonly cpuMs: number;
  readonly databaseCpuMs: number;
}

function queueCall(queue: CommitQueue, accountId: number): Call {
  return async () => {
    const id = uuidv7();
    const held = await queue.submit(hold(callHold(id, accountId, HELD_NANO)));
    if (held.kind !== 'held') throw new Error(`the hold ended as ${held.kind}`);
    await queue.submit(callCapture(id, accountId, COST_NANO));
  };
}

/** The least that is durable and exact without batches: lock the account, change it, note why, commit. */
function unbatchedCall(pool: Pool, accountId: number): Call {
  const inTransaction = async (statements: readonly (readonly [sql: string, values: unknown[]])[]) => {
    const connection = await pool.getConnection();
    try {
      await connection.beginTransaction();
      await connection.query('SELECT available FROM accounts WHERE id=? FOR UPDATE', [accountId]);
      for (const [sql, values] of statements) await connection.query(sql, values);
      await connection.commit();
    } finally {
      connection.release();
    }
  };
  return async () => {
    const id = uuidv7();
    await inTransaction([
      ['UPDATE accounts SET available=available-? WHERE id=?', [HELD_NANO, accountId]],
      [
        "INSERT INTO holds (id,account_id,owner,amount,state,slot,epoch,expires_at,created_at) VALUES (?,?,'call',?,'open',0,0,NOW(3)+INTERVAL 1 MINUTE,NOW(3))",
        [id, accountId, HELD_NANO],
      ],
    ]);
    await inTransaction([
      ['UPDATE accounts SET available=available+? WHERE id=?', [HELD_NANO - COST_NANO, accountId]],
      [
        "UPDATE holds SET state='captured',captured=?,released=?,closed_at=NOW(3) WHERE id=?",
        [COST_NANO, HELD_NANO - COST_NANO, id],
      ],
      [
        "INSERT INTO transfers (id,kind,account_id,amount,hold_id,day,created_at) VALUES (?,'charge',?,?,?,CURDATE(),NOW(3))",
        [id, accountId, -COST_NANO, id],
      ],
    ]);
  };
}

/** @returns milliseconds of each call. */
async function load(call: Call, callers: number, seconds: number): Promise<number[]> {
  const end = performance.now() + seconds * 1_000;
  const took: number[] = [];
  const caller = async () => {
    for (let began = performance.now(); began < end; began = performance.now()) {
      await call();
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return took;
}

async function measure(server: Server, system: System, callers: number, seconds: number): Promise<Measurement> {
  const used = watchCpu({ queue: process.pid, database: server.pid() });
  const began = performance.now();
  const took = await load(server.calls[system], callers, seconds);
  server.answered += took.length;
  const elapsedSeconds = (performance.now() - began) / 1_000;
  const { byProcess } = used();
  const operations = 2 * took.length;
  return {
    server: server.name,
    system,
    callers,
    operationsPerSecond: operations / elapsedSeconds,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
    cpuMs: byProcess.queue / operations,
    databaseCpuMs: byProcess.database / operations,
  };
}

async function openServer(stack: Stack): Promise<Server> {
  const ledger = await testLedger(`bench_ledger_${process.pid}`, stack);
  const { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_PASSWORD: password, DB_NAME: database } = ledger.config;
  const pool = createPool({
    ...{ host, port, user, password, database },
    supportBigNumbers: true,
    connectionLimit: UNBATCHED_CONNECTIONS,
  });
  const accountId = await ledger.account(OPENING_NANO);
  const calls = { unbatched: unbatchedCall(pool, accountId), 'commit queue': queueCall(ledger.queue(), accountId) };
  const name = (await PARTS.mysql.describe?.(stack.environment)) ?? 'the database';
  return { name, ledger, pool, accountId, calls, pid: () => stack.part('mysql').pid, answered: 0 };
}

async function closeServer({ ledger, pool }: Server): Promise<void> {
  await pool.end();
  await ledger.sequelize.query(`DROP DATABASE ${ledger.config.DB_NAME}`);
  await ledger.close();
}

async function run({ stack, others, rounds, seconds, signal, say }: BenchContext): Promise<string> {
  const servers: Server[] = [];
  try {
    for (const one of [stack, ...others]) servers.push(await openServer(one));
    for (const server of servers) {
      for (const system of SYSTEMS) await measure(server, system, 64, WARM_UP_SECONDS);
    }
    const measurements: Measurement[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const callers of CALLERS) {
        for (const server of servers) {
          for (const system of SYSTEMS) {
            const one = await measure(server, system, callers, seconds);
            measurements.push(one);
            say(lineOf(round, one));
            await delay(0, undefined, { signal });
          }
        }
      }
    }
    const checks = await Promise.all(servers.map(checkBalance));
    const names = servers.map((server) => server.name);
    return [tableOf(measurements, names), checks.join('\n')].join('\n\n');
  } finally {
    for (const server of servers) await closeServer(server);
  }
}

/** @throws when the balance is not what the answered calls make it. */
async function checkBalance({ name, ledger, accountId, answered }: Server): Promise<string> {
  const balance = await ledger.balance(accountId);
  const expected = OPENING_NANO - BigInt(answered) * COST_NANO;
  if (balance !== expected) throw new Error(`${name}: the balance is ${balance}, not ${expected}`);
  return `${name}: ${answered} calls; the balance is the opening balance less ${answered} times the cost.`;
}

function lineOf(round: number, one: Measurement): string {
  const { server, system, callers, operationsPerSecond, p50Ms, cpuMs, databaseCpuMs } = one;
  const cpu = `${cpuMs.toFixed(3)} ms CPU, database ${databaseCpuMs.toFixed(3)}`;
  return `round ${round + 1}, ${callers} callers, ${server}, ${system}: ${operationsPerSecond.toFixed(0)} operations/s, p50 ${p50Ms.toFixed(1)} ms, ${cpu}`;
}

function tableOf(measurements: readonly Measurement[], servers: readonly string[]): string {
  const rowsOf = (callers: number, server: string) => {
    const here = measurements.filter((one) => one.callers === callers && one.server === server);
    const of = (system: System) => here.filter((one) => one.system === system);
    const unbatched = of('unbatched');
    return SYSTEMS.map((system) => {
      const own = of(system);
      const middle = (value: (one: Measurement) => number) => median(own.map(value));
      const ratios = own.map((one, round) => one.operationsPerSecond / (unbatched[round]?.operationsPerSecond ?? NaN));
      return [
        String(callers),
        server,
        system,
        middle((one) => one.operationsPerSecond).toFixed(0),
        system === 'unbatched' ? '1' : spread(ratios, 1),
        `${middle((one) => one.p50Ms).toFixed(1)} / ${middle((one) => one.p99Ms).toFixed(1)}`,
        middle((one) => one.cpuMs).toFixed(3),
        middle((one) => one.databaseCpuMs).toFixed(3),
      ];
    });
  };
  const rows = CALLERS.flatMap((callers) => servers.flatMap((server) => rowsOf(callers, server)));
  const head = [
    ...['callers', 'database', 'system', 'operations/s', 'of unbatched'],
    ...['hold + capture p50 / p99 ms', 'CPU ms an operation', 'database CPU ms'],
  ];
  return markdownTable(head, rows);
}

export const ledgerBench: Bench = {
  name: 'ledger',
  title: 'A hold and its capture on one hot account, against a transaction for each of the two',
  run,
};
