/** The rules stand twice, in circuit.ts and in the scripts: whatever happens to a key, both must say the same. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import {
  afterResult,
  type Circuit,
  CLOSED,
  KEY_TEST,
  ORDINARY_CALL,
  DEFAULT_CIRCUIT_SETTINGS as SETTINGS,
  takeProbe,
  verdictOf,
} from '../../activities/keys/circuit.ts';
import { CircuitStore } from '../../activities/keys/circuit-store.ts';
import type { CallResult } from '../../activities/keys/key-pool.ts';
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
const store = new CircuitStore(world.redis, SETTINGS, Date.now);
const hash = `keys:{provider-${world.providerId}}:circuits`;

/** The circuit as if `ms` had passed. */
function aged(circuit: Circuit, ms: number): Circuit {
  if (circuit.state === 'open') return { ...circuit, untilMs: circuit.untilMs - ms };
  if (circuit.state === 'half-open' && circuit.probe !== '') {
    return { ...circuit, probeUntilMs: circuit.probeUntilMs - ms };
  }
  return circuit;
}

async function ageStored(keyId: number, ms: number): Promise<void> {
  const text = await world.redis.hget(hash, String(keyId));
  if (text !== null) await world.redis.hset(hash, String(keyId), JSON.stringify(aged(JSON.parse(text), ms)));
}

function assertSame(stored: Circuit, expected: Circuit, trail: string): void {
  const times = (circuit: Circuit): number =>
    circuit.state === 'open' ? circuit.untilMs : circuit.state === 'half-open' ? circuit.probeUntilMs : 0;
  const timeless = (circuit: Circuit) => ({ ...circuit, untilMs: 0, probeUntilMs: 0 });
  assert.deepEqual(timeless(stored), timeless(expected), trail);
  assert.ok(Math.abs(times(stored) - times(expected)) < CLOCK_TOLERANCE_MS, trail);
}

test('report.lua and probe.lua change a circuit as circuit.ts does', async () => {
  let keyId = 0;
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      keyId += 1;
      let circuit = CLOSED;
      for (const [index, step] of script.entries()) {
        const trail = JSON.stringify(script.slice(0, index + 1));
        if (step.kind === 'wait') {
          await ageStored(keyId, step.ms);
          circuit = aged(circuit, step.ms);
        } else if (step.kind === 'probe') {
          const told = await store.takeProbe(world.providerId, keyId, step.token);
          circuit = takeProbe(circuit, step.token, Date.now(), SETTINGS);
          assertSame(told.circuit, circuit, trail);
        } else {
          const verdict = verdictOf(step.result, SETTINGS);
          const told = await store.report(world.providerId, keyId, verdict, step.token);
          circuit = afterResult(circuit, verdict, step.token, Date.now(), SETTINGS);
          assertSame(told.circuit, circuit, trail);
        }
        seen.add(circuit.state);
      }
    }),
    { numRuns: 150 },
  );
  assert.deepEqual([...seen].sort(), ['closed', 'half-open', 'open'], 'the property has visited every state');
});

test('a closed circuit without failures leaves nothing behind, and the hash goes away by itself', async () => {
  await store.report(world.providerId, 1_000_001, { kind: 'count', reason: 'timeout' }, ORDINARY_CALL);
  assert.equal(await world.redis.hexists(hash, '1000001'), 1);
  await store.report(world.providerId, 1_000_001, { kind: 'success' }, ORDINARY_CALL);
  assert.equal(await world.redis.hexists(hash, '1000001'), 0);
  assert.ok((await world.redis.ttl(hash)) > 600);
});
