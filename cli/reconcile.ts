import { type Reconciliation, reconcile } from '../core/ledger/reconcile.ts';
import { firstKeptDay } from '../core/usage/retention.ts';
import { UsageStore } from '../core/usage/usage-store.ts';
import { readConfig } from '../infra/config.ts';
import { createLogger } from '../infra/logger.ts';
import { connectMongo, type Mongo } from '../infra/mongo/connection.ts';
import { connectSequelize } from '../infra/mysql/sequelize.ts';
import { expectNoWords, runCommand } from './command.ts';

const MONGO_WAIT_MS = 3_000;

/** Without MongoDB everything else is still checked, and the output says so. */
function connectedOrLate(mongo: Mongo): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, MONGO_WAIT_MS);
    mongo.whenConnected(async () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function run(args: readonly string[]): Promise<number> {
  expectNoWords(args);
  const config = readConfig();
  const sequelize = connectSequelize(config);
  const mongo = connectMongo(config, createLogger('silent'));
  try {
    await connectedOrLate(mongo);
    const firstDay = firstKeptDay(config.USAGE_RETENTION, config.APP_TIME_ZONE, Date.now());
    const result = await reconcile(sequelize, { store: new UsageStore(mongo), firstDay });
    console.log(reconciliationText(result));
    return result.breaches === 0 ? 0 : 1;
  } finally {
    await Promise.all([mongo.close(), sequelize.close()]);
  }
}

/** A reconciliation as an operator reads it. */
function reconciliationText(result: Reconciliation): string {
  const seconds = ((result.finishedAt.getTime() - result.startedAt.getTime()) / 1_000).toFixed(1);
  const lines = result.invariants.flatMap(({ name, checked, breaches, examples, note }, index) => [
    `${breaches === 0 ? '✔' : '✖'} ${index + 1}. ${name}: ${checked} checked, ${breaches} breaches`,
    ...(note === undefined ? [] : [`     ${note}`]),
    ...examples.map((example) => `     ${example}`),
  ]);
  const breaches = result.breaches === 0 ? 'no breach' : `${result.breaches} breaches`;
  return [...lines, `${breaches}, in ${seconds} s`].join('\n');
}

await runCommand({
  name: 'reconcile',
  purpose: "Checks the ledger's invariants, stores and prints the result. Exit code 1 when one is broken.",
  forms: [''],
  run,
});
