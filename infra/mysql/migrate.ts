/** `node infra/mysql/migrate.ts`: brings the schema up to date and exits. */
import { readConfig } from '../config.ts';
import { migrate } from './migrations.ts';
import { connectSequelize } from './sequelize.ts';

const config = readConfig();
const sequelize = connectSequelize(config);
try {
  const count = await migrate(config, sequelize, (text) => console.log(text));
  console.log(count === 0 ? 'schema is up to date' : `${count} migrations applied`);
} finally {
  await sequelize.close();
}
