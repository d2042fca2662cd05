import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from './retry-budget.ts';

function budgetAt(start: { nowMs: number }): RetryBudget {
  return new RetryBudget(() => start.nowMs);
}

/** Retries until the budget refuses. */
function retries(budget: RetryBudget): number {
  let count = 0;
  while (budget.mayRetry()) {
    budget.retryBegan();
    count += 1;
  }
  return count;
}

test('few requests have three retries in ten seconds', () => {
  const clock = { nowMs: 5_400 };
  const budget = budgetAt(clock);
  budget.requestBegan();
  assert.equal(retries(budget), 3);
  clock.nowMs += 9_000;
  assert.equal(retries(budget), 0);
  clock.nowMs += 1_000;
  assert.equal(retries(budget), 3);
});

test('many requests have a fifth of their number', () => {
  const budget = budgetAt({ nowMs: 0 });
  for (let index = 0; index < 99; index += 1) budget.requestBegan();
  assert.equal(retries(budget), 19);
  budget.requestBegan();
  assert.equal(retries(budget), 1);
});

test('50 requests a second that all fail are at most 1.2 attempts each over a minute', () => {
  const clock = { nowMs: 0 };
  const budget = budgetAt(clock);
  let attempts = 0;
  for (let index = 0; index < 3_000; index += 1) {
    clock.nowMs = index * 20;
    budget.requestBegan();
    attempts += 1 + Math.min(retries(budget), 2);
  }
  assert.ok(attempts <= 3_600, `${attempts} attempts`);
  assert.ok(attempts >= 3_500, `${attempts} attempts: the budget is used`);
});

test('what is older than ten seconds is forgotten, also after a long silence', () => {
  const clock = { nowMs: 0 };
  const budget = budgetAt(clock);
  for (let index = 0; index < 1_000; index += 1) budget.requestBegan();
  clock.nowMs = 3_600_000;
  assert.equal(retries(budget), 3);
});
