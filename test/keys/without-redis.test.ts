/** Redis dies, hangs or forgets: calls go on by what the process knows itself. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { testStack } from '../../devstack/test-stack.ts';
import { until } from '../until.ts';
import {
  circuitOf,
  type KeyProcess,
  type KeyProcesses,
  keyProcesses,
  MODEL,
  NONE,
  QUICK,
  SUCCESS,
  URL_BASE,
} from './key-processes.ts';

const server = testStack().part('redis');
let world: KeyProcesses;
beforeEach(async () => {
  world = await keyProcesses(4);
});
afterEach(async () => {
  if (server.pid === undefined) await server.start();
  else await server.kill('SIGCONT');
  world.close();
});

async function isOpen(process: KeyProcess, index: number): Promise<boolean> {
  return (await circuitOf(process, world.key(index))) === 'open';
}

test('while Redis is dead circuits open and heal in the process; afterwards the others learn what it decided', async () => {
  const [one, two] = [await world.start(), await world.start()];
  await server.kill('SIGKILL');
  await until('the processes see it', () => one.commands.status !== 'ready' && two.commands.status !== 'ready');
  one.fail(world.key(0), 'account');
  one.fail(world.key(1), 'rate');
  one.fail(world.key(2), 'transient', 5);
  assert.deepEqual(new Set(one.ids(10)), new Set([world.key(3)]));
  const probed = new Set<number>();
  await until('both are probed and back', () => {
    for (const id of one.ids(8)) probed.add(id);
    return probed.has(world.key(1)) && probed.has(world.key(2));
  });
  assert.equal(await circuitOf(one, world.key(1)), 'closed');
  await server.start();
  await until('two hears of the refused key', () => isOpen(two, 0));
  assert.equal(await isOpen(one, 0), true);
  assert.equal(await circuitOf(two, world.key(1)), 'closed');
  const outages = one.lines.filter((line) => line.level === 'warn' && /not shared/.test(String(line.msg)));
  assert.ok(outages.length <= 1, 'one line for the outage');
});

test('picks never wait while Redis hangs, and the probe is taken without it', async () => {
  const one = await world.start();
  one.fail(world.key(0), 'rate');
  await world.untilStored();
  await server.kill('SIGSTOP');
  const startedAt = performance.now();
  for (let call = 0; call < 1_000; call += 1) {
    const picked = one.pick();
    one.pool.report(picked, call % 2 ? SUCCESS : { kind: 'failure', failure: 'cancelled' });
  }
  one.fail(world.key(1), 'account');
  assert.ok(performance.now() - startedAt < QUICK.rateDefaultMs, 'a thousand calls wait for nothing');
  assert.equal(await isOpen(one, 1), true);
  await until('the limited key is probed', () => one.ids(4).includes(world.key(0)));
  await server.kill('SIGCONT');
  const late = await world.start();
  await until('what was decided is known', () => isOpen(late, 1), 10_000);
});

test('when Redis has forgotten everything, the processes remind it', async () => {
  const one = await world.start();
  one.fail(world.key(0), 'account');
  await world.untilStored();
  await world.redis.del(world.circuits);
  one.commands.disconnect(true);
  await world.untilStored();
  assert.equal(await isOpen(await world.start(), 0), true);
});

test('a process that missed a push while it was cut off reads the state when it is back', async () => {
  const [one, two] = [await world.start(), await world.start()];
  one.fail(world.key(0), 'account');
  await until('two knows', () => isOpen(two, 0));
  two.subscriber.disconnect();
  await until('two is cut off', () => two.subscriber.status === 'end');
  one.pool.report(
    { id: world.key(0), providerId: world.providerId, urlBase: URL_BASE, apiKey: 'a key', modelId: MODEL },
    SUCCESS,
  );
  await until('closed in Redis', async () => {
    return (await world.redis.hexists(world.circuits, String(world.key(0)))) === 0;
  });
  assert.equal(await isOpen(two, 0), true);
  await two.subscriber.connect();
  await until('two has read it', async () => !(await isOpen(two, 0)));
  assert.ok(two.pool.pick({ providerId: world.providerId, modelId: MODEL, urlBase: URL_BASE }, NONE));
});
