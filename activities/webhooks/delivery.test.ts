import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOverdue, OVERDUE_AFTER_MS, outcomeOf, RETRY_DELAYS_MS } from './delivery.ts';

test('2xx is delivered, 410 ends it, everything else is tried again, redirects too', () => {
  for (const status of [200, 202, 204]) assert.equal(outcomeOf(status, 1).kind, 'delivered');
  assert.equal(outcomeOf(410, 1).kind, 'gone');
  for (const status of [null, 100, 301, 308, 400, 404, 429, 500, 503]) assert.equal(outcomeOf(status, 1).kind, 'again');
});

test('tries grow apart over more than half a day, then end', () => {
  const delays = RETRY_DELAYS_MS.map((_, index) => {
    const outcome = outcomeOf(500, index + 1);
    return outcome.kind === 'again' ? outcome.delayMs : 0;
  });
  assert.deepEqual(delays, RETRY_DELAYS_MS);
  assert.ok(delays.every((delay, index) => delay > (delays[index - 1] ?? 0)));
  const sum = delays.reduce((a, b) => a + b, 0);
  assert.ok(sum > 12 * 3_600_000 && sum < 24 * 3_600_000, `${sum} ms`);
  assert.equal(outcomeOf(500, RETRY_DELAYS_MS.length + 1).kind, 'given-up');
});

test('a delivery is overdue ten minutes after its next try was due, which depends on the tries before', () => {
  const updatedAt = new Date('2026-01-01T00:00:00.000Z');
  for (const [attempts, waitMs] of [0, ...RETRY_DELAYS_MS].entries()) {
    const overdueAtMs = updatedAt.getTime() + waitMs + OVERDUE_AFTER_MS;
    assert.equal(isOverdue({ attempts, updatedAt }, overdueAtMs), false, `${attempts} tries`);
    assert.equal(isOverdue({ attempts, updatedAt }, overdueAtMs + 1), true, `${attempts} tries`);
  }
});
