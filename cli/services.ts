/** What commands use of the product, for the time of a command. What more one needs it makes itself: a start is quick. */
import { createLedgerServices, type LedgerServices } from '../activities/ledger-services.ts';
import { type Config, readConfig } from '../infra/config.ts';
import { createLogger } from '../infra/logger.ts';
import { connectSequelize } from '../infra/mysql/sequelize.ts';

/** @throws at once if MySQL does not answer: the ledger itself would wait half a minute, as a server should. */
async function askDatabase(config: Config): Promise<void> {
  const sequelize = connectSequelize(config);
  try {
    await sequelize.authenticate();
  } finally {
    await sequelize.close();
  }
}

/** Opens database, ledger and Redis, does the work, closes them. */
export async function withLedger(work: (services: LedgerServices) => Promise<number>): Promise<number> {
  const config = readConfig();
  await askDatabase(config);
  const services = await createLedgerServices(config, createLogger('error'));
  try {
    return await work(services);
  } finally {
    await services.settleLedger();
    await services.closeConnections();
  }
}
