/** kill -9 of the database server under load: nothing that was answered is lost, and no call loses its hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFullChaos, testStack } from '../../devstack/test-stack.ts';
import { LedgerField } from './ledger-field.ts';

const KILLS = isFullChaos() ? 5 : 2;
/** Answers between two kills. */
const OPERATIONS = isFullChaos() ? 3_000 : 1_000;
/** Above the time that a database takes to come back here. */
const WRITER_TTL_MS = 10_000;

test('a database killed under load loses nothing that was answered', async (context) => {
  const field = await LedgerField.open({
    database: 'ledger_database_kill',
    writerTtlMs: WRITER_TTL_MS,
    callersPerProcess: 12,
    seed: Date.now() % 1_000_000_000,
  });
  try {
    const database = testStack().part('mysql');
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const before = field.operations;
      await field.ledger.until(() => field.operations > before + OPERATIONS);
      await database.kill('SIGKILL');
      const downAt = performance.now();
      await database.start();
      context.diagnostic(`kill ${kill}: back after ${Math.round(performance.now() - downAt)} ms`);
    }
    const before = field.operations;
    await field.ledger.until(() => field.operations > before + OPERATIONS);
    await field.settle();
    const { operations, answered, breaches } = await field.breaches();
    context.diagnostic(`${operations} operations, ${answered} answered`);
    assert.deepEqual(breaches.slice(0, 20), [], `${breaches.length} breaches`);
    // No process died, so every one of them heard every answer.
    assert.equal(answered, operations);
  } finally {
    await field.close();
  }
});
