import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { v7 as uuidv7 } from 'uuid';
import { openWriterConnection } from '../../core/ledger/commit-queue/connection.ts';
import { endWriterConnection } from '../../core/ledger/commit-queue/fencing.ts';
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import { answer, claim } from '../../core/ledger/operations/claim.ts';
import { recordCall } from '../../core/ledger/operations/close-hold.ts';
import { adjust } from '../../core/ledger/operations/credit.ts';
import { hold } from '../../core/ledger/operations/hold.ts';
import { finishedCall } from '../../core/usage/finished-call.fixture.ts';
import { AppError } from '../../infra/errors.ts';
import { callCapture, callHold, DAY } from './calls.ts';
import { type TestLedger, testLedger } from './test-ledger.ts';

/** Above what any server of ours takes in one packet (64 MB), and what a packet of 16 MB takes twice written. */
const TOO_LONG = 'x'.repeat(70_000_000);
const LARGEST_KEPT_BYTES = 4 * 1024 * 1024;

describe('the commit queue on the real database', () => {
  let ledger: TestLedger;
  before(async () => {
    ledger = await testLedger('lane_test');
  });
  after(() => ledger.close());

  test('hundreds of callers in two processes spend one balance exactly', async () => {
    const queues = [ledger.queue(), ledger.queue()];
    const accountId = await ledger.account(100n);
    const outcomes = await Promise.all(
      Array.from({ length: 400 }, async (_, index) => {
        const queue = queues[index % 2] ?? ledger.queue();
        const id = uuidv7();
        const outcome = await queue.submit(hold(callHold(id, accountId, 1n)));
        if (outcome.kind === 'held') await queue.submit(callCapture(id, accountId, 1n));
        return outcome.kind;
      }),
    );
    assert.equal(outcomes.filter((kind) => kind === 'held').length, 100);
    assert.equal(outcomes.filter((kind) => kind === 'insufficient').length, 300);
    assert.equal(await ledger.balance(accountId), 0n);
    const sums = await ledger.one(
      `SELECT COUNT(*) AS charges, SUM(amount) AS spent FROM transfers WHERE account_id=${accountId} AND kind='charge'`,
    );
    assert.deepEqual([Number(sums.charges), Number(sums.spent)], [100, -100]);
  });

  test('an operation that fails by a bug or a CHECK does not take its batch with it', async () => {
    const queue = ledger.queue();
    await queue.open();
    const accountId = await ledger.account(1_000n);
    const results = await Promise.allSettled([
      queue.submit(hold(callHold(uuidv7(), accountId, 10n))),
      queue.submit({
        reads: [],
        decide: () => {
          throw new Error('a bug');
        },
      }),
      // Longer than the column: the server refuses the statement.
      queue.submit(adjust({ id: 'x'.repeat(60), accountId }, 5n)),
      queue.submit(hold(callHold(uuidv7(), accountId, 20n))),
    ]);
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    assert.equal(await ledger.balance(accountId), 970n);
  });

  test('what is too large for the database is refused by itself, and nobody waits for it', async () => {
    const queue = ledger.queue();
    const accountId = await ledger.account(1_000n);
    const oversized: Operation<void> = {
      reads: [],
      decide: (rows) => recordCall(rows, finishedCall(uuidv7(), { modelIdentifier: TOO_LONG }), 0n),
    };
    const results = await Promise.allSettled([
      queue.submit(hold(callHold(uuidv7(), accountId, 10n))),
      queue.submit(oversized),
      queue.submit(hold(callHold(uuidv7(), accountId, 20n))),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const [, refused] = results;
    assert.ok(refused?.status === 'rejected' && refused.reason instanceof AppError);
    assert.equal(refused.reason.kind, 'tooLarge');
    assert.equal(await ledger.balance(accountId), 970n);
  });

  test('answers that together are too large for one packet are kept one by one', async () => {
    const queue = ledger.queue();
    const kept = await Promise.all(
      Array.from({ length: 4 }, async (_, index) => {
        const request = { scope: 'u1', keyHash: randomBytes(32), bodyHash: randomBytes(32), requestId: uuidv7() };
        await queue.submit(claim(request));
        const kept = { status: 200, body: Buffer.alloc(LARGEST_KEPT_BYTES, index) };
        // As if nobody had said how large it is.
        await queue.submit({ ...answer(request, kept), bytes: 0 });
        return queue.submit(claim({ ...request, requestId: uuidv7() }));
      }),
    );
    for (const [index, outcome] of kept.entries()) {
      assert.ok(outcome.kind === 'answered');
      assert.equal(outcome.answer.body.byteLength, LARGEST_KEPT_BYTES);
      assert.ok(outcome.answer.body.every((byte) => byte === index));
    }
  });

  test('of an answer that is too large to keep it stays known that it was given', async () => {
    const queue = ledger.queue();
    const request = { scope: 'u1', keyHash: randomBytes(32), bodyHash: randomBytes(32), requestId: uuidv7() };
    await queue.submit(claim(request));
    await queue.submit(answer(request, { status: 200, body: Buffer.alloc(LARGEST_KEPT_BYTES + 1) }));
    const repeated = await queue.submit(claim({ ...request, requestId: uuidv7() }));
    assert.deepEqual(repeated, { kind: 'not-kept', requestId: request.requestId });
  });

  test('a row that collides for ever fails its own operation only', async () => {
    const queue = ledger.queue();
    const accountId = await ledger.account(1_000n);
    const id = uuidv7();
    await queue.submit(hold(callHold(id, accountId, 10n)));
    await ledger.sequelize.query(
      `INSERT INTO transfers (id,kind,account_id,amount,day,created_at) VALUES ('${id}','charge',${accountId},-10,'${DAY}',NOW(3))`,
    );
    const results = await Promise.allSettled([
      queue.submit(callCapture(id, accountId, 10n)),
      queue.submit(hold(callHold(uuidv7(), accountId, 20n))),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    );
  });

  test('a connection killed in the middle of work loses nothing and does nothing twice', async () => {
    const queue = ledger.queue();
    const accountId = await ledger.account(1_000_000n);
    await queue.open();
    const killer = await openWriterConnection(ledger.config);
    let done = false;
    const killing = (async () => {
      while (!done) {
        const writer = queue.writer;
        if (writer) await endWriterConnection(killer, writer.slot, writer.epoch);
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    })();
    const kinds = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const outcomes: string[] = [];
        for (let round = 0; round < 25; round += 1) {
          const id = uuidv7();
          outcomes.push((await queue.submit(hold(callHold(id, accountId, 10n)))).kind);
          outcomes.push((await queue.submit(callCapture(id, accountId, 7n))).kind);
        }
        return outcomes;
      }),
    );
    done = true;
    await killing;
    await killer.end();
    assert.deepEqual([...new Set(kinds.flat())].sort(), ['captured', 'held']);
    assert.equal(await ledger.balance(accountId), 1_000_000n - 500n * 7n);
  });

  test('one key claimed from two processes at the same moment has one owner', async () => {
    const queues = [ledger.queue(), ledger.queue()];
    await Promise.all(queues.map((queue) => queue.open()));
    for (let round = 0; round < 20; round += 1) {
      const keyHash = Buffer.alloc(32, `round-${round}`);
      const kinds = await Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const queue = queues[index % 2] ?? ledger.queue();
          const request = { scope: 'k1', keyHash, bodyHash: Buffer.alloc(32), requestId: uuidv7() };
          return (await queue.submit(claim(request))).kind;
        }),
      );
      assert.equal(kinds.filter((kind) => kind === 'claimed').length, 1, kinds.join());
    }
  });

  test('reading a claim does not lock the row of the writer that made it', async () => {
    const queue = ledger.queue();
    await queue.open();
    const keyHash = Buffer.alloc(32, 'lock');
    await queue.submit(claim({ scope: 'k1', keyHash, bodyHash: Buffer.alloc(32), requestId: uuidv7() }));
    const other = await openWriterConnection(ledger.config);
    const { claims, claimKey } = await import('../../core/ledger/tables/claims.ts');
    await other.query('START TRANSACTION');
    await other.query(claims.lock([claimKey({ scope: 'k1', keyHash })]));
    // Its own fence needs that row; it would wait for the other transaction.
    const accountId = await ledger.account(10n);
    assert.deepEqual(await queue.submit(hold(callHold(uuidv7(), accountId, 1n)), { waitMs: 3_000 }), { kind: 'held' });
    await other.query('ROLLBACK');
    await other.end();
  });
});
