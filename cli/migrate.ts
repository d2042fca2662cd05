import { readConfig } from '../infra/config.ts';
import { migrate } from '../infra/mysql/migrations.ts';
import { connectSequelize } from '../infra/mysql/sequelize.ts';
import { expectNoWords, runCommand } from './command.ts';

async function run(args: readonly string[]): Promise<number> {
  expectNoWords(args);
  const config = readConfig();
  const sequelize = connectSequelize(config);
  try {
    const count = await migrate(config, sequelize, (text) => console.log(text));
    console.log(count === 0 ? 'schema is up to date' : `${count} migrations applied`);
    return 0;
  } finally {
    await sequelize.close();
  }
}

await runCommand({
  name: 'migrate',
  purpose: 'Creates the database where it is missing and brings its schema up to date. Safe to run again.',
  forms: [''],
  run,
});
