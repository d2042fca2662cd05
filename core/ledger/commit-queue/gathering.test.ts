import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Gathering } from './gathering.ts';

/** Whether a batch has begun, after a few turns of the event loop. */
async function began(wait: Promise<void>): Promise<boolean> {
  let hasBegun = false;
  void wait.then(() => {
    hasBegun = true;
  });
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  return hasBegun;
}

function gathering(t: TestContext): Gathering {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  return new Gathering();
}

test('operations that may wait do so while batches follow each other, 25 milliseconds', async (t) => {
  const gathered = gathering(t);
  const wait = gathered.wait(true, { operations: 1, msAgo: 5 });
  assert.equal(await began(wait), false);
  t.mock.timers.tick(24);
  assert.equal(await began(wait), false);
  t.mock.timers.tick(1);
  assert.equal(await began(wait), true);
});

test('an operation that may not wait takes the others along', async (t) => {
  const gathered = gathering(t);
  const wait = gathered.wait(true, { operations: 1, msAgo: 5 });
  assert.equal(await began(wait), false);
  gathered.hurry();
  assert.equal(await began(wait), true);
});

test('where nobody else comes, nothing waits', async (t) => {
  assert.equal(await began(gathering(t).wait(true, { operations: 1, msAgo: 1_000 })), true);
  assert.equal(await began(new Gathering().wait(false, { operations: 1, msAgo: 5 })), true);
});

test('after a large batch the next one waits a moment for those who were just answered', async (t) => {
  const wait = gathering(t).wait(false, { operations: 4, msAgo: 0 });
  assert.equal(await began(wait), false);
  t.mock.timers.tick(1);
  assert.equal(await began(wait), true);
});
