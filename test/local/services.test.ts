/** The project's own processes: several of one kind side by side, killed and started again on their port. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startService } from '../../devstack/services.ts';
import { testStack } from '../../devstack/test-stack.ts';

const { dataFolder } = testStack();

test('two of a kind run side by side; one killed with -9 comes back on its port', async () => {
  const ends: string[] = [];
  const start = (name: string) =>
    startService({ kind: 'simulator', name, dataFolder, environment: {}, onUnexpectedEnd: (how) => ends.push(how) });
  const [first, second] = await Promise.all([start('simulator-a'), start('simulator-b')]);
  try {
    assert.notEqual(first.port, second.port);
    const pid = first.pid;
    await first.kill('SIGKILL');
    await assert.rejects(fetch(`${first.url}/healthz`));
    assert.equal((await fetch(`${second.url}/healthz`)).status, 200);
    await first.start();
    assert.equal((await fetch(`${first.url}/healthz`)).status, 200);
    assert.notEqual(first.pid, pid);
    assert.deepEqual(ends, []);
  } finally {
    await Promise.all([first.stop(), second.stop()]);
  }
});

test('an end that nobody asked for is reported', async () => {
  let end: (how: string) => void = () => undefined;
  const ending = new Promise<string>((resolve) => {
    end = resolve;
  });
  const service = await startService({
    kind: 'simulator',
    name: 'simulator-c',
    dataFolder,
    environment: {},
    onUnexpectedEnd: end,
  });
  process.kill(service.pid ?? 0, 'SIGKILL');
  assert.equal(await ending, 'SIGKILL');
});

test('one that cannot start fails with the end of its log', async () => {
  const start = startService({
    kind: 'api',
    name: 'api-broken',
    dataFolder,
    environment: { DB_PORT: 'no port' },
  });
  await assert.rejects(start, /api-broken ended while it started[\s\S]*DB_PORT/);
});
