import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTasks, TaskServers, type TestTask } from './test-tasks.ts';

const { signal } = new AbortController();

/** Tasks whose end the test decides. `log` has what has begun. */
function stage() {
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const task = (name: string, rest: Partial<TestTask> = {}): TestTask => ({
    rank: 0,
    run: () =>
      new Promise((resolve) => {
        log.push(name);
        ends.set(name, resolve);
      }),
    ...rest,
  });
  const end = async (name: string) => {
    ends.get(name)?.();
    await settled();
  };
  return { log, task, end };
}

/** All that follows from what has happened so far has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('as many tasks run as may, by rank; the next one begins when one ends', async () => {
  const { log, task, end } = stage();
  const tasks = [task('last', { rank: 2 }), task('a'), task('b'), task('c', { rank: 1 })];
  const all = runTasks([Promise.resolve(tasks)], 2, signal);
  await settled();
  assert.deepEqual(log, ['a', 'b']);
  await end('b');
  assert.deepEqual(log, ['a', 'b', 'c']);
  for (const name of ['a', 'c', 'last']) await end(name);
  await all;
  assert.equal(log.at(-1), 'last');
});

test('who wants servers alone gets them when nobody uses them, and is waited for; others are not held up', async () => {
  const { log, task, end } = stage();
  const servers = new TaskServers();
  const tasks = [
    task('first', { servers }),
    task('second', { servers }),
    task('alone', { servers, alone: true, rank: 1 }),
    task('elsewhere', { servers: new TaskServers(), alone: true, rank: 2 }),
    task('later', { servers, rank: 3 }),
  ];
  const all = runTasks([Promise.resolve(tasks)], 3, signal);
  await settled();
  assert.deepEqual(log, ['first', 'second', 'elsewhere']);
  await end('elsewhere');
  await end('first');
  await end('second');
  await end('later');
  assert.deepEqual(log, ['first', 'second', 'elsewhere', 'later', 'alone']);
  await end('alone');
  await all;
});

test('tasks that come when their servers are up join those that wait, by rank', async () => {
  const { log, task, end } = stage();
  const up = Promise.withResolvers<TestTask[]>();
  const all = runTasks([Promise.resolve([task('a'), task('b', { rank: 5 })]), up.promise], 1, signal);
  await settled();
  up.resolve([task('urgent', { rank: 1 })]);
  await settled();
  await end('a');
  await end('urgent');
  await end('b');
  await all;
  assert.deepEqual(log, ['a', 'urgent', 'b']);
});

test('servers that do not come up end the run: what is under way is aborted and waited for, the rest is not begun', async () => {
  const down = Promise.withResolvers<TestTask[]>();
  let ended = false;
  const long: TestTask = {
    rank: 0,
    run: async (aborted) => {
      await new Promise((resolve) => aborted.addEventListener('abort', resolve, { once: true }));
      ended = true;
      aborted.throwIfAborted();
    },
  };
  const never = { rank: 1, run: () => Promise.reject(new Error('was begun')) };
  const all = runTasks([Promise.resolve([long, never]), down.promise], 1, signal);
  await settled();
  down.reject(new Error('MySQL ended while it started'));
  await assert.rejects(all, /MySQL ended while it started/);
  assert.ok(ended);
});
