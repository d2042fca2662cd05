/**
 * Runs a command of the product with the settings of `npm start` while that runs, or with those of the shell and .env
 * when they name a database: `node infra/local/command.ts activities/catalog/cli/rotate-keys.ts`.
 */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { runningLauncher } from './data-folder.ts';
import { shellVariables, systemVariables, type Variables } from './environment.ts';
import { localSecrets, secretSettings } from './secrets.ts';
import { localSettings, userSettings } from './settings.ts';
import { attachStack } from './stack.ts';
import { readStackState } from './stack-state.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const DATA_FOLDER = join(CHECKOUT, '.local/start');

/** @throws Error saying what to do when there is nothing to run the command on. */
function settings(): Variables {
  const user = userSettings(CHECKOUT);
  if (runningLauncher(DATA_FOLDER) !== undefined) {
    const { api, simulator } = readStackState(DATA_FOLDER).servicePorts;
    if (api !== undefined && simulator !== undefined) {
      const secrets = secretSettings(localSecrets(DATA_FOLDER));
      const servers = attachStack(DATA_FOLDER).environment;
      return localSettings({ ports: { api, simulator }, secrets, user, servers });
    }
  }
  if (user.DB_HOST !== undefined) return user;
  throw new Error(
    'nothing runs here: start the product with `npm start` in another terminal, or set DB_HOST and the like',
  );
}

/** Vendors' keys under the names of their own tools (`DEEPSEEK_API_KEY`), for `npm run provider`. */
function vendorKeys(): Variables {
  return Object.fromEntries(Object.entries(shellVariables()).filter(([name]) => name.endsWith('_API_KEY')));
}

try {
  const [script = '', ...args] = process.argv.slice(2);
  const child = spawn(process.execPath, [join(CHECKOUT, script), ...args], {
    env: { ...systemVariables(), ...vendorKeys(), ...settings() },
    stdio: 'inherit',
  });
  child.on('exit', (code) => process.exit(code ?? 1));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
