/** A change is in force in every process when its request is answered. Real Redis. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { testStack } from '../../devstack/test-stack.ts';
import { readConfig } from '../../infra/config.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectRedis, type Redis, whenReady } from '../../infra/redis/connection.ts';
import { createInvalidation, invalidationChannel } from '../../infra/redis/invalidation.ts';
import { until } from '../until.ts';

const KIND = 'invalidation-test';
const server = testStack().part('redis');
const open: Redis[] = [];
afterEach(() => {
  for (const redis of open.splice(0)) redis.disconnect();
});

async function connect(settings: { REDIS_DATABASE?: string } = {}): Promise<Redis> {
  const config = readConfig({ ...testStack().environment, ...settings });
  const redis = connectRedis(config, createLogger('silent'), 'invalidation-test');
  open.push(redis);
  assert.ok(await whenReady(redis, 10_000));
  return redis;
}

/** Another process; it listens already. */
async function startProcess(handler: (id: string) => void | Promise<void> = () => undefined) {
  const lines: { readonly kind?: string; readonly missing?: number; readonly msg: string }[] = [];
  const log = createLogger('warn', { write: (line: string) => lines.push(JSON.parse(line)) });
  const [publisher, subscriber] = [await connect(), await connect()];
  const invalidation = createInvalidation(publisher, subscriber, log);
  const listening = Promise.withResolvers<void>();
  // It begins to listen by forgetting everything.
  invalidation.on(KIND, (id) => (id === undefined ? listening.resolve() : handler(id)));
  await listening.promise;
  return { ...invalidation, lines, publisher, subscriber };
}

test('whoever publishes is answered when the slowest process has done its work, and not before', async () => {
  const slow = Promise.withResolvers<void>();
  const seen: string[] = [];
  const one = await startProcess((id) => void seen.push(`one ${id}`));
  await startProcess(async (id) => {
    seen.push(`slow ${id}`);
    await slow.promise;
    seen.push('slow has done it');
  });
  const third = await startProcess((id) => void seen.push(`third ${id}`));

  const published = one.publish(KIND, 7).then(() => seen.push('answered'));
  assert.deepEqual(seen, ['one 7'], 'one’s own handlers have run when publish returns');
  // Redis has it; and when what comes behind it has arrived, it has, too.
  await one.publisher.ping();
  await third.publish('another-kind', 1);
  assert.deepEqual(seen.toSorted(), ['one 7', 'slow 7', 'third 7']);
  slow.resolve();
  await published;
  assert.deepEqual(seen.slice(3), ['slow has done it', 'answered']);
  assert.deepEqual(one.lines, []);
});

test('changes of several processes at the same time are each confirmed by all', async () => {
  const seen = new Map<string, number>();
  const count = (id: string): void => void seen.set(id, (seen.get(id) ?? 0) + 1);
  const processes = [await startProcess(count), await startProcess(count), await startProcess(count)];
  await Promise.all(
    processes.flatMap(({ publish }, process) =>
      Array.from({ length: 50 }, async (_, index) => {
        const id = `${process}-${index}`;
        await publish(KIND, id);
        assert.equal(seen.get(id), 3, id);
      }),
    ),
  );
  assert.equal(seen.size, 150);
});

test('a listener that never confirms delays a change by a second and is reported', async () => {
  const one = await startProcess();
  const deaf = await connect();
  await deaf.subscribe(invalidationChannel(deaf));
  await one.publish(KIND, 1);
  assert.deepEqual(
    one.lines.map(({ kind, missing }) => [kind, missing]),
    [[KIND, 1]],
  );
});

test('an installation in another database of the same Redis is not waited for', async () => {
  const one = await startProcess();
  const other = await connect({ REDIS_DATABASE: '0' });
  await other.subscribe(invalidationChannel(other));
  await one.publish(KIND, 1);
  assert.deepEqual(one.lines, []);
});

test('a process whose subscription is away does not wait for confirmations it could not hear', async () => {
  const one = await startProcess();
  const heard: string[] = [];
  await startProcess((id) => void heard.push(id));
  one.subscriber.disconnect();
  while (one.subscriber.status !== 'end') await turn();
  await one.publish(KIND, 5);
  while (heard.length === 0) await turn();
  assert.deepEqual(heard, ['5']);
  assert.match(one.lines.at(-1)?.msg ?? '', /not confirmed/);
});

test('without Redis a change is made here all the same', async () => {
  const seen: string[] = [];
  const one = await startProcess((id) => void seen.push(id));
  await server.kill('SIGKILL');
  try {
    while (one.publisher.status === 'ready') await turn();
    await one.publish(KIND, 9);
    assert.deepEqual(seen, ['9']);
    assert.match(one.lines.at(-1)?.msg ?? '', /were not notified of a change/);
  } finally {
    await server.start();
  }
});

test('a connection that its driver gives up comes back, and one that is closed does not', async () => {
  const redis = await connect();
  await redis.quit();
  await until('it is given up', async () => redis.status === 'end');
  assert.ok(await whenReady(redis, 10_000));
  redis.disconnect();
  await until('it is closed', async () => redis.status === 'end');
  assert.equal(await whenReady(redis, 300), false);
});
