/**
 * README.md and docs/quick-start.md as they are written, in a fresh copy of the checkout, with nothing else known. In the
 * short form the copy has the installed packages of this checkout, without what was built with them.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { systemVariables } from '../../devstack/environment.ts';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { CHECKOUT, complaintOf, runDocument, type Step, type StepResult } from './document.ts';

const START_TIMEOUT_MS = 8 * 60_000;
const STARTS = /^npm start/m;

let clone: string;
let launcher: ReturnType<typeof launch> | undefined;
before(async () => {
  clone = mkdtempSync(join(tmpdir(), 'fresh-clone-'));
  const listed = await execa('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: CHECKOUT });
  for (const file of listed.stdout.split('\n').filter((name) => existsSync(join(CHECKOUT, name)))) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(CHECKOUT, file), join(clone, file));
  }
  if (isFullChaos()) return;
  const copy = (how: string) => execa('cp', [how, join(CHECKOUT, 'node_modules'), clone]);
  // Links, where both are on one disk.
  await copy('-al').catch(() => copy('-a'));
  rmSync(join(clone, 'node_modules/.cache'), { recursive: true, force: true });
});
after(async () => {
  launcher?.kill('SIGINT');
  await launcher;
  rmSync(clone, { recursive: true });
});

/** As a stranger's shell: no node_modules of this checkout on PATH. */
function strangersVariables(): Record<string, string> {
  const variables = systemVariables();
  const folders = (variables.PATH ?? '').split(':').filter((folder) => !folder.startsWith(CHECKOUT));
  return { ...variables, PATH: folders.join(':') };
}

function assertDone(results: readonly StepResult[], fewest: number): void {
  const complaints = results.flatMap((result) => complaintOf(result) ?? []);
  assert.deepEqual(complaints, [], complaints.join('\n\n'));
  assert.ok(results.length >= fewest, `${results.length} commands`);
}

test('a fresh copy starts with one command, and every command of both texts does what they say', async () => {
  const starts = (step: Step) => STARTS.test(step.command);
  const variables = strangersVariables();
  assertDone(await runDocument('docs/quick-start.md', { settings: variables, folder: clone, only: starts }), 1);

  const printed = await startToStay(variables);
  const settings = { ...variables, KEY: shown(printed, /^access key +(\S+)/m) };
  const replaced = { 'http://localhost:8060': shown(printed, /^API +(\S+)/m) };
  const others = (step: Step) => !starts(step);
  for (const [path, fewest] of [
    ['docs/quick-start.md', 4],
    ['README.md', 1],
    ['README.zh-CN.md', 1],
  ] as const) {
    assertDone(await runDocument(path, { settings, replaced, folder: clone, only: others }), fewest);
  }
});

function launch(variables: Record<string, string>) {
  return execa('npm', ['start'], { cwd: clone, env: variables, extendEnv: false, all: true, reject: false });
}

/** `npm start`, which stays; what it has printed once it runs. */
async function startToStay(variables: Record<string, string>): Promise<string> {
  const running = launch(variables);
  launcher = running;
  let printed = '';
  const up = new Promise<void>((resolve) => {
    running.all.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes('\nRunning.')) resolve();
    });
  });
  const late = AbortSignal.timeout(START_TIMEOUT_MS);
  await Promise.race([up, running, new Promise((resolve) => late.addEventListener('abort', resolve, { once: true }))]);
  assert.match(printed, /^Running\./m, `npm start did not come up:\n${printed}`);
  return printed;
}

function shown(printed: string, pattern: RegExp): string {
  const found = pattern.exec(printed)?.[1];
  assert.ok(found, `${pattern} is not in:\n${printed}`);
  return found;
}
