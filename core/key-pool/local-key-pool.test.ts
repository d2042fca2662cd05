import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../infra/logger.ts';
import type { CallResult, PickedKey } from './key-pool.ts';
import { createKeyPool, type KeyPoolOptions, type LocalKeyPool } from './local-key-pool.ts';
import type { ProviderKey } from './ticket.ts';

const PROVIDER = 3;
const URL_BASE = 'https://provider.example/v1';
const MODEL = 7;
const AT_PROVIDER = { providerId: PROVIDER, modelId: MODEL, urlBase: URL_BASE };
const ELSEWHERE = { ...AT_PROVIDER, providerId: 99 };
const SUCCESS: CallResult = { kind: 'success' };
const MODELS = [
  { modelId: MODEL, modelIdentifier: 'seven' },
  { modelId: 8, modelIdentifier: 'eight' },
];
const NONE: ReadonlySet<number> = new Set();

interface Bench {
  readonly pool: LocalKeyPool;
  readonly lines: Record<string, unknown>[];
  keys: ProviderKey[];
  nowMs: number;
  pick(except?: readonly number[]): PickedKey;
  ids(count: number): number[];
}

function bench(keyCount: number, options: Partial<KeyPoolOptions> = {}): Bench {
  const lines: Record<string, unknown>[] = [];
  const state: Bench = {
    lines,
    keys: Array.from({ length: keyCount }, (_, index) => ({
      id: index + 1,
      urlBase: URL_BASE,
      apiKey: `key-${index + 1}`,
      weight: 1,
    })),
    nowMs: 1_700_000_000_000,
    pool: createKeyPool({
      keysOf: (providerId) => (providerId === PROVIDER ? state.keys : []),
      modelsOf: () => MODELS,
      log: createLogger('info', { write: (line) => lines.push(JSON.parse(line)) }),
      now: () => state.nowMs,
      ...options,
    }),
    pick(except = []) {
      const key = state.pool.pick(AT_PROVIDER, new Set(except));
      assert.ok(key, 'there is a usable key');
      return key;
    },
    ids(count) {
      return Array.from({ length: count }, () => {
        const key = state.pick();
        state.pool.report(key, SUCCESS);
        return key.id;
      });
    },
  };
  return state;
}

function failed(failure: Extract<CallResult, { kind: 'failure' }>['failure']): CallResult {
  return { kind: 'failure', failure };
}

function fail(at: Bench, keyId: number, failure: Parameters<typeof failed>[0], times = 1): void {
  const others = at.keys.map(({ id }) => id).filter((id) => id !== keyId);
  for (let time = 0; time < times; time += 1) at.pool.report(at.pick(others), failed(failure));
}

test('takes turns over the keys of the provider and leaves out what is excepted', () => {
  const at = bench(3);
  assert.deepEqual(at.ids(6), [1, 2, 3, 1, 2, 3]);
  assert.equal(at.pick([1, 3]).id, 2);
  assert.equal(at.pool.pick(AT_PROVIDER, new Set([1, 2, 3])), undefined);
  assert.equal(at.pool.pick({ ...AT_PROVIDER, providerId: 99 }, NONE), undefined);
});

test('an open circuit is never picked; when its time is over the next first attempt is its one probe', () => {
  const at = bench(3);
  fail(at, 2, 'rate');
  assert.equal(at.ids(20).includes(2), false);
  at.nowMs += 59_999;
  assert.equal(at.ids(20).includes(2), false);
  at.nowMs += 1;
  const probe = at.pick();
  assert.equal(probe.id, 2);
  assert.equal(at.ids(20).includes(2), false, 'one probe only');
  at.pool.report(probe, SUCCESS);
  assert.deepEqual(new Set(at.ids(3)), new Set([1, 2, 3]));
});

test('a second attempt is a probe only when no other key is left', () => {
  const at = bench(3);
  fail(at, 2, 'rate');
  at.nowMs += 60_000;
  assert.equal(at.pick([1]).id, 3);
  assert.equal(at.pick([1, 3]).id, 2);
});

test("a caller's mistake frees the probe for the next call and never takes a key out", () => {
  const at = bench(1);
  for (const failure of ['content', 'bad-request', 'model', 'cancelled'] as const) fail(at, 1, failure, 20);
  fail(at, 1, 'rate');
  assert.equal(at.pool.pick(AT_PROVIDER, NONE), undefined);
  at.nowMs += 60_000;
  for (const failure of ['content', 'bad-request', 'model', 'cancelled'] as const) {
    const probe = at.pick();
    assert.equal(at.pool.pick(AT_PROVIDER, NONE), undefined);
    at.pool.report(probe, failed(failure));
  }
  at.pool.report(at.pick(), SUCCESS);
  assert.equal(at.ids(5).length, 5);
});

test('calls that began before the circuit opened do not open it again after it was closed', () => {
  const at = bench(1);
  const hanging = Array.from({ length: 40 }, () => at.pick());
  for (const key of hanging.splice(0, 5)) at.pool.report(key, failed('timeout'));
  assert.equal(at.pool.pick(AT_PROVIDER, NONE), undefined);
  at.nowMs += 30_000;
  at.pool.report(at.pick(), SUCCESS);
  for (const key of hanging) at.pool.report(key, failed('timeout'));
  assert.equal(at.ids(3).length, 3);
});

test('a success of a call that began before the circuit opened does not close it', () => {
  const at = bench(1);
  const early = at.pick();
  fail(at, 1, 'rate');
  at.pool.report(early, SUCCESS);
  assert.equal(at.pool.pick(AT_PROVIDER, NONE), undefined);
});

test('a key that was not picked but tested by an administrator comes back at once', () => {
  const at = bench(1);
  fail(at, 1, 'account');
  at.pool.report({ id: 1, providerId: PROVIDER, urlBase: URL_BASE, apiKey: 'key-1' }, SUCCESS);
  assert.equal(at.pick().id, 1);
});

test('says how long until some key may be tried, at least a second', () => {
  const at = bench(2);
  assert.equal(at.pool.retryAfterSeconds([AT_PROVIDER]), 1);
  fail(at, 1, 'account');
  fail(at, 2, 'rate');
  at.nowMs += 100;
  assert.equal(at.pool.retryAfterSeconds([AT_PROVIDER]), 60);
  at.nowMs += 59_000;
  assert.equal(at.pool.retryAfterSeconds([AT_PROVIDER, ELSEWHERE]), 1);
  assert.equal(at.pool.retryAfterSeconds([ELSEWHERE]), 60);
});

test("an account's fault raises one alert, and no line carries a key", () => {
  const at = bench(2);
  const together = [at.pick([2]), at.pick([2]), at.pick([2])];
  for (const key of together) at.pool.report(key, failed('account'));
  fail(at, 2, 'rate');
  const alerts = at.lines.filter((line) => line.alert === true);
  assert.equal(alerts.length, 1);
  assert.deepEqual([alerts[0]?.level, alerts[0]?.keyId, alerts[0]?.providerId], ['error', 1, PROVIDER]);
  assert.equal(
    at.lines.some((line) => JSON.stringify(line).includes('key-')),
    false,
  );
});

test('a refused key is left to the scheduled probe, which brings it back or keeps it out', async () => {
  const probed: number[] = [];
  const answers: CallResult[] = [failed('account'), SUCCESS];
  const at = bench(2, {
    probe: async ({ id }) => {
      probed.push(id);
      return answers.shift() ?? assert.fail('no further probe is expected');
    },
  });
  fail(at, 2, 'account');
  await at.pool.probeAccounts();
  assert.deepEqual(probed, [], 'its time is not over');
  for (const expected of ['open', 'closed']) {
    at.nowMs += 600_000;
    assert.equal(at.ids(20).includes(2), false, 'no call is the probe');
    assert.equal(at.pool.standing(PROVIDER, 1).usableKeys, 1);
    await at.pool.probeAccounts();
    assert.equal((await at.pool.keyHealth(PROVIDER, [2])).get(2)?.circuit, expected);
  }
  assert.deepEqual(probed, [2, 2]);
  assert.ok(at.ids(2).includes(2));
  at.pool.close();
});

test('a scheduled probe that breaks leaves the key to the next one', async () => {
  let probes = 0;
  const at = bench(1, {
    probe: async () => {
      probes += 1;
      if (probes === 1) throw new Error('no model to probe with');
      return SUCCESS;
    },
  });
  fail(at, 1, 'account');
  at.nowMs += 600_000;
  await at.pool.probeAccounts();
  assert.equal((await at.pool.keyHealth(PROVIDER, [1])).get(1)?.circuit, 'half-open');
  await at.pool.probeAccounts();
  assert.equal((await at.pool.keyHealth(PROVIDER, [1])).get(1)?.circuit, 'closed');
  at.pool.close();
});

test('standing and health count the last five minutes, without the mistakes of callers', async () => {
  const at = bench(2);
  for (const result of [SUCCESS, SUCCESS, SUCCESS, failed('transient'), failed('content'), failed('bad-request')]) {
    at.pool.report(at.pick([2]), result);
  }
  const other = at.pool.pick({ ...AT_PROVIDER, modelId: 8 }, new Set([2]));
  at.pool.report(other ?? assert.fail(), failed('model'));
  assert.deepEqual(at.pool.standing(PROVIDER, MODEL), { usableKeys: 2, activeKeys: 2, failureRate: 0.25 });
  assert.equal(at.pool.standing(PROVIDER, 8).failureRate, 1);
  assert.deepEqual((await at.pool.keyHealth(PROVIDER, [1])).get(1), {
    circuit: 'closed',
    reason: null,
    untilMs: null,
    modelCircuits: [],
    recentFailures: 1,
    recentSuccesses: 3,
    lastFailure: { failure: 'model', text: '', atMs: at.nowMs },
  });
  at.nowMs += 300_000;
  assert.equal(at.pool.standing(PROVIDER, MODEL).failureRate, 0);
  fail(at, 1, 'rate');
  assert.equal(at.pool.standing(PROVIDER, MODEL).usableKeys, 1);
});

test('a key goes to the address it was entered for, and what another said of it counts as nothing', async () => {
  const at = bench(1);
  const before = at.pick();
  at.keys = at.keys.map((key) => ({ ...key, urlBase: 'https://moved.example/v1' }));
  assert.equal(at.pool.pick(AT_PROVIDER, NONE), undefined);
  at.pool.report(before, failed('account'));
  const echo = { ...AT_PROVIDER, urlBase: 'https://moved.example/echo/v1' };
  assert.equal(at.pool.pick(echo, NONE), undefined, 'another path of its server');
  assert.equal(at.pool.pick({ ...echo, urlBase: 'https://moved.example/v1' }, NONE)?.id, 1);
  assert.equal((await at.pool.keyHealth(PROVIDER, [1])).get(1)?.recentFailures, 0);
});

test('what is reported of a picked key that is gone since is not held against it when it comes back', async () => {
  const at = bench(1);
  const { keys } = at;
  const before = at.pick();
  at.keys = [];
  at.pool.report(before, failed('account'));
  at.keys = keys;
  assert.equal(at.pick().id, 1);
});

const MODEL_8 = { ...AT_PROVIDER, modelId: 8 };

function failModel(at: Bench, destination: typeof AT_PROVIDER, failure: Parameters<typeof failed>[0], times = 1): void {
  for (let time = 0; time < times; time += 1) {
    at.pool.report(at.pool.pick(destination, NONE) ?? assert.fail('there is a usable key'), failed(failure));
  }
}

test('a model that fails is out on its key alone; its neighbours are called as before', async () => {
  const at = bench(1);
  failModel(at, AT_PROVIDER, 'transient', 5);
  assert.equal(at.pool.pick(AT_PROVIDER, NONE), undefined);
  failModel(at, MODEL_8, 'transient', 4);
  assert.deepEqual(at.pool.standing(PROVIDER, MODEL).usableKeys, 0);
  assert.deepEqual(at.pool.standing(PROVIDER, 8).usableKeys, 1);
  const health = (await at.pool.keyHealth(PROVIDER, [1])).get(1);
  assert.equal(health?.circuit, 'closed', 'the key is called for one model');
  assert.deepEqual(health.modelCircuits, [
    { modelId: MODEL, modelIdentifier: 'seven', circuit: 'open', reason: 'transient', untilMs: at.nowMs + 30_000 },
  ]);
  failModel(at, MODEL_8, 'transient');
  assert.equal((await at.pool.keyHealth(PROVIDER, [1])).get(1)?.circuit, 'open', 'it is called for none');
  at.nowMs += 30_000;
  const probe = at.pool.pick(MODEL_8, NONE) ?? assert.fail('the probe of the second model is due');
  at.pool.report(probe, SUCCESS);
  assert.equal(at.pool.standing(PROVIDER, 8).usableKeys, 1);
  assert.deepEqual(at.pool.standing(PROVIDER, MODEL).usableKeys, 1, 'its probe is due and free');
  assert.equal((await at.pool.keyHealth(PROVIDER, [1])).get(1)?.modelCircuits[0]?.circuit, 'half-open');
});

test('a refused account stops its key for every model, and a call of any shows it', () => {
  const at = bench(2);
  failModel(at, MODEL_8, 'account');
  assert.deepEqual(new Set(at.ids(4)), new Set([2]));
  assert.equal(at.pool.standing(PROVIDER, MODEL).usableKeys, 1);
  assert.equal(at.pool.standing(PROVIDER, 8).usableKeys, 1);
});

test("a model's probe that meets a refused account gives the probe back and takes the key out", async () => {
  const at = bench(1, { probe: async () => SUCCESS });
  failModel(at, AT_PROVIDER, 'rate');
  at.nowMs += 60_000;
  failModel(at, AT_PROVIDER, 'account');
  assert.equal(at.pool.pick(MODEL_8, NONE), undefined);
  at.nowMs += 600_000;
  await at.pool.probeAccounts();
  assert.equal(at.pool.pick(MODEL_8, NONE)?.id, 1);
  assert.equal(at.pool.pick(AT_PROVIDER, NONE)?.id, 1, 'the probe of the model');
  assert.equal(at.pool.pick(AT_PROVIDER, NONE), undefined);
  at.pool.close();
});

test('calls of one conversation keep to one key, conversations spread by weight, and one that is gone moves only its own', () => {
  const at = bench(3);
  at.keys = at.keys.map((key) => ({ ...key, weight: key.id === 3 ? 2 : 1 }));
  const keyOf = (conversation: string) => {
    const key = at.pool.pick(AT_PROVIDER, NONE, () => conversation) ?? assert.fail('there is a usable key');
    at.pool.report(key, SUCCESS);
    return key.id;
  };
  const conversations = Array.from({ length: 400 }, (_, index) => `conversation ${index}`);
  const before = conversations.map(keyOf);
  assert.deepEqual(conversations.map(keyOf), before);
  const share = (id: number) => before.filter((one) => one === id).length / 400;
  for (const [id, expected] of [
    [1, 0.25],
    [2, 0.25],
    [3, 0.5],
  ] as const) {
    assert.ok(Math.abs(share(id) - expected) < 0.08, `key ${id} has ${share(id)}`);
  }
  fail(at, 1, 'rate');
  for (const [index, conversation] of conversations.entries()) {
    const now = keyOf(conversation);
    assert.equal(now === before[index], before[index] !== 1, 'only conversations of the limited key move');
  }
});

test('a conversation leaves its key while that one fails or carries far more calls than the others', () => {
  const at = bench(2);
  const first = at.pool.pick(AT_PROVIDER, NONE, () => 'one') ?? assert.fail();
  const [busy, other] = first.id === 1 ? [1, 2] : [2, 1];
  const underWay = Array.from({ length: 99 }, () => at.pool.pick(AT_PROVIDER, NONE, () => 'one') ?? assert.fail());
  const onBusy = underWay.filter(({ id }) => id === busy).length + 1;
  assert.ok(onBusy > 50 && onBusy < 66, `${onBusy} of 100 parallel calls of one conversation`);
  for (const key of [first, ...underWay]) at.pool.report(key, SUCCESS);
  at.pool.report(at.pool.pick(AT_PROVIDER, NONE, () => 'one') ?? assert.fail(), failed('transient'));
  const ids = Array.from({ length: 4 }, () => at.pool.pick(AT_PROVIDER, NONE, () => 'one')?.id);
  assert.deepEqual(new Set(ids), new Set([busy, other]), 'turns, until a success shows that it is well again');
});
