/** A hold and its capture on one hot account: the money lane against a transaction for each of the two. */
import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type Pool } from 'mysql2/promise';
import { v7 as uuidv7 } from 'uuid';
import type { MoneyLane } from '../activities/billing/lane/lane.ts';
import { hold } from '../activities/billing/operations/hold.ts';
import { callCapture, callHold, type TestLedger, testLedger } from '../test/ledger/test-ledger.ts';
import type { Bench, BenchContext } from './bench.ts';
import { watchCpu } from './cpu.ts';
import { markdownTable, median, percentile, spread } from './figures.ts';

const CALLERS = [1, 16, 64, 256] as const;
const SYSTEMS = ['unbatched', 'money lane'] as const;
type System = (typeof SYSTEMS)[number];

const HELD_NANO = 5_000n;
const COST_NANO = 3_000n;
const OPENING_NANO = 10n ** 17n;
const WARM_UP_SECONDS = 1;
/** More connections only wait for the same row. */
const UNBATCHED_CONNECTIONS = 32;

/** Holds, then captures; two operations. */
type Call = () => Promise<void>;

interface Measurement {
  readonly system: System;
  readonly callers: number;
  readonly calls: number;
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Milliseconds of CPU an operation: of the lane's process with its callers, and of the database. */
  readonly cpuMs: number;
  readonly databaseCpuMs: number;
}

function laneCall(lane: MoneyLane, accountId: number): Call {
  return async () => {
    const id = uuidv7();
    const held = await lane.submit(hold(callHold(id, accountId, HELD_NANO)));
    if (held.kind !== 'held') throw new Error(`the hold ended as ${held.kind}`);
    await lane.submit(callCapture(id, accountId, COST_NANO));
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

async function measure(
  { stack, seconds }: BenchContext,
  system: System,
  callers: number,
  call: Call,
): Promise<Measurement> {
  const used = watchCpu({ lane: process.pid, database: stack.part('mysql').pid });
  const began = performance.now();
  const took = await load(call, callers, seconds);
  const elapsedSeconds = (performance.now() - began) / 1_000;
  const { byProcess } = used();
  const operations = 2 * took.length;
  return {
    system,
    callers,
    calls: took.length,
    operationsPerSecond: operations / elapsedSeconds,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
    cpuMs: byProcess.lane / operations,
    databaseCpuMs: byProcess.database / operations,
  };
}

async function run(context: BenchContext): Promise<string> {
  const ledger = await testLedger(`bench_ledger_${process.pid}`, context.stack);
  const { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_PASSWORD: password, DB_NAME: database } = ledger.config;
  const pool = createPool({
    ...{ host, port, user, password, database },
    supportBigNumbers: true,
    connectionLimit: UNBATCHED_CONNECTIONS,
  });
  try {
    const accountId = await ledger.account(OPENING_NANO);
    const calls: Record<System, Call> = {
      unbatched: unbatchedCall(pool, accountId),
      'money lane': laneCall(ledger.lane(), accountId),
    };
    let answered = 0;
    for (const system of SYSTEMS) answered += (await load(calls[system], 64, WARM_UP_SECONDS)).length;
    const measurements: Measurement[] = [];
    for (let round = 0; round < context.rounds; round += 1) {
      for (const callers of CALLERS) {
        for (const system of SYSTEMS) {
          const one = await measure(context, system, callers, calls[system]);
          measurements.push(one);
          answered += one.calls;
          context.say(lineOf(round, one));
          await delay(0, undefined, { signal: context.signal });
        }
      }
    }
    return [tableOf(measurements), await checkBalance(ledger, accountId, answered)].join('\n\n');
  } finally {
    await pool.end();
    await ledger.sequelize.query(`DROP DATABASE ${database}`);
    await ledger.close();
  }
}

/** @throws when the balance is not what the answered calls make it. */
async function checkBalance(ledger: TestLedger, accountId: number, answered: number): Promise<string> {
  const balance = await ledger.balance(accountId);
  const expected = OPENING_NANO - BigInt(answered) * COST_NANO;
  if (balance !== expected) throw new Error(`the balance is ${balance}, not ${expected}`);
  return `${answered} calls; the balance is the opening balance less ${answered} times the cost.`;
}

function lineOf(round: number, one: Measurement): string {
  const { system, callers, operationsPerSecond, p50Ms, cpuMs, databaseCpuMs } = one;
  const cpu = `${cpuMs.toFixed(3)} ms CPU, database ${databaseCpuMs.toFixed(3)}`;
  return `round ${round + 1}, ${callers} callers, ${system}: ${operationsPerSecond.toFixed(0)} operations/s, p50 ${p50Ms.toFixed(1)} ms, ${cpu}`;
}

function tableOf(measurements: readonly Measurement[]): string {
  const rows = CALLERS.flatMap((callers) => {
    const of = (system: System) => measurements.filter((one) => one.system === system && one.callers === callers);
    const unbatched = of('unbatched');
    return SYSTEMS.map((system) => {
      const own = of(system);
      const middle = (value: (one: Measurement) => number) => median(own.map(value));
      const ratios = own.map((one, round) => one.operationsPerSecond / (unbatched[round]?.operationsPerSecond ?? NaN));
      return [
        String(callers),
        system,
        middle((one) => one.operationsPerSecond).toFixed(0),
        system === 'unbatched' ? '1' : spread(ratios, 1),
        `${middle((one) => one.p50Ms).toFixed(1)} / ${middle((one) => one.p99Ms).toFixed(1)}`,
        middle((one) => one.cpuMs).toFixed(3),
        middle((one) => one.databaseCpuMs).toFixed(3),
      ];
    });
  });
  const head = [
    ...['callers', 'system', 'operations/s', 'of unbatched'],
    ...['hold + capture p50 / p99 ms', 'CPU ms an operation', 'database CPU ms'],
  ];
  return markdownTable(head, rows);
}

export const ledgerBench: Bench = {
  name: 'ledger',
  title: 'A hold and its capture on one hot account, against a transaction for each of the two',
  run,
};
