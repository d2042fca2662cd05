/** Asks the commit queue for one operation after the other and writes down each question and each answer. */
import { v7 as uuidv7 } from 'uuid';
import type { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import type { LeaseBook } from '../../core/ledger/leases/lease-book.ts';
import { type Capture, capture } from '../../core/ledger/operations/capture.ts';
import { abandon, answer, type ClaimOutcome, type ClaimRequest, claim } from '../../core/ledger/operations/claim.ts';
import { type Release, release } from '../../core/ledger/operations/close-hold.ts';
import {
  adjust,
  type BalanceChange,
  balanceReads,
  chargeback,
  decideCredit,
  decideRefund,
} from '../../core/ledger/operations/credit.ts';
import { type HoldOutcome, type HoldRequest, hold } from '../../core/ledger/operations/hold.ts';
import { finishedCall } from '../../core/usage/finished-call.fixture.ts';
import { AppError } from '../../infra/errors.ts';
import { sha256 } from './ledger-world.ts';
import type { Answer, Ask, OperationRecord } from './record.ts';

type Outcome = Pick<Answer, 'outcome' | 'amount' | 'loss' | 'requestId' | 'text'>;

/** A keyed request, as a client words it. */
export interface Keyed {
  readonly key: string;
  readonly body: string;
}

/** One call of a customer, from its hold to its end. */
export interface Call {
  readonly id: string;
  readonly accountId: number;
  readonly amount: bigint;
  readonly budget: { readonly keyId: number; readonly limit: bigint; readonly period: string } | undefined;
  readonly keyed: Keyed | undefined;
  readonly lifeMs: number;
  /** Its charge may wait for others, as that of a stream. */
  readonly mayWait: boolean;
}

/** The content of a stored answer, so that a reader sees whose it is and what was charged. */
export function answerText(requestId: string, charged: bigint): string {
  return `${requestId} ${charged}`;
}

function claimOf(keyed: Keyed, requestId: string): ClaimRequest {
  return { scope: 'k1', keyHash: sha256(keyed.key), bodyHash: sha256(keyed.body), requestId };
}

function claimed(outcome: ClaimOutcome): Outcome {
  return outcome.kind === 'answered'
    ? { outcome: outcome.kind, requestId: outcome.requestId, text: outcome.answer.body.toString() }
    : { outcome: outcome.kind };
}

export class LedgerAsker {
  readonly #queue: CommitQueue;
  readonly #leases: LeaseBook;
  readonly #record: OperationRecord;
  #count = 0;

  constructor(queue: CommitQueue, leases: LeaseBook, record: OperationRecord) {
    this.#queue = queue;
    this.#leases = leases;
    this.#record = record;
  }

  /** How many operations were asked so far. */
  get count(): number {
    return this.#count;
  }

  hold(call: Call, waitMs: number): Promise<string> {
    const { id, accountId, amount, budget, keyed, lifeMs } = call;
    const request: HoldRequest = {
      id,
      accountId,
      accessKeyId: budget?.keyId ?? null,
      owner: 'call',
      amount,
      priceIds: [1],
      lifeMs,
      ...(budget ? { budget: { limit: budget.limit, periodStart: budget.period } } : {}),
      ...(keyed ? { claim: claimOf(keyed, id) } : {}),
    };
    const question = this.#callAsk('hold', call, amount, false);
    const run = async (): Promise<HoldOutcome | { kind: 'leased' }> =>
      this.#leases.admit(request) ? { kind: 'leased' } : this.#queue.submit(hold(request), { waitMs });
    return this.#ask(question, run, (outcome) =>
      outcome.kind === 'answered' || outcome.kind === 'in-use' || outcome.kind === 'other-body'
        ? claimed(outcome)
        : { outcome: outcome.kind },
    );
  }

  /** @param again true when the same hold is captured or released beside this on purpose. */
  capture(call: Call, cost: bigint, again: boolean): Promise<string> {
    const { id, accountId, keyed, mayWait } = call;
    const request: Capture = {
      holdId: id,
      accountId,
      budgetKeyId: call.budget?.keyId ?? null,
      priceId: 1,
      cost,
      mayWait,
      call: finishedCall(id, { modelId: 1, accessKeyId: call.budget?.keyId ?? null }),
      ...(keyed
        ? {
            claim: claimOf(keyed, id),
            answer: (charged: bigint) => ({ status: 200, body: Buffer.from(answerText(id, charged)) }),
          }
        : {}),
    };
    const run = () => this.#leases.calls.charge(request) ?? this.#queue.submit(capture(request));
    return this.#ask(this.#callAsk('capture', call, cost, again), run, (outcome) => ({
      outcome: outcome.kind,
      ...('charged' in outcome ? { amount: outcome.charged } : {}),
      ...('loss' in outcome ? { loss: outcome.loss } : {}),
    }));
  }

  release(call: Call, again: boolean): Promise<string> {
    const request: Release = {
      holdId: call.id,
      accountId: call.accountId,
      budgetKeyId: call.budget?.keyId ?? null,
      ...(call.keyed ? { claim: claimOf(call.keyed, call.id) } : {}),
    };
    const run = () => this.#leases.calls.release(request) ?? this.#queue.submit(release(request));
    return this.#ask(this.#callAsk('release', call, 0n, again), run, ({ kind }) => ({ outcome: kind }));
  }

  /** Takes back what this process has leased of an account. */
  recall(accountId: number): Promise<string> {
    const question = this.#changeAsk('recall', { id: uuidv7(), accountId, amount: 0n }, true);
    return this.#ask(
      question,
      () => this.#leases.recall(accountId),
      () => ({ outcome: 'done' }),
    );
  }

  topUp(change: { id: string; accountId: number; amount: bigint }): Promise<string> {
    const balanceChange: BalanceChange = { id: change.id, accountId: change.accountId };
    const operation: Operation<boolean> = {
      reads: balanceReads(balanceChange, 'top_up'),
      decide: (rows) => decideCredit(rows, balanceChange, 'top_up', change.amount),
    };
    return this.#ask(
      this.#changeAsk('top_up', change, true),
      () => this.#queue.submit(operation),
      (done) => ({
        outcome: done ? 'done' : 'done-before',
      }),
    );
  }

  refund(change: { id: string; accountId: number; amount: bigint }): Promise<string> {
    const balanceChange: BalanceChange = { id: change.id, accountId: change.accountId };
    const operation: Operation<bigint> = {
      reads: balanceReads(balanceChange, 'refund'),
      decide: (rows) => decideRefund(rows, balanceChange, change.amount),
    };
    return this.#ask(
      this.#changeAsk('refund', change, true),
      () => this.#queue.submit(operation),
      (taken) => ({
        outcome: 'refunded',
        amount: taken,
      }),
    );
  }

  chargeback(change: { id: string; accountId: number; amount: bigint }): Promise<string> {
    const operation = chargeback({ id: change.id, accountId: change.accountId }, change.amount);
    return this.#ask(
      this.#changeAsk('chargeback', change, false),
      () => this.#queue.submit(operation),
      ({ taken }) => ({
        outcome: 'done',
        amount: taken,
      }),
    );
  }

  adjust(change: { id: string; accountId: number; amount: bigint }, waitMs: number): Promise<string> {
    const operation = adjust({ id: change.id, accountId: change.accountId }, change.amount);
    return this.#ask(
      this.#changeAsk('adjustment', change, false),
      () => this.#queue.submit(operation, { waitMs }),
      ({ kind }) => ({
        outcome: kind,
      }),
    );
  }

  /** A keyed request that holds no money: claims, then answers or gives the key back. */
  async keyedRequest(keyed: Keyed, gaveUp: boolean): Promise<void> {
    const id = uuidv7();
    const request = claimOf(keyed, id);
    const outcome = await this.#ask(
      this.#keyAsk('claim', id, keyed),
      () => this.#queue.submit(claim(request), { waitMs: 5_000 }),
      claimed,
    );
    if (outcome !== 'claimed') return;
    if (gaveUp) {
      await this.#ask(
        this.#keyAsk('abandon', id, keyed),
        () => this.#queue.submit(abandon(request)),
        () => ({ outcome: 'done' }),
      );
      return;
    }
    const stored = { status: 200, body: Buffer.from(answerText(id, 0n)) };
    await this.#ask(
      this.#keyAsk('answer', id, keyed),
      () => this.#queue.submit(answer(request, stored)),
      (mine) => ({
        outcome: mine ? 'done' : 'not-mine',
      }),
    );
  }

  async #ask<Result>(
    question: Omit<Ask, 'op' | 'at' | 'writer'>,
    run: () => Promise<Result>,
    outcomeOf: (result: Result) => Outcome,
  ): Promise<string> {
    this.#count += 1;
    const op = this.#count;
    this.#record.write({ ...question, at: 'ask', op, writer: this.#writer() });
    const outcome = await run().then(
      outcomeOf,
      (error: unknown): Outcome =>
        error instanceof AppError && error.kind === 'databaseUnavailable'
          ? { outcome: 'unavailable' }
          : { outcome: 'error', text: String(error) },
    );
    this.#record.write({ ...outcome, at: 'answer', op, writer: this.#writer() });
    return outcome.outcome;
  }

  #writer(): string {
    const writer = this.#queue.writer;
    return writer ? `${writer.slot}:${writer.epoch}` : '';
  }

  #callAsk(kind: Ask['kind'], call: Call, amount: bigint, shared: boolean): Omit<Ask, 'op' | 'at' | 'writer'> {
    const { id, accountId, lifeMs } = call;
    return {
      kind,
      id,
      accountId,
      amount,
      shared,
      lifeMs,
      claim: call.keyed ?? null,
      budgetKeyId: call.budget?.keyId ?? null,
    };
  }

  #changeAsk(kind: Ask['kind'], change: { id: string; accountId: number; amount: bigint }, shared: boolean) {
    return { kind, ...change, shared, lifeMs: 0, claim: null, budgetKeyId: null };
  }

  #keyAsk(kind: Ask['kind'], id: string, keyed: Keyed) {
    return { kind, id, accountId: 0, amount: 0n, shared: false, lifeMs: 0, claim: keyed, budgetKeyId: null };
  }
}
