import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createVault } from '../../infra/crypto.ts';
import { AppError } from '../../infra/errors.ts';
import type { Operation } from './commit-queue/operation.ts';
import { UnitOfWork } from './commit-queue/unit-of-work.ts';
import { IdempotentRequests } from './idempotency.ts';
import { type Claim, claims } from './tables/claims.ts';

const OLD = `1:${randomBytes(32).toString('base64')}`;
const ROTATED = `2:${randomBytes(32).toString('base64')},${OLD}`;
const BODY = Buffer.from('POST /v1/users\n{"username":"ann","password":"123456"}');

/** The table of claims, as the commit queue keeps it between batches. */
class Claims {
  readonly stored = new Map<string, Claim>();

  async run<Result>(operation: Operation<Result>): Promise<Result> {
    const rows = new UnitOfWork(Date.now(), '2026-11-24', { slot: 1, epoch: 1, seq: 1n });
    const ids = operation.reads.map(({ id }) => id);
    rows.load(
      claims,
      ids,
      ids.flatMap((id): [string, Claim][] => {
        const claim = this.stored.get(id);
        return claim ? [[id, claim]] : [];
      }),
    );
    const result = rows.attempt((unitOfWork) => operation.decide(unitOfWork));
    for (const id of ids) {
      const claim = rows.get(claims, id);
      if (claim) this.stored.set(id, claim);
    }
    return result;
  }
}

function ask(table: Claims, keys: string, body = BODY): Promise<string> {
  const requests = new IdempotentRequests(table, createVault(keys));
  return requests.run('u1', 'key', body, async () => ({ status: 200, dataText: keys })).then((kept) => kept.dataText);
}

test('what is stored of a body cannot be made from the body alone', async () => {
  const table = new Claims();
  await ask(table, OLD);
  const [claim] = table.stored.values();
  assert.ok(claim);
  assert.notDeepEqual(claim.bodyHash, createHash('sha256').update(BODY).digest());
  const elsewhere = new Claims();
  await ask(elsewhere, `1:${randomBytes(32).toString('base64')}`);
  assert.notDeepEqual(claim.bodyHash, [...elsewhere.stored.values()][0]?.bodyHash);
});

test('a repeat is known after the secret was rotated, and another body is refused', async () => {
  const table = new Claims();
  assert.equal(await ask(table, OLD), OLD);
  assert.equal(await ask(table, ROTATED), OLD, 'the first answer again');
  await assert.rejects(
    ask(table, ROTATED, Buffer.from('another')),
    (error) => error instanceof AppError && error.kind === 'idempotencyMismatch',
  );
});

test('a call whose claim was taken over meanwhile gives no answer: the one that took it over does', async () => {
  const table = new Claims();
  const requests = new IdempotentRequests(table, createVault(OLD));
  const call = requests.run('u1', 'key', BODY, async () => {
    for (const [id, claim] of table.stored) table.stored.set(id, { ...claim, requestId: 'another' });
    return { status: 200, dataText: 'late' };
  });
  await assert.rejects(call, (error) => error instanceof AppError && error.kind === 'idempotencyInUse');
  assert.equal([...table.stored.values()][0]?.answer, null);
});
