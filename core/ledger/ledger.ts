/** The ledger as the rest of the product uses it: every change goes through the commit queue, reads go to the pool. */
import type { Sequelize } from 'sequelize';
import { localDay } from '../../infra/calendar.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { count, select } from '../../infra/mysql/statements.ts';
import { type Attributes, inSpan, type Span } from '../../infra/telemetry/spans.ts';
import type { CommitQueue } from './commit-queue/commit-queue.ts';
import type { Operation } from './commit-queue/operation.ts';
import type { LeaseBook } from './leases/lease-book.ts';
import type { LeaseRecall, Recalled } from './leases/lease-recall.ts';
import { formatMoney } from './money.ts';
import { type Capture, type CaptureOutcome, capture } from './operations/capture.ts';
import { type Release, type ReleaseOutcome, release } from './operations/close-hold.ts';
import { openAccount } from './operations/credit.ts';
import { type HoldOutcome, type HoldRequest, hold } from './operations/hold.ts';

/** How long a caller waits for a hold while the database is away, before it gets 503. */
const HOLD_WAIT_MS = 5_000;

/** Money of one account, in nano-units. */
export interface Balance {
  /** Free to spend, what processes have leased among it. */
  readonly available: bigint;
  /** Reserved by running calls and jobs. */
  readonly held: bigint;
  readonly debt: bigint;
}

/** SQL: what the open leases of account `a` have left, which is still the account's to spend. */
export const LEASED =
  "(SELECT COALESCE(SUM(l.amount-l.captured-l.released),0) FROM holds l WHERE l.state='open' AND l.owner='lease' AND l.account_id=a.id)";
/** SQL: what the calls and jobs of account `a` hold. */
export const HELD =
  "(SELECT COALESCE(SUM(h.amount-h.captured-h.released),0) FROM holds h WHERE h.state='open' AND h.owner<>'lease' AND h.account_id=a.id)";

const balance = rowOf({ available: column.bigint, held: column.bigint, debt: column.bigint });

export interface Leasing {
  /** Undefined: this process leases nothing, but others may. */
  readonly book: LeaseBook | undefined;
  readonly recall: LeaseRecall;
}

export class Ledger {
  readonly #queue: CommitQueue;
  readonly #sequelize: Sequelize;
  readonly #timeZone: string;
  readonly #leasing: Leasing | undefined;

  /** @param leasing undefined: every call takes a hold of its own, and nothing is recalled. */
  constructor(queue: CommitQueue, sequelize: Sequelize, timeZone: string, leasing?: Leasing) {
    this.#queue = queue;
    this.#sequelize = sequelize;
    this.#timeZone = timeZone;
    this.#leasing = leasing;
  }

  /** The local day of an instant, which decides what "today" is. */
  day(ms: number = Date.now()): string {
    return localDay(ms, this.#timeZone);
  }

  /** Runs any operation of the queue. @param waitMs see CommitQueue.submit. */
  run<Result>(operation: Operation<Result>, waitMs?: number): Promise<Result> {
    return this.#queue.submit(operation, waitMs === undefined ? {} : { waitMs });
  }

  /**
   * Sets money aside: in memory if a lease of this process covers it, otherwise in the database; resolves after the COMMIT
   * then. @throws {AppError} databaseUnavailable within 5 s.
   */
  async hold(request: HoldRequest): Promise<HoldOutcome> {
    if (this.#leasing?.book?.admit(request)) return { kind: 'held' };
    return this.run(hold(request), HOLD_WAIT_MS);
  }

  /**
   * Has all processes give back what they have leased of an account. Waits at most 3 s; after `late` the balance may have
   * less than the account owns. `nothing-leased`: what was refused for want of money would be refused again.
   */
  async recall(accountId: number): Promise<Recalled> {
    return (await this.#leasing?.recall.recall(accountId)) ?? 'nothing-leased';
  }

  /** Charges a call against its hold, once. Waits for the database for as long as it takes. */
  capture(request: Capture): Promise<CaptureOutcome> {
    return inCaptureSpan(request, async (span) => {
      const outcome = await (this.#leasing?.book?.calls.charge(request) ?? this.run(capture(request)));
      span.set({ 'gateway.capture': outcome.kind });
      return outcome;
    });
  }

  /** Gives a hold back. Idempotent. Waits for the database for as long as it takes. */
  release(request: Release): Promise<ReleaseOutcome> {
    return inSpan(
      'release',
      undefined,
      () => this.#leasing?.book?.calls.release(request) ?? this.run(release(request)),
    );
  }

  /** Credits the opening grant of a new account, once. */
  async openAccount(accountId: number): Promise<void> {
    await this.run(openAccount(accountId), HOLD_WAIT_MS);
  }

  /** The balance as committed. @returns undefined when there is no such account. */
  async balanceOf(accountId: number): Promise<Balance | undefined> {
    const [row] = await select(
      this.#sequelize,
      balance.read,
      `SELECT a.available+${LEASED} AS available, a.debt, ${HELD} AS held FROM accounts a WHERE a.id=?`,
      [accountId],
    );
    return row;
  }

  /** How many holds of the account are open; decides how far a call is clamped. */
  async openHolds(accountId: number): Promise<number> {
    const sql = "SELECT COUNT(*) AS total FROM holds WHERE state='open' AND account_id=? AND amount>captured+released";
    return await count(this.#sequelize, sql, [accountId]);
  }
}

/** Does the work in a span that records what is charged for. */
export function inCaptureSpan<Result>(
  capture: Pick<Capture, 'call' | 'cost'>,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  return inSpan('capture', () => attributesOf(capture), work);
}

function attributesOf({ call, cost }: Pick<Capture, 'call' | 'cost'>): Attributes {
  return {
    'gen_ai.usage.input_tokens': call.promptTokens,
    'gen_ai.usage.output_tokens': call.completionTokens,
    'gateway.usage.images': call.imageCount,
    'gateway.cost': formatMoney(cost),
  };
}
