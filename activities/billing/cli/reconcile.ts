/** `node activities/billing/cli/reconcile.ts`: checks the ledger's invariants, stores and prints the result. Exits 1 on a breach. */
import { readConfig } from '../../../infra/config.ts';
import { createLogger } from '../../../infra/logger.ts';
import { connectMongo } from '../../../infra/mongo/connection.ts';
import { connectSequelize } from '../../../infra/mysql/sequelize.ts';
import { firstKeptDay } from '../../usage/retention.ts';
import { UsageStore } from '../../usage/usage-store.ts';
import { reconcile } from '../reconcile.ts';
import { reconciliationText } from '../reconcile-text.ts';

const MONGO_WAIT_MS = 3_000;

const config = readConfig();
const sequelize = connectSequelize(config);
const mongo = connectMongo(config, createLogger('silent'));
const store = new UsageStore(mongo);
// Without MongoDB everything else is checked all the same, and said.
await new Promise<void>((resolve) => {
  const timer = setTimeout(resolve, MONGO_WAIT_MS);
  mongo.whenConnected(async () => {
    clearTimeout(timer);
    resolve();
  });
});
try {
  const firstDay = firstKeptDay(config.USAGE_RETENTION, config.APP_TIME_ZONE, Date.now());
  const result = await reconcile(sequelize, { store, firstDay });
  console.log(reconciliationText(result));
  process.exitCode = result.breaches === 0 ? 0 : 1;
} finally {
  await Promise.all([mongo.close(), sequelize.close()]);
}
