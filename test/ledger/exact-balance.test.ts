/** A thousand callers in four processes on one balance: what it pays for is sold, to the nano-unit and not beyond. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { systemVariables } from '../../devstack/environment.ts';
import { testStack } from '../../devstack/test-stack.ts';
import type { Spender } from './spender.ts';
import { type TestLedger, testLedger } from './test-ledger.ts';

const PROCESSES = 4;
const CALLERS = 1_000;
/** Others on the stack's Redis do not hear of these accounts. */
const REDIS_DATABASE = '11';
/** So much more and longer than in the product that the last coins are leased, too. */
const LEASES = { share: 0.25, richTimes: 2 };
const report = z.object({ sold: z.number(), leased: z.number(), refused: z.number(), spent: z.coerce.bigint() });

/** Runs the callers in processes of their own, which begin together. */
async function spend(ledger: TestLedger, spender: Omit<Spender, 'environment' | 'callers'>) {
  const environment = { ...testStack().environment, DB_NAME: ledger.config.DB_NAME, DB_POOL_SIZE: '3', REDIS_DATABASE };
  const argument = JSON.stringify({ ...spender, environment, callers: CALLERS / PROCESSES });
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
    const reports = await spend(ledger, { accountId, hold: 7, leastCost: 7, retries: false, leases: LEASES });
    const sum = (part: 'sold' | 'leased' | 'refused') => reports.reduce((total, one) => total + one[part], 0);
    assert.deepEqual([sum('sold'), sum('refused')], [100, 900]);
    assert.ok(sum('leased') > 0, 'no call was paid by a lease');
    assert.deepEqual(await standing(accountId), { available: 0n, held: 0n, moved: 0n, charges: 100 });
  });

  test('a budget for exactly 100 calls of a rich account: 100 are sold', async () => {
    const accountId = await ledger.account(1_000_000n);
    const budget = 100 * 7;
    const spender = { accountId, hold: 7, leastCost: 7, budget, retries: false, leases: LEASES };
    const reports = await spend(ledger, spender);
    const sum = (part: 'sold' | 'leased') => reports.reduce((total, one) => total + one[part], 0);
    assert.equal(sum('sold'), 100);
    assert.ok(sum('leased') > 0, 'no call was paid by a lease');
    assert.equal(Number((await ledger.one('SELECT used FROM key_budgets')).used), budget);
    assert.deepEqual(await standing(accountId), { available: 999_300n, held: 0n, moved: 999_300n, charges: 100 });
  });

  test('calls that cost less than their hold, tried again after a refusal, spend it down to less than one hold', async () => {
    const accountId = await ledger.account(20_000n);
    const spender = { accountId, hold: 50, leastCost: 10, retries: true, leases: LEASES };
    const reports = await spend(ledger, spender);
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
