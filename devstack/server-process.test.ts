import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemVariables } from './environment.ts';
import {
  leftoverProcesses,
  logFile,
  logTail,
  runningProcess,
  signalProcess,
  startProcess,
  stopOrphan,
  stopProcess,
  waitForProcessEnd,
} from './server-process.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'server-process-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const FOR_EVER = 'setInterval(() => {}, 1000);';

function launch(code: string) {
  const dataFolder = mkdtempSync(join(SCRATCH, 'processes-'));
  const start = () =>
    startProcess(dataFolder, 'server', {
      command: process.execPath,
      args: ['-e', code],
      environment: { ...systemVariables(), ONLY_THIS: 'yes' },
      workingFolder: dataFolder,
    });
  return { dataFolder, start };
}

test('its output is in the log, its environment is the given one, and it is stopped by its name', async () => {
  const { dataFolder, start } = launch(
    `console.log(process.env.ONLY_THIS, process.env.NODE_TEST_CONTEXT); ${FOR_EVER}`,
  );
  const child = await start();
  assert.equal(runningProcess(dataFolder, 'server')?.pid, child.pid);
  assert.deepEqual(leftoverProcesses(dataFolder), ['server']);
  await assert.rejects(start(), /server runs already/);
  while (!readFileSync(logFile(dataFolder, 'server'), 'utf8').includes('\n')) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(logTail(dataFolder, 'server'), 'yes undefined');
  const ended = once(child, 'exit');
  await stopProcess(dataFolder, 'server', 5_000);
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  assert.deepEqual(leftoverProcesses(dataFolder), []);
});

test('one that does not stop is killed after the grace', async () => {
  const { dataFolder, start } = launch(`process.on('SIGTERM', () => {}); console.log('ready'); ${FOR_EVER}`);
  const child = await start();
  while (!logTail(dataFolder, 'server').includes('ready')) await new Promise((resolve) => setImmediate(resolve));
  const exit = once(child, 'exit');
  await stopProcess(dataFolder, 'server', 50);
  assert.deepEqual(await exit, [null, 'SIGKILL']);
});

test('after a kill -9 it is gone and can be started again', async () => {
  const { dataFolder, start } = launch(FOR_EVER);
  const first = await start();
  assert.equal(signalProcess(dataFolder, 'server', 'SIGKILL'), true);
  await waitForProcessEnd(dataFolder, 'server');
  assert.equal(signalProcess(dataFolder, 'server', 'SIGKILL'), false);
  const second = await start();
  assert.notEqual(first.pid, second.pid);
  await stopProcess(dataFolder, 'server', 5_000);
});

test('a process that only has the pid of ours is never ended', async () => {
  const { dataFolder, start } = launch(FOR_EVER);
  const child = await start();
  const file = join(dataFolder, 'run/server.json');
  const identity = readFileSync(file, 'utf8');
  writeFileSync(file, JSON.stringify({ pid: child.pid, started: 'before' }));
  assert.deepEqual(leftoverProcesses(dataFolder), []);
  await stopProcess(dataFolder, 'server', 5_000);
  assert.equal(child.exitCode ?? child.signalCode, null);
  writeFileSync(file, identity);
  // The system knows about the end before Node reports it.
  child.ref();
  const ended = once(child, 'exit');
  await stopProcess(dataFolder, 'server', 5_000);
  assert.deepEqual(await ended, [null, 'SIGTERM']);
});

test('a program that is not there is an error', async () => {
  const dataFolder = mkdtempSync(join(SCRATCH, 'processes-'));
  const none = { command: '/nowhere/server', args: [], environment: {}, workingFolder: dataFolder };
  await assert.rejects(startProcess(dataFolder, 'server', none), /ENOENT/);
  assert.equal(runningProcess(dataFolder, 'server'), undefined);
});

test('one whose starter was killed is an orphan that is ended; that of a running one is left alone', async () => {
  const { dataFolder, start } = launch(FOR_EVER);
  const own = await start();
  await stopOrphan(dataFolder, 'server', 5_000);
  assert.equal(runningProcess(dataFolder, 'server')?.pid, own.pid);
  await stopProcess(dataFolder, 'server', 5_000);

  const code = `import { startProcess } from ${JSON.stringify(join(import.meta.dirname, 'server-process.ts'))};
    const [command, dataFolder] = ${JSON.stringify([process.execPath, dataFolder])};
    const args = ['-e', ${JSON.stringify(FOR_EVER)}];
    await startProcess(dataFolder, 'server', { command, args, environment: {}, workingFolder: dataFolder });
    process.kill(process.pid, 'SIGKILL');`;
  await once(spawn(process.execPath, ['--input-type=module', '-e', code]), 'exit');
  assert.notEqual(runningProcess(dataFolder, 'server'), undefined);
  await assert.rejects(start(), /server runs already/);
  await stopOrphan(dataFolder, 'server', 5_000);
  assert.equal(runningProcess(dataFolder, 'server'), undefined);
});
