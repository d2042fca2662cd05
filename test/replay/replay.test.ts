import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, test } from 'node:test';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundlePath } from '../../workers/bundle.ts';
import { SCHEDULED_WORKFLOWS, WORKFLOWS } from '../../workflows/contracts.ts';

interface Recorded {
  /** `2026-…/chatJob-failed`. */
  readonly name: string;
  readonly workflow: string;
  readonly json: unknown;
}

const FOLDER = join(import.meta.dirname, 'histories');

function recordings(): Recorded[] {
  return globSync('*/*.json', { cwd: FOLDER }).map((path) => {
    const workflow = basename(path, '.json').split('-')[0] ?? '';
    return { name: path, workflow, json: JSON.parse(readFileSync(join(FOLDER, path), 'utf8')) };
  });
}

/** Replays all in one worker. @returns the errors by name. */
async function replay(workflowBundle: { codePath: string } | { code: string }, recorded: readonly Recorded[]) {
  const histories = recorded.map(({ name, json }) => ({ workflowId: name, history: historyFromJSON(json) }));
  const errors = new Map<string, unknown>();
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, histories)) {
    if (error) errors.set(workflowId, error);
  }
  return errors;
}

before(() => {
  // The core reports the wrong workflow on its own, too.
  const telemetryOptions = { logging: { forward: {}, filter: 'ERROR' } };
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR', () => undefined), telemetryOptions });
});

test('every workflow has recorded histories', () => {
  const recorded = new Set(recordings().map(({ workflow }) => workflow));
  assert.deepEqual([...recorded].sort(), Object.keys({ ...WORKFLOWS, ...SCHEDULED_WORKFLOWS }).sort());
});

test('what began under earlier code is carried on by the present one', async () => {
  for (const traced of [false, true]) {
    const errors = await replay({ codePath: await workflowBundlePath(traced) }, recordings());
    assert.deepEqual([...errors.keys()], [], [...errors.values()].map(String).join('\n'));
  }
});

test('a workflow that is not compatible is found out', async () => {
  const workflowsPath = join(import.meta.dirname, 'wrong-workflow.ts');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const chats = recordings().filter(({ workflow }) => workflow === 'chatJob');
  assert.ok(chats.length > 0);
  const errors = await replay({ code }, chats);
  assert.equal(errors.size, chats.length);
  for (const error of errors.values()) assert.ok(error instanceof DeterminismViolationError, String(error));
});

test('recordings do not say where they were made', () => {
  for (const { name, json } of recordings()) assert.doesNotMatch(JSON.stringify(json), /\d+@|\(\//, name);
});
