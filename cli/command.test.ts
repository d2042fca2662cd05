import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { systemVariables } from '../devstack/environment.ts';

const COMMANDS = globSync('*.ts', { cwd: import.meta.dirname, exclude: ['*.test.ts'] })
  .filter((file) => readFileSync(join(import.meta.dirname, file), 'utf8').includes('await runCommand('))
  .map((file) => file.replace(/\.ts$/, ''))
  .sort();

async function run(command: string, args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${command}.ts`), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...systemVariables(), DB_HOST: '127.0.0.1', DB_PORT: '1', DB_PASSWORD: 'a-secret-password' },
  });
  const [out, err, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { out, err, exitCode };
}

test('every command says how it is called, and refuses an option that it does not have', async () => {
  assert.deepEqual(COMMANDS, ['admin', 'doctor', 'documents', 'migrate', 'provider', 'reconcile', 'rotate-keys']);
  for (const command of COMMANDS) {
    const { exitCode, err } = await run(command, ['--no-such-option']);
    assert.equal(exitCode, 2, command);
    const usage = `usage:\n.*${command}[\\s\\S]*In the image: node cli/${command}\\.ts`;
    assert.match(err, new RegExp(`^Unknown option '--no-such-option'\n[\\s\\S]*${usage}`), command);
  }
  const help = await run('migrate', ['--help']);
  assert.deepEqual([help.exitCode, help.err], [0, '']);
  assert.match(help.out, /Safe to run again\.\n\nusage:\n {2}npm run migrate\n/);
});

test('a database that is away is said in a line without its password', async () => {
  const runs = await Promise.all(['migrate', 'rotate-keys'].map((command) => run(command, [])));
  for (const { exitCode, err } of runs) {
    assert.equal(exitCode, 1);
    assert.match(err, /^MySQL does not answer: .*npm run doctor.*\n$/);
    assert.doesNotMatch(err, /a-secret-password/);
  }
});
