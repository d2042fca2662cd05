/**
 * Jobs while their worker, the API, Temporal, MySQL and Redis are killed every few seconds. `npm run test:chaos` runs
 * the long form: 500 jobs, five minutes.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { reconcile } from '../../core/ledger/reconcile.ts';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { type Customer, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';
import { JobFaults, type LiveJobs, type ProviderCalls } from './job-faults.ts';
import { type Submitted, submitOnce } from './job-submitter.ts';
import { Chance } from './ledger-world.ts';

const FULL = isFullChaos();
const JOBS = FULL ? 500 : 40;
const DURATION_MS = FULL ? 300_000 : 40_000;
const CUSTOMERS = 5;
const SETTLED_WITHIN_MS = 180_000;
const SEED = Date.now() % 1_000_000;

const counts = z.object({ byModel: z.record(z.string(), z.object({ calls: z.number(), running: z.number() })) });

let product: Product;
before(async () => {
  product = await startProduct({ name: 'job-chaos', settings: { WRITER_TTL: '2s' } });
});
after(() => product.close());

async function providerCalls(): Promise<ProviderCalls> {
  const answer = await fetch(`${product.simulator.url}/control/counts`);
  return counts.parse(await answer.json()).byModel['sim-chat'] ?? { calls: 0, running: 0 };
}

async function liveJobs(): Promise<LiveJobs | undefined> {
  try {
    const [row] = await product.rows(
      `SELECT COALESCE(MAX(provider_attempts),0) AS most, COUNT(IF(provider_attempts>0,1,NULL)) AS called
         FROM jobs WHERE status IN ('PENDING','PROCESSING')`,
    );
    return { mostCalls: Number(row?.most), called: Number(row?.called) };
  } catch {
    return undefined;
  }
}

/** Submits all jobs over the whole time. */
function submitAll(customers: readonly Customer[]): Promise<Submitted[]> {
  const submissions = Array.from({ length: JOBS }, async (_, index) => {
    await delay((index / JOBS) * DURATION_MS);
    const customer = customers[index % customers.length];
    if (!customer) throw new Error('there is no customer');
    return submitOnce(product, customer, `chaos-${SEED}-${index}`);
  });
  return Promise.all(submissions);
}

async function unfinished(): Promise<number> {
  const [row] = await product.rows("SELECT COUNT(*) AS n FROM jobs WHERE status IN ('PENDING','PROCESSING')");
  return Number(row?.n);
}

test(`${JOBS} jobs under kill -9 of every part: all end, charged once, nothing is called for nothing`, async (context) => {
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => newCustomer(product.apis[0])));
  // A call takes about a second, so that kills meet some in the middle.
  await fetch(`${product.simulator.url}/control/faults`, {
    method: 'POST',
    body: JSON.stringify({ fault: 'slow-chunks', value: 25, model: 'sim-chat' }),
  });
  const stopped = new AbortController();
  const faults = new JobFaults(product, new Chance(SEED), { providerCalls, liveJobs });
  const killing = faults.run(stopped.signal);
  const submitted = await submitAll(customers).finally(() => stopped.abort());
  await killing;
  const started = Date.now();
  await until('all jobs have ended', async () => (await unfinished()) === 0, SETTLED_WITHIN_MS);
  const { calls } = await providerCalls();
  const failed = await product.rows("SELECT error_message,provider_attempts FROM jobs WHERE status='FAILED'");
  const repeated = submitted.filter(({ tries }) => tries > 1).length;
  context.diagnostic(
    `seed ${SEED}; kills ${JSON.stringify(Object.fromEntries(faults.kills))}; ${calls} provider calls for ${JOBS} jobs, ` +
      `${faults.callsAtRisk} at risk; ${failed.length} FAILED; ${repeated} submissions repeated; settled ${Date.now() - started} ms after the last kill`,
  );

  assert.equal(new Set(submitted.map(({ jobId }) => jobId)).size, JOBS, 'a key gives one job');
  const [all] = await product.rows('SELECT COUNT(*) AS n FROM jobs');
  assert.equal(Number(all?.n), JOBS, 'no submission was lost or doubled');
  assert.deepEqual(failed, [], 'no job fails whose last call was left alone');
  const ended = await product.rows("SELECT 1 FROM jobs WHERE status='COMPLETED'");
  assert.equal(ended.length, JOBS, 'nobody has cancelled');
  const wrong = await product.rows(
    `SELECT j.id,j.status,j.cost,COUNT(t.id) AS charges,SUM(t.amount) AS charged FROM jobs j
       LEFT JOIN transfers t ON t.id=j.id AND t.kind='charge' GROUP BY j.id,j.status,j.cost
     HAVING charges<>(j.status='COMPLETED') OR (j.status='COMPLETED' AND charged<>-j.cost)`,
  );
  assert.deepEqual(wrong, [], 'COMPLETED is charged once, the rest never');
  assert.ok(calls <= JOBS + faults.callsAtRisk, `${calls} calls`);
  const [attempts] = await product.rows('SELECT SUM(provider_attempts) AS n FROM jobs');
  assert.ok(calls <= Number(attempts?.n), 'every call was counted before it was made');
  await assertBooksAgree();
});

async function assertBooksAgree(): Promise<void> {
  assert.equal(await product.openHolds(), 0, 'no hold is left open');
  const sequelize = connectSequelize(product.config);
  try {
    const { invariants } = await reconcile(sequelize);
    assert.deepEqual(
      invariants.filter(({ breaches }) => breaches > 0),
      [],
    );
  } finally {
    await sequelize.close();
  }
}
