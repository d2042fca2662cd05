/** The product's services, for the time of a command. */
import { createServices, type Services } from '../activities/services.ts';
import { type Config, readConfig } from '../infra/config.ts';
import { createLogger } from '../infra/logger.ts';
import { connectSequelize } from '../infra/mysql/sequelize.ts';

/** @throws at once if MySQL does not answer: the services themselves would wait half a minute, as a server should. */
async function askDatabase(config: Config): Promise<void> {
  const sequelize = connectSequelize(config);
  try {
    await sequelize.authenticate();
  } finally {
    await sequelize.close();
  }
}

/** Opens everything, does the work, closes everything. */
export async function withServices(work: (services: Services, config: Config) => Promise<number>): Promise<number> {
  const config = readConfig();
  await askDatabase(config);
  const services = await createServices(config, createLogger('error'));
  try {
    return await work(services, config);
  } finally {
    await services.close();
  }
}
