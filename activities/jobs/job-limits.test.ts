import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UnitOfWork } from '../../core/ledger/commit-queue/unit-of-work.ts';
import { type RunCheck, runLimitReads, takePlace, waitMs } from './job-limits.ts';
import { runningOfProvider, runningOfUser } from './job-tables.ts';

const owner = { userId: 7, accountId: 70, providerId: 3 };

/** Rows as a batch would have locked them, with what runs already. */
function rowsWith(check: RunCheck, ofUser: number, ofProvider: number): UnitOfWork {
  const rows = new UnitOfWork(0, '2026-11-24', { slot: 1, epoch: 1, seq: 1n });
  for (const { table, id } of runLimitReads(check)) rows.load(table, [id], []);
  const reads = runLimitReads(check).map(({ table }) => table);
  if (reads.includes(runningOfUser)) rows.load(runningOfUser, ['7'], ofUser > 0 ? [['7', ofUser]] : []);
  if (reads.includes(runningOfProvider)) rows.load(runningOfProvider, ['3'], ofProvider > 0 ? [['3', ofProvider]] : []);
  return rows;
}

describe('limits of running jobs', () => {
  test('a job is admitted while its user and its provider have room', () => {
    const check = { limits: { perUser: 2, perProvider: 3 }, owner };
    const cases: [ofUser: number, ofProvider: number, admitted: boolean][] = [
      [0, 0, true],
      [1, 2, true],
      [2, 0, false],
      [0, 3, false],
    ];
    for (const [ofUser, ofProvider, admitted] of cases) {
      assert.equal(takePlace(rowsWith(check, ofUser, ofProvider), check), admitted, `${ofUser} ${ofProvider}`);
    }
  });

  test('those admitted in one transaction count for the next; a refused one counts for nobody', () => {
    const check = { limits: { perUser: 2, perProvider: 0 }, owner };
    const rows = rowsWith(check, 0, 0);
    assert.deepEqual(
      [1, 2, 3].map(() => takePlace(rows, check)),
      [true, true, false],
    );
    assert.equal(rows.get(runningOfUser, '7'), 2);
  });

  test('without limits nothing is read or locked; a job of no known provider counts to its user only', () => {
    assert.deepEqual(runLimitReads({ limits: { perUser: 0, perProvider: 0 }, owner }), []);
    const check = { limits: { perUser: 1, perProvider: 1 }, owner: { ...owner, providerId: null } };
    assert.deepEqual(
      runLimitReads(check).map(({ table }) => table.name),
      ['accounts', 'running jobs of users'],
    );
  });

  test('waits grow to five seconds and never come all at once', () => {
    assert.equal(waitMs(1, 0), 250);
    assert.ok(waitMs(1, 0.9) < 500);
    assert.equal(waitMs(1_000, 0), 2_500);
    assert.ok(waitMs(1_000, 0.9) < 5_000);
    assert.notEqual(waitMs(5, 0.1), waitMs(5, 0.7));
  });
});
