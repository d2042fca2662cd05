/** Redis keeps what circuit.ts decides: nothing is lost between clocks, texts and processes that change one key at once. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { effectOf } from '../../core/key-pool/circuit.fixture.ts';
import {
  afterResult,
  type Circuit,
  CLOSED,
  KEY_TEST,
  ORDINARY_CALL,
  DEFAULT_CIRCUIT_SETTINGS as SETTINGS,
  takeProbe,
} from '../../core/key-pool/circuit.ts';
import { CircuitStore } from '../../core/key-pool/circuit-store.ts';
import type { CallResult } from '../../core/key-pool/key-pool.ts';
import { keyProcesses } from './key-processes.ts';

type Step =
  | { kind: 'wait'; ms: number }
  | { kind: 'probe'; token: string }
  | { kind: 'report'; result: CallResult; token: string };

const FAILURES = ['content', 'bad-request', 'model', 'cancelled', 'account', 'rate', 'transient', 'timeout'] as const;
const tokens = fc.constantFrom('first', 'second');
const results: fc.Arbitrary<CallResult> = fc.oneof(
  fc.constant<CallResult>({ kind: 'success' }),
  fc.record({
    kind: fc.constant('failure' as const),
    failure: fc.constantFrom(...FAILURES, 'transient' as const, 'timeout' as const, 'transient' as const),
    retryAfterMs: fc.constantFrom(500, 7_000, 80_000, 900_000),
  }),
);
/** Waits that never end within milliseconds of a circuit's time, where the two clocks could differ. */
const waits = fc.constantFrom(2_345, 41_234, 91_234, 191_234, 341_234, 641_234);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: waits }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('probe' as const), token: tokens }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('report' as const),
        result: results,
        token: fc.oneof(tokens, tokens, fc.constantFrom(ORDINARY_CALL, ORDINARY_CALL, ORDINARY_CALL, KEY_TEST)),
      }),
    },
  ),
  { minLength: 5, maxLength: 40 },
);

const CLOCK_TOLERANCE_MS = 1_000;
const world = await keyProcesses(1);
after(() => world.close());
const store = new CircuitStore(world.redis, Date.now);
const hash = `keys:{provider-${world.providerId}}:model-circuits`;

/** The circuit as if `ms` had passed. */
function aged(circuit: Circuit, ms: number): Circuit {
  if (circuit.state === 'open') return { ...circuit, untilMs: circuit.untilMs - ms };
  if (circuit.state === 'half-open' && circuit.probe !== '') {
    return { ...circuit, probeUntilMs: circuit.probeUntilMs - ms };
  }
  return circuit;
}

async function ageStored(name: string, ms: number): Promise<void> {
  const text = await world.redis.hget(hash, name);
  if (text !== null) await world.redis.hset(hash, name, JSON.stringify(aged(JSON.parse(text), ms)));
}

function assertSame(stored: Circuit, expected: Circuit, trail: string): void {
  const times = (circuit: Circuit): number =>
    circuit.state === 'open' ? circuit.untilMs : circuit.state === 'half-open' ? circuit.probeUntilMs : 0;
  const timeless = (circuit: Circuit) => ({ ...circuit, untilMs: 0, probeUntilMs: 0 });
  assert.deepEqual(timeless(stored), timeless(expected), trail);
  assert.ok(Math.abs(times(stored) - times(expected)) < CLOCK_TOLERANCE_MS, trail);
}

/** A rule of circuit.ts applied now. */
type Rule = (circuit: Circuit) => Circuit;
const report = (result: CallResult, token: string): Rule => {
  const effect = effectOf(result, SETTINGS);
  return (circuit) => afterResult(circuit, effect, token, Date.now(), SETTINGS);
};
const probe =
  (token: string): Rule =>
  (circuit) =>
    takeProbe(circuit, token, Date.now(), SETTINGS);
const failure = report({ kind: 'failure', failure: 'timeout' }, ORDINARY_CALL);

test('whatever happens to a key, the stored circuit is what the rules make of it', async () => {
  let keyId = 0;
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      keyId += 1;
      let circuit = CLOSED;
      for (const [index, step] of script.entries()) {
        const trail = JSON.stringify(script.slice(0, index + 1));
        if (step.kind === 'wait') {
          await ageStored(`${keyId}:5`, step.ms);
          circuit = aged(circuit, step.ms);
        } else {
          const rule = step.kind === 'probe' ? probe(step.token) : report(step.result, step.token);
          const { circuit: stored } = await store.change(world.providerId, `${keyId}:5`, rule);
          circuit = rule(circuit);
          assertSame(stored, circuit, trail);
        }
        seen.add(circuit.state);
      }
    }),
    { numRuns: 150 },
  );
  assert.deepEqual([...seen].sort(), ['closed', 'half-open', 'open'], 'the property has visited every state');
});

test('processes that change one key at once lose no change', async () => {
  const stores = Array.from({ length: 4 }, () => new CircuitStore(world.redis, Date.now));
  const counting: Rule = (circuit) =>
    circuit.state === 'closed' ? { ...circuit, failures: circuit.failures + 1 } : circuit;
  const changes = Array.from({ length: 40 }, (_, index) =>
    stores[index % 4]?.change(world.providerId, '1000000:5', counting),
  );
  const revisions = (await Promise.all(changes)).map((shared) => shared?.revision);
  assert.equal(new Set(revisions).size, 40, 'each change has a revision of its own');
  const [shared] = (await store.read(world.providerId)).circuits.filter(({ name }) => name === '1000000:5');
  assert.deepEqual(shared?.circuit, { state: 'closed', failures: 40 });
});

test('of processes that ask for one probe at once, one gets it', async () => {
  await store.change(world.providerId, '1000002:5', report({ kind: 'failure', failure: 'account' }, ORDINARY_CALL));
  await ageStored('1000002:5', SETTINGS.accountMs + 1_000);
  const asked = ['one', 'two', 'three'].map(async (token) => {
    const { circuit } = await new CircuitStore(world.redis, Date.now).change(
      world.providerId,
      '1000002:5',
      probe(token),
    );
    return circuit.state === 'half-open' && circuit.probe === token;
  });
  assert.deepEqual((await Promise.all(asked)).filter(Boolean), [true]);
});

test('a change behind one that failed is not sent, the next one is', async () => {
  const broken = store.change(world.providerId, '1000003:5', () => assert.fail('no rule'));
  const behind = store.change(world.providerId, '1000003:5', failure);
  await assert.rejects(broken, /no rule/);
  await assert.rejects(behind, /no rule/);
  const next = await store.change(world.providerId, '1000003:5', failure);
  assert.deepEqual(next.circuit, { state: 'closed', failures: 1 });
});

test('a closed circuit without failures leaves nothing behind, and the hash goes away by itself', async () => {
  await store.change(world.providerId, '1000001:5', failure);
  assert.equal(await world.redis.hexists(hash, '1000001:5'), 1);
  await store.change(world.providerId, '1000001:5', report({ kind: 'success' }, ORDINARY_CALL));
  assert.equal(await world.redis.hexists(hash, '1000001:5'), 0);
  assert.ok((await world.redis.ttl(hash)) > 600);
});
