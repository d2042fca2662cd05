import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newTraceId, openTelemetryTraceId, traceIdOf } from './trace-id.ts';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';

test('a new id is one of W3C and stands for itself', () => {
  const id = newTraceId();
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(openTelemetryTraceId(id), id);
  assert.notEqual(newTraceId(), id);
});

test('a traceparent shows its trace; what is none shows nothing', () => {
  assert.equal(traceIdOf(`00-${ID}-00f067aa0ba902b7-01`), ID);
  assert.equal(traceIdOf(`01-${ID}-00f067aa0ba902b7-01-of-later-versions`), ID);
  const wrong = [
    '',
    ID,
    `00-${ID}-00f067aa0ba902b7`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `ff-${ID}-00f067aa0ba902b7-01`,
    `00-${ID.toUpperCase()}-00f067aa0ba902b7-01`,
    `00-${ID}-00f067aa0ba902b7-01x`,
  ];
  for (const text of wrong) assert.equal(traceIdOf(text), undefined, text);
});

test("a caller's own id has a trace of its own, the same each time", () => {
  assert.equal(openTelemetryTraceId('4BF92F35-77B3-4DA6-A3CE-929D0E0E4736'), ID);
  const made = openTelemetryTraceId('order-42');
  assert.match(made, /^[0-9a-f]{32}$/);
  assert.equal(openTelemetryTraceId('order-42'), made);
  assert.notEqual(openTelemetryTraceId('order-43'), made);
  assert.match(openTelemetryTraceId('0'.repeat(32)), /[1-9a-f]/);
});
