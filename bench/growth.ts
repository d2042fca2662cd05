/**
 * The same calls on a product with a long past and on a new one beside it: many users, models and charges may cost
 * nothing. At the end the grown ledger is reconciled. Its past is written by SQL, as calls would have left it.
 */
import { join } from 'node:path';
import type { Sequelize } from 'sequelize';
import { reconcile } from '../core/ledger/reconcile.ts';
import type { Bench, BenchContext } from './bench.ts';
import { watchCpu } from './cpu.ts';
import { markdownTable, median, spread } from './figures.ts';
import { type BenchProduct, chatBody, MODEL, startBenchProduct } from './product.ts';
import { wrkProgram } from './programs.ts';
import { runLoad } from './wrk.ts';

const SIZES = { users: 10_000, models: 1_000, charges: [10_000, 100_000, 1_000_000] };
const SHORT_SIZES: typeof SIZES = { users: 1_000, models: 100, charges: [1_000, 10_000] };
const CALLERS = 16;
const WARM_UP_SECONDS = 4;
/** Rows a statement, so that no transaction is huge. */
const CHARGES_AT_ONCE = 50_000;

const SYSTEMS = ['new', 'grown'] as const;
type System = (typeof SYSTEMS)[number];

interface Measurement {
  readonly system: System;
  readonly charges: number;
  readonly perSecond: number;
  /** Milliseconds of CPU a call, of API and database together. */
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function run(context: BenchContext): Promise<string> {
  // Each has a Redis database of its own: circuits and counters are stored by id.
  const grown = await startBenchProduct(context, 'growth');
  try {
    const young = await startBenchProduct(context, 'growth-new', '14');
    try {
      return await measureGrowth(context, { new: young, grown });
    } finally {
      await young.close();
    }
  } finally {
    await grown.close();
  }
}

async function measureGrowth(context: BenchContext, products: Readonly<Record<System, BenchProduct>>): Promise<string> {
  const sizes = context.short ? SHORT_SIZES : SIZES;
  const wrk = await wrkProgram(context);
  const load = (system: System, seconds: number) =>
    runLoad({
      ...{ wrk, seconds, callers: CALLERS, body: chatBody(MODEL), signal: context.signal },
      url: `${products[system].api.url}/v1/chat/completions`,
      headers: products[system].callers,
      folder: join(context.stack.dataFolder, 'load'),
    });
  const { database, api } = products.grown;
  context.say(`${sizes.users} users, ${sizes.models} models`);
  await addUsersAndModels(database, sizes);
  // It reads models when it starts.
  await api.stop();
  await api.start();
  for (const system of SYSTEMS) await load(system, WARM_UP_SECONDS);
  const measurements: Measurement[] = [];
  let charges = 0;
  for (const size of sizes.charges) {
    context.say(`${size} charges`);
    for (; charges < size; charges += Math.min(CHARGES_AT_ONCE, size - charges)) {
      await addCharges(database, charges, Math.min(charges + CHARGES_AT_ONCE, size));
    }
    for (let round = 0; round < context.rounds; round += 1) {
      for (const system of SYSTEMS) {
        const used = watchCpu({ api: products[system].api.pid, database: products[system].databasePid });
        const { requests, seconds, p50Ms, p99Ms } = await load(system, context.seconds);
        const { byProcess } = used();
        const cpuMs = (byProcess.api + byProcess.database) / requests;
        measurements.push({ system, charges: size, perSecond: requests / seconds, cpuMs, p50Ms, p99Ms });
        context.say(`round ${round + 1}, ${system}: ${(requests / seconds).toFixed(0)}/s, ${cpuMs.toFixed(3)} ms CPU`);
      }
    }
  }
  return [tableOf(measurements), await reconciled(database)].join('\n\n');
}

/** @throws when the past is not as calls would have left it. */
async function reconciled(database: Sequelize): Promise<string> {
  const { startedAt, finishedAt, breaches, invariants } = await reconcile(database);
  const wrong = invariants.flatMap(({ examples }) => examples);
  if (breaches > 0) throw new Error(`the grown ledger has ${breaches} breaches:\n${wrong.join('\n')}`);
  const seconds = (finishedAt.getTime() - startedAt.getTime()) / 1_000;
  return `The grown ledger was reconciled in ${seconds.toFixed(1)} s.`;
}

async function addUsersAndModels(database: Sequelize, { users, models, charges }: typeof SIZES): Promise<void> {
  const most = Math.max(users, models, ...charges);
  const doublings = Array.from({ length: Math.ceil(Math.log2(most)) }, (_, at) => 2 ** at);
  for (const sql of [
    'CREATE TABLE numbers (number INT UNSIGNED NOT NULL PRIMARY KEY)',
    'INSERT INTO numbers VALUES (0)',
    ...doublings.map((half) => `INSERT INTO numbers SELECT number+${half} FROM numbers`),
    `INSERT INTO users (username,password_hash,role)
     SELECT CONCAT('grown-',number),'none','ROLE_USER' FROM numbers WHERE number<${users}`,
    `INSERT INTO accounts (owner_kind,owner_id) SELECT 'user',id FROM users WHERE username LIKE 'grown-%'`,
    `INSERT INTO access_keys (user_id,public_part,key_hash,last_four)
     SELECT id,LPAD(id,16,'0'),UNHEX(SHA2(id,256)),'0000' FROM users WHERE username LIKE 'grown-%'`,
    `INSERT INTO models (display_name,model_identifier,provider_id,capabilities)
     SELECT CONCAT('grown-',number),CONCAT('grown-',number),(SELECT MIN(id) FROM providers),'text-to-text'
       FROM numbers WHERE number<${models}`,
    `INSERT INTO model_prices (model_id,version,input,output)
     SELECT id,1,1000,2000 FROM models WHERE model_identifier LIKE 'grown-%'`,
    `UPDATE models m JOIN model_prices p ON p.model_id=m.id SET m.price_id=p.id
      WHERE m.model_identifier LIKE 'grown-%'`,
    ...['accounts', 'models'].flatMap((table) => [
      `CREATE TABLE numbered_${table} (position INT UNSIGNED NOT NULL PRIMARY KEY, id INT UNSIGNED NOT NULL)`,
      `INSERT INTO numbered_${table} SELECT ROW_NUMBER() OVER (ORDER BY id)-1, id FROM ${table}`,
    ]),
  ]) {
    await database.query(sql);
  }
}

/** Charges number `from` to `to`, of yesterday, each with its hold; grants pay them, so that no balance changes. */
async function addCharges(database: Sequelize, from: number, to: number): Promise<void> {
  // In the order of time and before those of real calls, as ids are.
  const id = "CONCAT(LPAD(HEX(number),8,'0'),'-0000-7000-8000-',LPAD(number,12,'0'))";
  const amount = '100+number%7';
  const [day, time] = ['CURDATE()-INTERVAL 1 DAY', 'NOW(3)-INTERVAL 1 DAY'];
  const turn = (table: string) =>
    `JOIN numbered_${table} ${table} ON ${table}.position=number%(SELECT COUNT(*) FROM numbered_${table})`;
  const range = `WHERE number>=${from} AND number<${to}`;
  for (const sql of [
    `INSERT INTO holds (id,account_id,owner,amount,captured,state,slot,epoch,expires_at,created_at,closed_at)
     SELECT ${id},accounts.id,'call',${amount},${amount},'captured',0,0,${time},${time},${time}
       FROM numbers ${turn('accounts')} ${range}`,
    `INSERT INTO transfers (id,kind,account_id,amount,hold_id,model_id,prompt_tokens,completion_tokens,day,created_at)
     SELECT ${id},'charge',accounts.id,-(${amount}),${id},models.id,57,33,${day},${time}
       FROM numbers ${turn('accounts')} ${turn('models')} ${range}`,
    `INSERT INTO transfers (id,kind,account_id,amount,day,created_at)
     SELECT CONCAT('grown-${from}-',accounts.id),'grant',accounts.id,SUM(${amount}),${day},${time}
       FROM numbers ${turn('accounts')} ${range} GROUP BY accounts.id`,
    `INSERT INTO stats (day,model_id,slot,requests,successes,prompt_tokens,completion_tokens,cost)
     SELECT ${day},models.id,0,COUNT(*),COUNT(*),57*COUNT(*),33*COUNT(*),SUM(${amount})
       FROM numbers ${turn('models')} ${range} GROUP BY models.id
     ON DUPLICATE KEY UPDATE requests=requests+VALUES(requests), successes=successes+VALUES(successes),
       prompt_tokens=prompt_tokens+VALUES(prompt_tokens), completion_tokens=completion_tokens+VALUES(completion_tokens),
       cost=cost+VALUES(cost)`,
  ]) {
    await database.query(sql);
  }
}

function tableOf(measurements: readonly Measurement[]): string {
  const sizes = [...new Set(measurements.map(({ charges }) => charges))];
  const rows = sizes.flatMap((charges) => {
    const of = (system: System) => measurements.filter((one) => one.system === system && one.charges === charges);
    return SYSTEMS.map((system) => {
      const own = of(system);
      const middle = (value: (one: Measurement) => number, digits: number) => median(own.map(value)).toFixed(digits);
      const ofNew = (value: (one: Measurement) => number) =>
        spread(
          own.map((one, round) => value(one) / value(of('new')[round] ?? one)),
          2,
        );
      return [
        String(charges),
        system,
        middle((one) => one.perSecond, 0),
        ofNew((one) => one.perSecond),
        middle((one) => one.cpuMs, 3),
        ofNew((one) => one.cpuMs),
        `${middle((one) => one.p50Ms, 1)} / ${middle((one) => one.p99Ms, 1)}`,
      ];
    });
  });
  const head = ['charges of the grown', 'system', 'requests/s', 'of new', 'CPU ms a request', 'of new'];
  return markdownTable([...head, 'latency p50 / p99 ms'], rows);
}

export const growthBench: Bench = {
  name: 'growth',
  title: `Calls of ${CALLERS} callers with many users, models and charges in the database, against a new one beside it`,
  run,
};
