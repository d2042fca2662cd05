/** `npm run reset`: deletes the data of `npm start`, `npm test`, test_scripts and the benches; what was fetched stays in the cache. */
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readCommandLine } from '../infra/command-line.js';
import { COMMANDS } from './commands.js';
import { endLeftovers, runningLauncher } from './data-folder.ts';
import { PART_NAMES } from './parts.ts';

const CHECKOUT = resolve(import.meta.dirname, '..');
readCommandLine(COMMANDS.reset, process.argv.slice(2));
const folders = ['start', 'test', 'storage', 'test_scripts', 'bench', 'bench-mariadb']
  .map((name) => join(CHECKOUT, '.local', name))
  .filter((folder) => existsSync(folder));

const held = folders.find((folder) => runningLauncher(folder) !== undefined);
if (held) {
  console.error(
    `Nothing was deleted: process ${runningLauncher(held)} works in ${held}. Stop it first (Ctrl-C there).`,
  );
  process.exitCode = 1;
} else {
  for (const folder of folders) {
    await endLeftovers(folder, PART_NAMES);
    rmSync(folder, { recursive: true });
    console.log(`deleted ${folder}`);
  }
  if (folders.length === 0) console.log('There is nothing to delete.');
}
