import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError, Sequelize } from 'sequelize';
import { inTransaction } from './transaction.ts';

/** Transactions of a database that ends the first `deadlocks` of them. */
function database(deadlocks: number, code = 'ER_LOCK_DEADLOCK') {
  const sequelize = new Sequelize({ dialect: 'mysql', logging: false });
  const begun = { count: 0 };
  const original = Object.assign(new Error('Deadlock found'), { sql: 'UPDATE', code });
  const transaction = async () => {
    begun.count += 1;
    if (begun.count <= deadlocks) throw new DatabaseError(original);
    return 'done';
  };
  return { begun, sequelize: Object.assign(sequelize, { transaction }) };
}

test('a transaction that a deadlock ended is run again', async () => {
  const { begun, sequelize } = database(5);
  assert.equal(await inTransaction(sequelize, async () => 'done'), 'done');
  assert.equal(begun.count, 6);
});

test('one that only meets deadlocks is refused as a conflict, not as an error of ours', async () => {
  const { sequelize } = database(Number.POSITIVE_INFINITY);
  await assert.rejects(
    inTransaction(sequelize, async () => 'done'),
    { kind: 'illegalState' },
  );
});

test('any other failure is passed on at once', async () => {
  const { begun, sequelize } = database(1, 'ER_BAD_FIELD_ERROR');
  await assert.rejects(
    inTransaction(sequelize, async () => 'done'),
    DatabaseError,
  );
  assert.equal(begun.count, 1);
});
