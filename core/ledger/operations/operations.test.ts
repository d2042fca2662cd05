import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { finishedCall } from '../../usage/finished-call.fixture.ts';
import type { Operation } from '../commit-queue/operation.ts';
import type { LedgerTable } from '../commit-queue/table.ts';
import { UnitOfWork } from '../commit-queue/unit-of-work.ts';
import { type Account, accounts, keyBudgets } from '../tables/accounts.ts';
import { claimKey, claims } from '../tables/claims.ts';
import { type Hold, holds } from '../tables/holds.ts';
import { transferKey, transfers } from '../tables/transfers.ts';
import { type Capture, capture } from './capture.ts';
import { type ClaimRequest, claim } from './claim.ts';
import { release } from './close-hold.ts';
import { adjust, chargeback, decideRefund, openAccount } from './credit.ts';
import { type HoldRequest, hold } from './hold.ts';

const TABLES = [accounts, keyBudgets, holds, claims, transfers];
const NOW = Date.parse('2026-11-24T10:00:00Z');
const TODAY = '2026-11-24';

/** Rows between batches, kept as the database would. */
class Store {
  readonly #rows = new Map<LedgerTable<unknown>, Map<string, unknown>>(TABLES.map((table) => [table, new Map()]));
  readonly sql: string[] = [];
  epoch = 1;
  nowMs = NOW;
  today = TODAY;

  seed<Row>(table: LedgerTable<Row>, id: string, row: Row): void {
    this.#rows.get(table)?.set(id, row);
  }

  get<Row>(table: LedgerTable<Row>, id: string): Row {
    const row = this.#rows.get(table)?.get(id);
    assert.ok(row, `${table.name} ${id}`);
    return row as Row;
  }

  run<Result>(operation: Operation<Result>): Result {
    const rows = new UnitOfWork(this.nowMs, this.today, { slot: 1, epoch: this.epoch, seq: 1n });
    for (const table of TABLES) {
      const ids = operation.reads.filter((read) => read.table === table).map((read) => read.id);
      const stored = ids.flatMap((id) => {
        const row = this.#rows.get(table)?.get(id);
        return row === undefined ? [] : [[id, row] as const];
      });
      rows.load(table, ids, stored);
    }
    const result = rows.attempt((unitOfWork) => operation.decide(unitOfWork));
    for (const { table, id } of operation.reads) {
      const row = rows.get(table, id);
      if (row !== undefined) this.#rows.get(table)?.set(id, row);
    }
    this.sql.push(...rows.statements(TABLES));
    return result;
  }
}

function storeWith(available: bigint, change: Partial<Account> = {}): Store {
  const store = new Store();
  store.seed(accounts, '1', { id: 1, available, debt: 0n, pendingGrant: null, ...change });
  return store;
}

function balanceOf(store: Store): Pick<Account, 'available' | 'debt'> {
  const { available, debt } = store.get(accounts, '1');
  return { available, debt };
}

function holdRequest(change: Partial<HoldRequest> = {}): HoldRequest {
  return {
    id: 'call-1',
    accountId: 1,
    accessKeyId: 7,
    owner: 'call',
    amount: 100n,
    priceIds: [3, 4],
    lifeMs: 60_000,
    ...change,
  };
}

function captureRequest(change: Partial<Capture> = {}): Capture {
  return {
    holdId: 'call-1',
    accountId: 1,
    budgetKeyId: null,
    priceId: 3,
    cost: 40n,
    call: finishedCall('call-1'),
    ...change,
  };
}

const keyed = (requestId: string, body = 'b'): ClaimRequest => ({
  scope: 'k7',
  keyHash: Buffer.alloc(32, 1),
  bodyHash: Buffer.alloc(32, body),
  requestId,
});

describe('hold', () => {
  test('moves the money out of what is available', () => {
    const store = storeWith(150n);
    assert.deepEqual(store.run(hold(holdRequest())), { kind: 'held' });
    assert.equal(store.get(accounts, '1').available, 50n);
    assert.equal(store.get(holds, 'call-1').prices, '3,4');
  });

  test('is refused when the balance is one nano-unit short, and changes nothing', () => {
    const store = storeWith(99n);
    assert.deepEqual(store.run(hold(holdRequest())), { kind: 'insufficient', available: 99n });
    assert.deepEqual(store.sql, []);
  });

  test('is not taken twice under one id', () => {
    const store = storeWith(500n);
    store.run(hold(holdRequest()));
    assert.deepEqual(store.run(hold(holdRequest())), { kind: 'exists' });
    assert.equal(store.get(accounts, '1').available, 400n);
  });

  test('respects the budget of the key, and a new period begins at nothing', () => {
    const store = storeWith(1_000n);
    const budget = { limit: 150n, periodStart: '2026-11-24' };
    store.run(hold(holdRequest({ budget })));
    const second = holdRequest({ id: 'call-2', budget });
    assert.deepEqual(store.run(hold(second)), { kind: 'budget-spent', left: 50n });
    const tomorrow = holdRequest({ id: 'call-3', budget: { limit: 150n, periodStart: '2026-11-25' } });
    assert.deepEqual(store.run(hold(tomorrow)), { kind: 'held' });
    assert.equal(store.get(keyBudgets, '7').used, 100n);
  });

  test('a hold that still names the period before counts in the running one', () => {
    const store = storeWith(1_000n);
    const budget = { limit: 250n, periodStart: '2026-11-25' };
    store.run(hold(holdRequest({ budget })));
    const late = { limit: 250n, periodStart: '2026-11-24' };
    assert.deepEqual(store.run(hold(holdRequest({ id: 'call-2', budget: late }))), { kind: 'held' });
    assert.equal(store.get(holds, 'call-2').budgetPeriod, '2026-11-25');
    const third = holdRequest({ id: 'call-3', budget: late });
    assert.deepEqual(store.run(hold(third)), { kind: 'budget-spent', left: 50n });
    assert.deepEqual(store.get(keyBudgets, '7'), { accessKeyId: 7, periodStart: '2026-11-25', used: 200n });
  });

  test('a negative amount is a bug', () => {
    assert.throws(() => storeWith(1n).run(hold(holdRequest({ amount: -1n }))), RangeError);
  });
});

describe('capture', () => {
  test('takes the cost and gives the rest back', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest()));
    assert.deepEqual(store.run(capture(captureRequest())), { kind: 'captured', charged: 40n, loss: 0n });
    assert.equal(store.get(accounts, '1').available, 60n);
    const stored = store.get(holds, 'call-1');
    assert.deepEqual([stored.state, stored.captured, stored.released], ['captured', 40n, 60n]);
  });

  test('charges once, however often it is run', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest()));
    store.run(capture(captureRequest()));
    const written = store.sql.length;
    assert.deepEqual(store.run(capture(captureRequest())), { kind: 'already-captured', charged: 40n });
    assert.equal(store.sql.length, written);
    assert.equal(store.get(accounts, '1').available, 60n);
  });

  test('a cost of nothing still leaves its charge', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest()));
    store.run(capture(captureRequest({ cost: 0n })));
    assert.equal(store.get(holds, 'call-1').state, 'captured');
    assert.ok(store.sql.some((sql) => sql.startsWith('INSERT INTO transfers') && sql.includes("'charge'")));
  });

  test('more than was held is taken from what is available, the rest is a loss', () => {
    const store = storeWith(130n);
    store.run(hold(holdRequest()));
    assert.deepEqual(store.run(capture(captureRequest({ cost: 150n }))), {
      kind: 'captured',
      charged: 130n,
      loss: 20n,
    });
    assert.equal(store.get(accounts, '1').available, 0n);
    const written = store.sql.join('\n');
    assert.match(written, /'overrun',1,-30/);
    assert.match(written, /'loss',1,20/);
  });

  test('a count that is far too large is charged up to the hold, whatever the account has', () => {
    const store = storeWith(1_000n);
    store.run(hold(holdRequest()));
    const call = finishedCall('call-1', { doubt: 'too-large' });
    assert.deepEqual(store.run(capture(captureRequest({ cost: 900n, call }))), {
      kind: 'captured',
      charged: 100n,
      loss: 800n,
    });
    assert.equal(store.get(accounts, '1').available, 900n);
    const written = store.sql.join('\n');
    assert.doesNotMatch(written, /'overrun'/);
    assert.match(written, /'loss',1,800/);
  });

  test('after the sweeper nothing is charged and the cost is a memo', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest()));
    store.run(release({ holdId: 'call-1', accountId: 1, budgetKeyId: null }));
    assert.deepEqual(store.run(capture(captureRequest())), { kind: 'hold-released' });
    assert.equal(store.get(accounts, '1').available, 100n);
    assert.match(store.sql.join('\n'), /'loss',1,40/);
  });

  test('a call whose key was taken over is not charged', () => {
    const store = storeWith(300n);
    store.run(hold(holdRequest({ claim: keyed('call-1') })));
    store.epoch = 2;
    const id = claimKey(keyed('call-1'));
    store.seed(claims, id, { ...store.get(claims, id), writerEpoch: 2 });
    assert.deepEqual(store.run(hold(holdRequest({ id: 'call-2', claim: keyed('call-2') }))), { kind: 'held' });
    assert.deepEqual(store.run(capture(captureRequest({ claim: keyed('call-1') }))), { kind: 'claim-lost' });
    const second = captureRequest({ holdId: 'call-2', claim: keyed('call-2') });
    assert.equal(store.run(capture(second)).kind, 'captured');
    assert.equal(store.get(accounts, '1').available, 260n);
  });

  test('keeps what was charged of the budget used', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest({ budget: { limit: 100n, periodStart: '2026-11-24' } })));
    store.run(capture(captureRequest({ budgetKeyId: 7 })));
    assert.equal(store.get(keyBudgets, '7').used, 40n);
  });

  test('what goes over a hold counts in its budget, and of a budget that is over nothing is known to be left', () => {
    const store = storeWith(1_000n);
    store.run(hold(holdRequest({ budget: { limit: 500n, periodStart: '2026-11-24' } })));
    const running = holdRequest({ id: 'call-2', budget: { limit: 500n, periodStart: '2026-11-25' } });
    store.run(hold(running));
    const over = store.run(capture(captureRequest({ budgetKeyId: 7, cost: 130n })));
    assert.deepEqual(over, { kind: 'captured', charged: 100n, loss: 30n });
    assert.equal(store.get(keyBudgets, '7').used, 100n);
    const inside = store.run(capture(captureRequest({ holdId: 'call-2', budgetKeyId: 7, cost: 130n })));
    assert.deepEqual(inside, { kind: 'captured', charged: 130n, loss: 0n });
    assert.equal(store.get(keyBudgets, '7').used, 130n);
  });

  test('what goes over a hold never passes the budget of the key, the rest is a loss', () => {
    const store = storeWith(1_000n);
    const budget = { limit: 220n, periodStart: '2026-11-24' };
    store.run(hold(holdRequest({ budget })));
    store.run(hold(holdRequest({ id: 'call-2', budget })));
    const first = store.run(capture(captureRequest({ budgetKeyId: 7, cost: 150n })));
    assert.deepEqual(first, { kind: 'captured', charged: 120n, loss: 30n });
    const second = store.run(capture(captureRequest({ holdId: 'call-2', budgetKeyId: 7, cost: 150n })));
    assert.deepEqual(second, { kind: 'captured', charged: 100n, loss: 50n });
    assert.equal(store.get(keyBudgets, '7').used, 220n);
    assert.equal(store.get(accounts, '1').available, 780n);
  });

  test('a hold of another account is refused as a bug', () => {
    const store = storeWith(100n);
    store.seed(accounts, '2', { id: 2, available: 0n, debt: 0n, pendingGrant: null });
    store.run(hold(holdRequest()));
    assert.throws(() => store.run(capture(captureRequest({ accountId: 2 }))), /does not exist/);
  });
});

describe('the day', () => {
  test('of a call over midnight is that of its charge: of the transfer, the statistics and the usage document', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest()));
    store.today = '2026-11-25';
    store.run(capture(captureRequest()));
    const written = ['transfers', 'stats', 'usage_outbox'].map((table) =>
      store.sql.filter((sql) => sql.startsWith(`INSERT INTO ${table} `)).join(),
    );
    for (const sql of written) assert.ok(sql.includes("'2026-11-25'") && !sql.includes("'2026-11-24'"), sql);
    assert.match(written[2] ?? '', /day\\":\\"2026-11-25/);
  });
});

describe('release', () => {
  test('gives all back, once', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest()));
    const request = { holdId: 'call-1', accountId: 1, budgetKeyId: null };
    assert.deepEqual(store.run(release(request)), { kind: 'released' });
    assert.deepEqual(store.run(release(request)), { kind: 'already-closed' });
    assert.equal(store.get(accounts, '1').available, 100n);
  });

  test('leaves a captured hold alone', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest()));
    store.run(capture(captureRequest()));
    assert.deepEqual(store.run(release({ holdId: 'call-1', accountId: 1, budgetKeyId: null })), {
      kind: 'already-closed',
    });
    assert.equal(store.get(accounts, '1').available, 60n);
  });

  test('makes the idempotency key free again', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest({ claim: keyed('call-1') })));
    store.run(release({ holdId: 'call-1', accountId: 1, budgetKeyId: null, claim: keyed('call-1') }));
    assert.deepEqual(store.run(claim(keyed('call-2'))), { kind: 'claimed', operationId: 'call-2' });
  });

  test('of a hold that was swept before makes its key free too, but leaves an answered one alone', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest({ claim: keyed('call-1') })));
    const request = { holdId: 'call-1', accountId: 1, budgetKeyId: null };
    store.run(release(request));
    assert.deepEqual(store.run(claim(keyed('call-2'))), { kind: 'in-use' });
    assert.deepEqual(store.run(release({ ...request, claim: keyed('call-1') })), { kind: 'already-closed' });
    store.run(hold(holdRequest({ id: 'call-3', claim: keyed('call-3') })));
    const answer = { status: 200, body: Buffer.from('x') };
    store.run(capture(captureRequest({ holdId: 'call-3', claim: keyed('call-3'), answer: () => answer })));
    store.run(release({ ...request, holdId: 'call-3', claim: keyed('call-3') }));
    assert.equal(store.run(claim(keyed('call-4'))).kind, 'answered');
  });
});

describe('claim', () => {
  test('a second caller waits, another body is refused, an answer is given again', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest({ claim: keyed('call-1') })));
    const twin = holdRequest({ id: 'call-2', claim: keyed('call-2') });
    assert.deepEqual(store.run(hold(twin)), { kind: 'in-use' });
    assert.deepEqual(store.run(hold({ ...twin, claim: keyed('call-2', 'other') })), { kind: 'other-body' });
    const answer = { status: 200, body: Buffer.from('{"cost":1}') };
    store.run(capture(captureRequest({ claim: keyed('call-1'), answer: () => answer })));
    assert.deepEqual(store.run(hold(twin)), { kind: 'answered', requestId: 'call-1', answer });
  });

  test('an answered key is answered even when the balance is gone', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest({ claim: keyed('call-1') })));
    const answer = { status: 200, body: Buffer.from('x') };
    store.run(capture(captureRequest({ cost: 100n, claim: keyed('call-1'), answer: () => answer })));
    assert.equal(store.get(accounts, '1').available, 0n);
    assert.equal(store.run(hold(holdRequest({ id: 'call-2', claim: keyed('call-2') }))).kind, 'answered');
  });

  test('a refused call does not keep its key', () => {
    const store = storeWith(10n);
    assert.equal(store.run(hold(holdRequest({ claim: keyed('call-1') }))).kind, 'insufficient');
    assert.deepEqual(store.run(claim(keyed('call-2', 'other'))), { kind: 'claimed', operationId: 'call-2' });
  });

  test('whoever takes over the claim of a dead process does the same operation', () => {
    const store = storeWith(100n);
    assert.deepEqual(store.run(claim(keyed('call-1'))), { kind: 'claimed', operationId: 'call-1' });
    for (const requestId of ['call-2', 'call-3']) {
      const id = claimKey(keyed('call-1'));
      store.seed(claims, id, { ...store.get(claims, id), writerEpoch: 2 });
      assert.deepEqual(store.run(claim(keyed(requestId))), { kind: 'claimed', operationId: 'call-1' });
    }
  });

  test('after a day the key is new', () => {
    const store = storeWith(100n);
    store.run(claim(keyed('call-1')));
    store.nowMs = NOW + 24 * 3_600_000;
    assert.deepEqual(store.run(claim(keyed('call-2', 'other'))), { kind: 'claimed', operationId: 'call-2' });
  });
});

describe('credits', () => {
  const change = { id: 'x-1', accountId: 1 };

  test('an adjustment is made once and never below zero', () => {
    const store = storeWith(50n);
    assert.deepEqual(store.run(adjust(change, -20n)), { kind: 'done', available: 30n });
    assert.deepEqual(store.run(adjust(change, -20n)), { kind: 'done-before', available: 30n });
    const second = { ...change, id: 'x-2' };
    assert.deepEqual(store.run(adjust(second, -31n)), { kind: 'insufficient', available: 30n });
  });

  test('an adjustment under the id of one a day ago changes nothing and says so', () => {
    const store = storeWith(50n);
    store.run(adjust(change, -20n));
    store.nowMs += 24 * 3_600_000 - 1;
    assert.deepEqual(store.run(adjust(change, -20n)), { kind: 'done-before', available: 30n }, 'a repeat of that call');
    store.nowMs += 1;
    assert.deepEqual(store.run(adjust(change, -20n)), { kind: 'done-long-ago', available: 30n, atMs: NOW });
    assert.equal(store.get(accounts, '1').available, 30n);
  });

  test('a chargeback takes what is there and books the rest as debt, which the next credit pays', () => {
    const store = storeWith(30n);
    assert.deepEqual(store.run(chargeback(change, 100n)), { taken: 30n, debt: 70n });
    assert.deepEqual(store.run(chargeback(change, 100n)), { taken: 0n, debt: 70n });
    assert.deepEqual(store.run(adjust({ ...change, id: 'x-3' }, 90n)), { kind: 'done', available: 20n });
    assert.equal(store.get(accounts, '1').debt, 0n);
  });

  test('what comes back from a hold pays the debt of a chargeback before it can be spent again', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest()));
    store.run(hold(holdRequest({ id: 'call-2', amount: 0n })));
    assert.deepEqual(store.run(chargeback(change, 100n)), { taken: 0n, debt: 100n });
    store.run(capture(captureRequest({ cost: 40n })));
    assert.deepEqual(balanceOf(store), { available: 0n, debt: 40n }, '60 of the hold came back');
    assert.equal(store.run(hold(holdRequest({ id: 'call-3', amount: 1n }))).kind, 'insufficient');
    store.run(capture(captureRequest({ holdId: 'call-2', cost: 5n })));
    assert.deepEqual(balanceOf(store), { available: 0n, debt: 40n }, 'an overrun finds nothing to take');
  });

  test('a released hold pays the debt and only its rest becomes available', () => {
    const store = storeWith(100n);
    store.run(hold(holdRequest()));
    store.run(chargeback(change, 30n));
    store.run(release({ holdId: 'call-1', accountId: 1, budgetKeyId: null }));
    assert.deepEqual(balanceOf(store), { available: 70n, debt: 0n });
  });

  test('a refund takes at most what is available, once', () => {
    const store = storeWith(30n);
    const reads = adjust(change, 0n).reads;
    const refund: Operation<bigint> = {
      reads: [...reads, { table: transfers, id: transferKey({ id: 'x-1', kind: 'refund' }) }],
      decide: (rows) => decideRefund(rows, change, 100n),
    };
    assert.equal(store.run(refund), 30n);
    store.seed(accounts, '1', { ...store.get(accounts, '1'), available: 500n });
    assert.equal(store.run(refund), 30n);
    assert.equal(store.get(accounts, '1').available, 500n);
  });

  test('the opening grant is credited once', () => {
    const store = storeWith(0n, { pendingGrant: 1_000n });
    assert.equal(store.run(openAccount(1)), true);
    assert.equal(store.run(openAccount(1)), false);
    assert.equal(store.get(accounts, '1').available, 1_000n);
  });
});

describe('a batch', () => {
  test('an operation that throws leaves nothing behind for those after it', () => {
    const rows = new UnitOfWork(NOW, TODAY, { slot: 1, epoch: 1, seq: 1n });
    const account = { id: 1, available: 100n, debt: 0n, pendingGrant: null };
    rows.load(accounts, ['1'], [['1', account]]);
    assert.throws(() =>
      rows.attempt((inner) => {
        inner.put(accounts, '1', { ...account, available: 0n });
        throw new Error('a bug');
      }),
    );
    assert.equal(rows.get(accounts, '1')?.available, 100n);
    assert.deepEqual(rows.statements(TABLES), []);
  });

  test('later operations see what earlier ones did', () => {
    const rows = new UnitOfWork(NOW, TODAY, { slot: 1, epoch: 1, seq: 1n });
    rows.load(accounts, ['1'], [['1', { id: 1, available: 150n, debt: 0n, pendingGrant: null }]]);
    rows.load<Hold>(holds, ['call-1', 'call-2'], []);
    const outcomes = ['call-1', 'call-2'].map((id) =>
      rows.attempt((inner) => hold(holdRequest({ id })).decide(inner).kind),
    );
    assert.deepEqual(outcomes, ['held', 'insufficient']);
  });
});

describe('a hold that is taken from another one', () => {
  const claimed = (requestId: string): ClaimRequest => ({
    ...{ scope: 'b7', keyHash: Buffer.from('line 1'), bodyHash: Buffer.from('body'), requestId },
  });
  const begun = () => {
    const store = storeWith(1_000n);
    store.run(hold(holdRequest({ id: 'batch-1', owner: 'batch', amount: 300n, accessKeyId: null })));
    return store;
  };
  const line = (id: string, amount: bigint, share = 100n) =>
    hold(
      holdRequest({ id, amount, accessKeyId: null, claim: claimed(id), from: { holdId: 'batch-1', amount: share } }),
    );

  test('moves its part, and is charged more or less from the balance', () => {
    const store = begun();
    assert.equal(store.run(line('call-1', 80n)).kind, 'held');
    assert.equal(balanceOf(store).available, 720n);
    assert.deepEqual([store.get(holds, 'batch-1').released, store.get(holds, 'call-1').amount], [100n, 80n]);
    store.run(release({ holdId: 'batch-1', accountId: 1, budgetKeyId: null }));
    assert.equal(balanceOf(store).available, 920n);
    const { state, released, captured } = store.get(holds, 'batch-1');
    assert.deepEqual([state, released, captured], ['released', 300n, 0n]);
  });

  test('pays with its part what the balance alone could not', () => {
    const store = storeWith(300n);
    store.run(hold(holdRequest({ id: 'batch-1', owner: 'batch', amount: 300n, accessKeyId: null })));
    assert.equal(store.run(line('call-1', 100n)).kind, 'held');
    assert.deepEqual([balanceOf(store).available, store.get(holds, 'batch-1').released], [0n, 100n]);
    const dear = holdRequest({
      id: 'call-2',
      amount: 201n,
      accessKeyId: null,
      from: { holdId: 'batch-1', amount: 100n },
    });
    assert.equal(store.run(hold(dear)).kind, 'insufficient');
    assert.equal(store.get(holds, 'batch-1').released, 100n);
  });

  test('takes its part of the budget of its key with it, which is used once', () => {
    const store = storeWith(1_000n);
    const budget = { limit: 300n, periodStart: '2026-11-24' };
    store.run(hold(holdRequest({ id: 'batch-1', owner: 'batch', amount: 300n, budget })));
    const of = (id: string, amount: bigint) =>
      hold(holdRequest({ id, amount, budget, claim: claimed(id), from: { holdId: 'batch-1', amount: 100n } }));
    assert.equal(store.run(hold(holdRequest({ id: 'call-0', amount: 1n, budget }))).kind, 'budget-spent');
    assert.equal(store.run(of('call-1', 101n)).kind, 'budget-spent');
    assert.equal(store.run(of('call-1', 80n)).kind, 'held');
    assert.equal(store.get(keyBudgets, '7').used, 280n);
    store.run(release({ holdId: 'batch-1', accountId: 1, budgetKeyId: 7 }));
    assert.deepEqual([store.get(keyBudgets, '7').used, balanceOf(store).available], [80n, 920n]);
  });

  test('counts in the period in which it is taken, the rest of the whole in none', () => {
    const store = storeWith(1_000n);
    store.run(
      hold(
        holdRequest({
          id: 'batch-1',
          owner: 'batch',
          amount: 300n,
          budget: { limit: 300n, periodStart: '2026-11-24' },
        }),
      ),
    );
    const budget = { limit: 300n, periodStart: '2026-11-25' };
    const from = { holdId: 'batch-1', amount: 100n };
    store.run(hold(holdRequest({ id: 'call-1', amount: 80n, budget, claim: claimed('call-1'), from })));
    store.run(release({ holdId: 'batch-1', accountId: 1, budgetKeyId: 7 }));
    assert.deepEqual(store.get(keyBudgets, '7'), { accessKeyId: 7, periodStart: '2026-11-25', used: 80n });
  });

  test('takes no part twice when its process died, and never more than is left', () => {
    const store = begun();
    store.run(line('call-1', 80n));
    const key = claimKey(claimed('call-1'));
    store.seed(claims, key, { ...store.get(claims, key), writerEpoch: 2 });
    const again = hold(
      holdRequest({
        ...{ id: 'call-2', amount: 80n, accessKeyId: null, claim: claimed('call-2') },
        from: { holdId: 'batch-1', amount: 100n },
      }),
    );
    assert.equal(store.run(again).kind, 'held');
    assert.equal(store.get(holds, 'batch-1').released, 100n);
    const store2 = begun();
    store2.run(line('call-9', 350n, 900n));
    assert.deepEqual([balanceOf(store2).available, store2.get(holds, 'batch-1').released], [650n, 300n]);
  });
});
