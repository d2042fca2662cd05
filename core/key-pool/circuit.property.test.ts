import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FailureClass } from '../providers/failure.ts';
import { effectOf } from './circuit.fixture.ts';
import {
  afterResult,
  type Circuit,
  CLOSED,
  mayProbe,
  ORDINARY_CALL,
  DEFAULT_CIRCUIT_SETTINGS as SETTINGS,
  stateAt,
  takeProbe,
} from './circuit.ts';
import type { CallResult } from './key-pool.ts';

const MISTAKES: readonly FailureClass[] = ['content', 'bad-request', 'model', 'cancelled'];
const FAULTS: readonly FailureClass[] = ['account', 'rate', 'transient', 'timeout'];

const failedWith = (classes: readonly FailureClass[]): fc.Arbitrary<CallResult> =>
  fc.record({
    kind: fc.constant('failure' as const),
    failure: fc.constantFrom(...classes),
    retryAfterMs: fc.integer({ min: -1_000, max: 1_000_000 }),
  });
const anyResult = fc.oneof(
  { weight: 2, arbitrary: fc.constant<CallResult>({ kind: 'success' }) },
  { weight: 5, arbitrary: failedWith(FAULTS) },
  { weight: 2, arbitrary: failedWith(MISTAKES) },
);

type Step =
  | { kind: 'wait'; ms: number }
  | { kind: 'begin' }
  /** `which` chooses among the calls under way. */
  | { kind: 'end'; which: number; result: CallResult };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 200_000 }) }),
    fc.record({ kind: fc.constant('begin' as const) }),
    fc.record({ kind: fc.constant('end' as const), which: fc.nat(), result: anyResult }),
  ),
  { maxLength: 80 },
);

interface Observed {
  readonly circuit: Circuit;
  readonly nowMs: number;
  /** Calls under way: probes with their tokens, others with ORDINARY_CALL. */
  readonly running: readonly string[];
  readonly step: Step;
  readonly before: Circuit;
  readonly began: string | undefined;
}

/** Plays calls against one circuit as the pool does: a call begins when it is closed, or as the probe. */
function play(script: readonly Step[], observe: (observed: Observed) => void): void {
  let circuit = CLOSED;
  let nowMs = 1_700_000_000_000;
  let probes = 0;
  const running: string[] = [];
  for (const step of script) {
    const before = circuit;
    let began: string | undefined;
    if (step.kind === 'wait') nowMs += step.ms;
    if (step.kind === 'begin' && (circuit.state === 'closed' || mayProbe(circuit, nowMs))) {
      began = circuit.state === 'closed' ? ORDINARY_CALL : `probe ${probes++}`;
      if (began !== ORDINARY_CALL) circuit = takeProbe(circuit, began, nowMs, SETTINGS);
      running.push(began);
    }
    if (step.kind === 'end' && running.length > 0) {
      const [token = ORDINARY_CALL] = running.splice(step.which % running.length, 1);
      circuit = afterResult(circuit, effectOf(step.result, SETTINGS), token, nowMs, SETTINGS);
    }
    observe({ circuit, nowMs, running, step, before, began });
  }
}

test('within a lease there is never more than one probe under way', () => {
  fc.assert(
    fc.property(steps, (script) => {
      let leaseEndsMs = 0;
      let holder = '';
      play(script, ({ began, nowMs, running }) => {
        if (began === undefined || began === ORDINARY_CALL) return;
        assert.ok(!running.includes(holder) || nowMs >= leaseEndsMs, 'a second probe began beside the first');
        holder = began;
        leaseEndsMs = nowMs + SETTINGS.probeLeaseMs;
      });
    }),
  );
});

test('an open circuit lets nothing through before its time, and its time is never longer than its class allows', () => {
  fc.assert(
    fc.property(steps, (script) => {
      play(script, ({ before, began, nowMs, circuit }) => {
        if (before.state === 'open' && nowMs < before.untilMs) assert.equal(began, undefined);
        if (circuit.state !== 'open') return;
        const longestMs = circuit.reason === 'account' ? SETTINGS.accountMs : SETTINGS.transientLongestMs;
        assert.ok(circuit.untilMs - nowMs <= longestMs);
      });
    }),
  );
});

test("a caller's mistake never changes the state or the count, whatever went before", () => {
  fc.assert(
    fc.property(steps, failedWith(MISTAKES), (script, mistake) => {
      play(script, ({ circuit, nowMs, running }) => {
        for (const token of running) {
          const next = afterResult(circuit, effectOf(mistake, SETTINGS), token, nowMs, SETTINGS);
          assert.equal(stateAt(next, nowMs), stateAt(circuit, nowMs));
          if (next.state === 'half-open' && circuit.state === 'half-open') {
            assert.equal(next.openings, circuit.openings);
          } else assert.equal(next, circuit);
        }
      });
    }),
  );
});

test('whatever happened, time and one good probe close the circuit', () => {
  fc.assert(
    fc.property(steps, (script) => {
      let last: { circuit: Circuit; nowMs: number } = { circuit: CLOSED, nowMs: 0 };
      play(script, (observed) => {
        last = observed;
      });
      if (last.circuit.state === 'closed') return;
      const laterMs = last.nowMs + SETTINGS.accountMs;
      const probing = takeProbe(last.circuit, 'good', laterMs, SETTINGS);
      assert.equal(afterResult(probing, { kind: 'success' }, 'good', laterMs, SETTINGS), CLOSED);
    }),
  );
});
