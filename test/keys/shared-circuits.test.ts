/** Several processes, one truth: what one learns of a key, all know. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { createKeyPool } from '../../core/key-pool/local-key-pool.ts';
import { createLogger } from '../../infra/logger.ts';
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

let world: KeyProcesses;
beforeEach(async () => {
  world = await keyProcesses(4);
});
afterEach(() => world.close());

/** Commands about this world's circuits that Redis is sent while `during` runs and shortly after. */
async function commandsSent(during: () => Promise<void>): Promise<string[]> {
  const monitor = await world.redis.monitor();
  const commands: string[] = [];
  monitor.on('monitor', (_time: string, args: string[], source: string) => {
    if (source !== 'lua' && args.some((arg) => arg.includes(`provider-${world.providerId}}:model-circuits`))) {
      commands.push(args.join(' '));
    }
  });
  await during();
  // Everything sent before this one has been seen when it has.
  const mark = `mark ${performance.now()}`;
  const marked = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, args: string[]) => args.includes(mark) && resolve());
  });
  await world.redis.echo(mark);
  await marked;
  monitor.disconnect();
  return commands;
}

/** The circuit as stored in Redis; null when it is closed without failures. */
function stored(index: number): Promise<string | null> {
  return world.redis.hget(world.circuits, `${world.key(index)}:${MODEL}`);
}

async function storedFailures(index: number, count: number): Promise<void> {
  await until(`${count} failures are stored`, async () => {
    return (await stored(index))?.includes(`"failures":${count}`) ?? false;
  });
}

test('failures of all processes count together; the fifth in a row opens everywhere', async () => {
  const [one, two] = [await world.start(), await world.start()];
  for (const process of [one, two, one, two]) process.fail(world.key(1), 'transient');
  await storedFailures(1, 4);
  assert.equal(await circuitOf(one, world.key(1)), 'closed');
  one.fail(world.key(1), 'timeout');
  for (const process of [one, two]) {
    await until('taken out everywhere', async () => (await circuitOf(process, world.key(1))) === 'open');
    assert.equal(process.ids(20).includes(world.key(1)), false);
  }
});

test('a model that fails is out on its key in every process, its neighbour is not; a refused account stops both', async () => {
  const [one, two] = [await world.start(), await world.start()];
  const others = new Set(world.keyIds.slice(1));
  const pickOn = ({ pool }: KeyProcess, modelId: number) =>
    pool.pick({ providerId: world.providerId, modelId, urlBase: URL_BASE }, others);
  one.fail(world.key(0), 'transient', 5);
  await until('two knows of the model', async () => (await circuitOf(two, world.key(0))) === 'open');
  for (const process of [one, two]) {
    const neighbour = pickOn(process, 2) ?? assert.fail('the neighbour is called');
    process.pool.report(neighbour, SUCCESS);
  }
  const refused = pickOn(two, 2) ?? assert.fail('the neighbour is called');
  two.pool.report(refused, { kind: 'failure', failure: 'account' });
  await until('one knows of the account', () => {
    const picked = pickOn(one, 2);
    if (picked) one.pool.report(picked, SUCCESS);
    return picked === undefined;
  });
  assert.equal(pickOn(two, 2), undefined);
  assert.equal(await world.redis.hlen(world.circuits), 3, 'two and the revision');
});

test('a success anywhere starts the count again', async () => {
  const [one, two] = [await world.start(), await world.start()];
  one.fail(world.key(0), 'transient', 4);
  await storedFailures(0, 4);
  await until('a success of two is stored', async () => {
    two.ids(4);
    return (await stored(0)) === null;
  });
  const three = await world.start();
  three.fail(world.key(0), 'transient', 4);
  await storedFailures(0, 4);
  assert.equal(await circuitOf(three, world.key(0)), 'closed');
});

test('a half-open circuit lets one probe through in all processes together; its success closes it for all', async () => {
  const processes = [await world.start(), await world.start(), await world.start()];
  processes[0]?.fail(world.key(2), 'rate');
  for (const process of processes) {
    await until('taken out everywhere', async () => (await circuitOf(process, world.key(2))) === 'open');
  }
  const probes = [];
  const end = performance.now() + QUICK.rateDefaultMs + 600;
  while (performance.now() < end) {
    for (const { pool } of processes) {
      const picked = pool.pick({ providerId: world.providerId, modelId: MODEL, urlBase: URL_BASE }, NONE);
      assert.ok(picked);
      if (picked.id === world.key(2)) probes.push({ pool, picked });
      else pool.report(picked, SUCCESS);
    }
    await delay(2);
  }
  assert.equal(probes.length, 1);
  for (const { pool, picked } of probes) pool.report(picked, SUCCESS);
  for (const process of processes) {
    await until('back everywhere', async () => (await circuitOf(process, world.key(2))) === 'closed');
  }
});

test('the only key of a half-open provider is waited for, not refused', async () => {
  const process = await world.start();
  for (const id of world.keyIds) process.fail(id, 'rate');
  await until('all are due', () => process.pool.standing(world.providerId, 1).usableKeys === 4);
  assert.equal(process.pool.pick({ providerId: world.providerId, modelId: MODEL, urlBase: URL_BASE }, NONE), undefined);
  const asked = process.pool.probesAsked([{ providerId: world.providerId, modelId: MODEL, urlBase: URL_BASE }]);
  assert.ok(asked);
  await asked;
  assert.ok(process.pool.pick({ providerId: world.providerId, modelId: MODEL, urlBase: URL_BASE }, NONE));
});

test('a process that starts knows how the keys stand', async () => {
  const one = await world.start();
  one.fail(world.key(3), 'account');
  await world.untilStored();
  const late = await world.start();
  assert.equal(await circuitOf(late, world.key(3)), 'open');
  assert.equal(late.ids(20).includes(world.key(3)), false);
});

test('processes that start together begin with different keys', async () => {
  const starts = [];
  for (let index = 0; index < 4; index += 1) starts.push((await world.start()).pick().id);
  assert.deepEqual(starts, world.keyIds);
});

test('a success on a closed circuit sends nothing, a failure one command', async () => {
  const process = await world.start();
  assert.deepEqual(
    await commandsSent(async () => {
      process.ids(200);
      for (const failure of ['content', 'bad-request', 'model', 'cancelled'] as const)
        process.fail(world.key(0), failure, 5);
    }),
    [],
  );
  const sent = await commandsSent(async () => {
    process.fail(world.key(0), 'transient');
    await world.untilStored();
  });
  assert.equal(sent.filter((command) => /^eval/i.test(command)).length, 1);
});

test("an account's fault is reported once, by the process that met it", async () => {
  const [one, two] = [await world.start(), await world.start()];
  one.fail(world.key(1), 'account');
  await until('two knows', async () => (await circuitOf(two, world.key(1))) === 'open');
  const alerts = [...one.lines, ...two.lines].filter((line) => line.alert === true);
  assert.equal(alerts.length, 1);
});

test('health and failure rates are those of all processes', async () => {
  const [one, two] = [await world.start(), await world.start()];
  const picked = one.pick();
  one.pool.report(picked, { kind: 'failure', failure: 'transient' });
  one.pool.report(one.pick(), SUCCESS);
  await one.pool.load([world.providerId]);
  await two.pool.load([world.providerId]);
  const { lastFailure, ...health } =
    (await two.pool.keyHealth(world.providerId, [picked.id])).get(picked.id) ?? assert.fail();
  assert.deepEqual(health, {
    ...{ circuit: 'closed', reason: null, untilMs: null, modelCircuits: [] },
    ...{ recentFailures: 1, recentSuccesses: 0 },
  });
  assert.equal(lastFailure?.failure, 'transient', 'every process knows why');
  assert.equal(two.pool.standing(world.providerId, MODEL).failureRate, 0.5);
});

test('metrics show the circuit of every key by provider name, picks, and failures by class', async () => {
  const registry = new Registry();
  const keys = world.keyIds.map((id) => ({ id, urlBase: URL_BASE, apiKey: 'a key', weight: 1 }));
  const { commands, subscriber } = await world.start();
  const pool = createKeyPool({
    keysOf: (id) => (id === world.providerId ? keys : []),
    modelsOf: () => [
      { modelId: MODEL, modelIdentifier: 'one' },
      { modelId: 2, modelIdentifier: 'two' },
    ],
    log: createLogger('silent'),
    redis: { commands, subscriber },
    metrics: { registry, providerName: () => 'vendor' },
  });
  pool.report(pool.pick({ providerId: world.providerId, modelId: MODEL, urlBase: URL_BASE }, NONE) ?? assert.fail(), {
    kind: 'failure',
    failure: 'rate',
  });
  const text = await registry.metrics();
  const modelGauge = (index: number) =>
    `provider_key_model_circuit_state{provider="vendor",key_id="${world.key(index)}"`;
  assert.ok(text.includes(`${modelGauge(0)},model="one"} 2`));
  assert.ok(text.includes(`${modelGauge(1)},model="one"} 0`));
  assert.equal(text.includes('model="two"'), false, 'only models that some key is not called for');
  assert.match(text, new RegExp(`provider_key_circuit_state{provider="vendor",key_id="${world.key(0)}"} 0`));
  assert.match(text, new RegExp(`provider_key_picks_total{provider="vendor",key_id="${world.key(0)}"} 1`));
  assert.match(
    text,
    new RegExp(`provider_key_failures_total{provider="vendor",key_id="${world.key(0)}",class="rate"} 1`),
  );
  pool.close();
});
