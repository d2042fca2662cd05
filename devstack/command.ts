/**
 * Runs a command of cli/, which reads its environment, with the settings of `npm start` while that runs, or with those
 * of the shell and .env when they name a database: `node devstack/command.ts rotate-keys`.
 */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { asksForHelp } from '../infra/command-line.js';
import { runningLauncher } from './data-folder.ts';
import { dotEnvVariables, shellVariables, systemVariables, type Variables } from './environment.ts';
import { readRunningSettings } from './settings.ts';
import { userSettings } from './user-settings.ts';

const CHECKOUT = resolve(import.meta.dirname, '..');
const DATA_FOLDER = join(CHECKOUT, '.local/start');

/** @throws Error saying what to do when there is nothing to run the command on. */
function settings(command: string): Variables {
  const { values } = userSettings(CHECKOUT);
  // The doctor is asked above all when something does not run, and about names that are no settings.
  if (command === 'doctor') {
    const own = values.DB_HOST === undefined ? readRunningSettings(DATA_FOLDER) : undefined;
    const set = Object.entries({ ...dotEnvVariables(CHECKOUT), ...shellVariables() });
    return { ...Object.fromEntries(set.filter(([, value]) => value !== '')), ...own };
  }
  const running = runningLauncher(DATA_FOLDER) === undefined ? undefined : readRunningSettings(DATA_FOLDER);
  if (running !== undefined) return running;
  if (values.DB_HOST !== undefined) return values;
  throw new Error(
    'nothing runs here: start the product with `npm start` in another terminal, or set DB_HOST and the like',
  );
}

/** Vendors' keys under the names of their own tools (`DEEPSEEK_API_KEY`), for `npm run provider`. */
function vendorKeys(): Variables {
  return Object.fromEntries(Object.entries(shellVariables()).filter(([name]) => name.endsWith('_API_KEY')));
}

try {
  const [command = '', ...args] = process.argv.slice(2);
  const child = spawn(process.execPath, [join(CHECKOUT, 'cli', `${command}.ts`), ...args], {
    env: {
      ...systemVariables(),
      ...vendorKeys(),
      ...(args[0] === 'help' || asksForHelp(args) ? {} : settings(command)),
    },
    stdio: 'inherit',
  });
  child.on('exit', (code) => process.exit(code ?? 1));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
