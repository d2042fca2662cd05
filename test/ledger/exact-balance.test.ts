/** A thousand callers in four processes on one balance: what it pays for is sold, to the nano-unit and not beyond. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { systemVariables } from '../../devstack/environment.ts';
import type { Spender } from './spender.ts';
import { type TestLedger, testLedger } from './test-ledger.ts';

const PROCESSES = 4;
const CALLERS = 1_000;
const report = z.object({ sold: z.number(), refused: z.number(), spent: z.coerce.bigint() });

/** Runs the callers in processes of their own, which begin together. */
async function spend(ledger: TestLedger, spender: Omit<Spender, 'database' | 'callers'>) {
  const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, DB_POOL_SIZE } = ledger.config;
  const database = { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, DB_POOL_SIZE };
  const argument = JSON.stringify({ ...spender, database, callers: CALLERS / PROCESSES });
  const children = Array.from({ length: PROCESSES }, () =>
    fork(join(import.meta.dirname, 'spender.ts'), [argument], { env: systemVariables() }),
  );
  try {
    await Promise.all(children.map((child) => new Promise((resolve) => child.once('message', resolve))));
    const reports = children.map((child) => new Promise((resolve) => child.once('message', resolve)));
    for (const child of children) child.send('begin');
    return z.array(report).parse(await Promise.all(reports));
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

describe('one balance, a thousand callers, four processes', () => {
  let ledger: TestLedger;
  before(async () => {
    ledger = await testLedger('exact_balance_test');
  });
  after(() => ledger.close());

  async function standing(accountId: number) {
    const row = await ledger.one(
      `SELECT available,
              (SELECT COALESCE(SUM(amount-captured-released),0) FROM holds WHERE state='open' AND account_id=a.id) AS held,
              (SELECT COALESCE(SUM(amount),0) FROM transfers WHERE kind<>'loss' AND account_id=a.id) AS moved,
              (SELECT COUNT(*) FROM transfers WHERE kind='charge' AND account_id=a.id) AS charges
         FROM accounts a WHERE id=${accountId}`,
    );
    return {
      available: BigInt(String(row.available)),
      held: BigInt(String(row.held)),
      moved: BigInt(String(row.moved)),
      charges: Number(row.charges),
    };
  }

  test('money for exactly 100 calls: 100 are sold, 900 refused, nothing is left or held', async () => {
    const accountId = await ledger.account(100n * 7n);
    const reports = await spend(ledger, { accountId, hold: 7, leastCost: 7, retries: false });
    const sum = (part: 'sold' | 'refused') => reports.reduce((total, one) => total + one[part], 0);
    assert.deepEqual([sum('sold'), sum('refused')], [100, 900]);
    assert.deepEqual(await standing(accountId), { available: 0n, held: 0n, moved: 0n, charges: 100 });
  });

  test('calls that cost less than their hold, tried again after a refusal, spend it down to less than one hold', async () => {
    const accountId = await ledger.account(20_000n);
    const reports = await spend(ledger, { accountId, hold: 50, leastCost: 10, retries: true });
    const spent = reports.reduce((total, one) => total + one.spent, 0n);
    const { available, held, moved, charges } = await standing(accountId);
    assert.ok(available >= 0n && available < 50n, `${available} is left`);
    assert.deepEqual([held, moved], [0n, available]);
    assert.equal(spent, 20_000n - available);
    assert.equal(
      charges,
      reports.reduce((total, one) => total + one.sold, 0),
    );
  });
});
