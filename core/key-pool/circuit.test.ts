import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectOf } from './circuit.fixture.ts';
import {
  accountEffect,
  afterResult,
  type Circuit,
  CLOSED,
  KEY_TEST,
  mayProbe,
  modelEffect,
  ORDINARY_CALL,
  DEFAULT_CIRCUIT_SETTINGS as SETTINGS,
  takeProbe,
} from './circuit.ts';
import type { CallResult } from './key-pool.ts';

type Failure = Extract<CallResult, { kind: 'failure' }>['failure'];

const START_MS = 1_700_000_000_000;
const SUCCESS: CallResult = { kind: 'success' };

function failed(failure: Failure, retryAfterMs?: number): CallResult {
  return { kind: 'failure', failure, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function after(circuit: Circuit, result: CallResult, token = ORDINARY_CALL, nowMs = START_MS): Circuit {
  return afterResult(circuit, effectOf(result, SETTINGS), token, nowMs, SETTINGS);
}

function afterFailures(count: number, failure: Failure): Circuit {
  let circuit = CLOSED;
  for (let index = 0; index < count; index += 1) circuit = after(circuit, failed(failure));
  return circuit;
}

function openMs(circuit: Circuit, nowMs = START_MS): number {
  assert.equal(circuit.state, 'open');
  return circuit.state === 'open' ? circuit.untilMs - nowMs : 0;
}

test('a rate limit opens for Retry-After: 60 s when it is missing, at most 300 s, at least 1 s', () => {
  assert.equal(openMs(after(CLOSED, failed('rate'))), 60_000);
  assert.equal(openMs(after(CLOSED, failed('rate', 7_000))), 7_000);
  assert.equal(openMs(after(CLOSED, failed('rate', 3_600_000))), 300_000);
  assert.equal(openMs(after(CLOSED, failed('rate', 0))), 1_000);
});

test("an account's fault opens for ten minutes at once", () => {
  assert.deepEqual(after(CLOSED, failed('account')), {
    state: 'open',
    reason: 'account',
    openings: 1,
    untilMs: START_MS + 600_000,
  });
});

for (const failure of ['transient', 'timeout'] as const) {
  test(`four failures (${failure}) in a row count, the fifth opens for 30 s`, () => {
    assert.deepEqual(afterFailures(4, failure), { state: 'closed', failures: 4 });
    assert.equal(openMs(afterFailures(5, failure)), 30_000);
  });
}

test('a success between failures starts the count again', () => {
  assert.equal(after(afterFailures(4, 'transient'), SUCCESS), CLOSED);
});

test('every opening in a row lasts 30 s longer, up to 300 s; a success starts again at 30 s', () => {
  let circuit = afterFailures(5, 'transient');
  let nowMs = START_MS;
  const lengthsMs = [openMs(circuit)];
  for (let round = 0; round < 11; round += 1) {
    nowMs += openMs(circuit, nowMs);
    circuit = after(takeProbe(circuit, 'probe', nowMs, SETTINGS), failed('timeout'), 'probe', nowMs);
    lengthsMs.push(openMs(circuit, nowMs));
  }
  assert.deepEqual(
    lengthsMs.map((ms) => ms / 1_000),
    [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300],
  );
  nowMs += 300_000;
  assert.equal(after(takeProbe(circuit, 'probe', nowMs, SETTINGS), SUCCESS, 'probe', nowMs), CLOSED);
});

test("a refused account says nothing of a model, and only a refused account opens the key's own circuit", () => {
  assert.equal(modelEffect(failed('account'), SETTINGS).kind, 'neutral');
  const kinds = (['rate', 'content', 'bad-request', 'model', 'transient', 'timeout', 'cancelled'] as const).map(
    (failure) => accountEffect(failed(failure), SETTINGS).kind,
  );
  const [taken, unknown] = ['success', 'neutral'];
  assert.deepEqual(kinds, [taken, taken, taken, taken, unknown, unknown, unknown]);
});

test('the probe is due when the time is over, goes to one call, and is due again when its lease is over', () => {
  const open = after(CLOSED, failed('rate', 5_000));
  assert.equal(mayProbe(open, START_MS + 4_999), false);
  assert.equal(takeProbe(open, 'early', START_MS + 4_999, SETTINGS), open);
  const probing = takeProbe(open, 'first', START_MS + 5_000, SETTINGS);
  assert.equal(probing.state, 'half-open');
  assert.equal(mayProbe(probing, START_MS + 5_000 + SETTINGS.probeLeaseMs - 1), false);
  const second = takeProbe(probing, 'second', START_MS + 5_000 + SETTINGS.probeLeaseMs, SETTINGS);
  assert.equal(second.state === 'half-open' && second.probe, 'second');
  assert.equal(after(second, SUCCESS, 'first'), second, 'a lost probe no longer decides');
});

for (const failure of ['content', 'bad-request', 'model', 'cancelled'] as const) {
  test(`a probe that ends in ${failure} leaves the circuit half-open and the probe free`, () => {
    const probing = takeProbe(after(CLOSED, failed('rate')), 'probe', START_MS + 60_000, SETTINGS);
    const freed = after(probing, failed(failure), 'probe', START_MS + 60_001);
    assert.equal(freed.state, 'half-open');
    assert.equal(mayProbe(freed, START_MS + 60_001), true);
  });
}

test('calls that were under way when it opened do not close it or count, but may lengthen it', () => {
  const open = after(CLOSED, failed('rate', 10_000));
  assert.equal(after(open, SUCCESS), open);
  assert.equal(after(open, failed('transient')), open);
  assert.equal(after(open, failed('rate', 5_000)), open);
  assert.equal(openMs(after(open, failed('rate', 20_000))), 20_000);
  const account = after(CLOSED, failed('account'));
  assert.equal(after(account, failed('account'), ORDINARY_CALL, START_MS + 5_000), account);
});

test("an administrator's successful test closes an open and a half-open circuit", () => {
  const open = after(CLOSED, failed('account'));
  assert.equal(after(open, SUCCESS, KEY_TEST), CLOSED);
  assert.equal(after(takeProbe(open, 'probe', START_MS + 600_000, SETTINGS), SUCCESS, KEY_TEST), CLOSED);
});
