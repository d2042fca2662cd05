/**
 * Runs a command of cli/, which reads its environment, with the settings of `npm start` while that runs, or with those
 * of the shell and .env when they name a database: `node infra/local/command.ts rotate-keys`.
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
function settings(command: string): Variables {
  const user = userSettings(CHECKOUT);
  // The doctor is asked above all when something does not run, and about names that are no settings.
  if (command === 'doctor') return { ...shellVariables(), ...rememberedSettings(user) };
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

/** The servers that `npm start` last had here, unless the user names others. */
function rememberedSettings(user: Variables): Variables {
  const parts = Object.values(readStackState(DATA_FOLDER).parts);
  if (user.DB_HOST !== undefined || parts.length === 0) return user;
  const servers: Variables = Object.assign({}, ...parts.map((part) => part.settings));
  return { ...secretSettings(localSecrets(DATA_FOLDER)), ...user, ...servers };
}

/** Vendors' keys under the names of their own tools (`DEEPSEEK_API_KEY`), for `npm run provider`. */
function vendorKeys(): Variables {
  return Object.fromEntries(Object.entries(shellVariables()).filter(([name]) => name.endsWith('_API_KEY')));
}

/** The usage is told without servers, too. */
function asksForHelp(args: readonly string[]): boolean {
  return args[0] === 'help' || args.some((arg) => arg === '--help' || arg === '-h');
}

try {
  const [command = '', ...args] = process.argv.slice(2);
  const child = spawn(process.execPath, [join(CHECKOUT, 'cli', `${command}.ts`), ...args], {
    env: { ...systemVariables(), ...vendorKeys(), ...(asksForHelp(args) ? {} : settings(command)) },
    stdio: 'inherit',
  });
  child.on('exit', (code) => process.exit(code ?? 1));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
