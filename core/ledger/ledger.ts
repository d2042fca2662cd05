/** The ledger as the rest of the product uses it: every change goes through the commit queue, reads go to the pool. */
import type { Sequelize } from 'sequelize';
import { localDay } from '../../infra/calendar.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { count, select } from '../../infra/mysql/statements.ts';
import { type Attributes, inSpan, type Span } from '../../infra/telemetry/spans.ts';
import type { CommitQueue } from './commit-queue/commit-queue.ts';
import type { Operation } from './commit-queue/operation.ts';
import { formatMoney } from './money.ts';
import { type Capture, type CaptureOutcome, capture } from './operations/capture.ts';
import { type Release, type ReleaseOutcome, release } from './operations/close-hold.ts';
import { openAccount } from './operations/credit.ts';
import { type HoldOutcome, type HoldRequest, hold } from './operations/hold.ts';

/** How long a caller waits for a hold while the database is away, before it gets 503. */
const HOLD_WAIT_MS = 5_000;

/** Money of one account, in nano-units. */
export interface Balance {
  /** Free to spend. */
  readonly available: bigint;
  /** Reserved by running calls and jobs. */
  readonly held: bigint;
  readonly debt: bigint;
}

const balance = rowOf({ available: column.bigint, held: column.bigint, debt: column.bigint });

export class Ledger {
  readonly #queue: CommitQueue;
  readonly #sequelize: Sequelize;
  readonly #timeZone: string;

  constructor(queue: CommitQueue, sequelize: Sequelize, timeZone: string) {
    this.#queue = queue;
    this.#sequelize = sequelize;
    this.#timeZone = timeZone;
  }

  /** The local day of an instant, which decides what "today" is. */
  day(ms: number = Date.now()): string {
    return localDay(ms, this.#timeZone);
  }

  /** Runs any operation of the queue. @param waitMs see CommitQueue.submit. */
  run<Result>(operation: Operation<Result>, waitMs?: number): Promise<Result> {
    return this.#queue.submit(operation, waitMs === undefined ? {} : { waitMs });
  }

  /** Sets money aside; resolves after the COMMIT. @throws {AppError} databaseUnavailable within 5 s. */
  hold(request: HoldRequest): Promise<HoldOutcome> {
    return this.run(hold(request), HOLD_WAIT_MS);
  }

  /** Charges a call against its hold, once. Waits for the database for as long as it takes. */
  capture(request: Capture): Promise<CaptureOutcome> {
    return inCaptureSpan(request, async (span) => {
      const outcome = await this.run(capture(request));
      span.set({ 'gateway.capture': outcome.kind });
      return outcome;
    });
  }

  /** Gives a hold back. Idempotent. Waits for the database for as long as it takes. */
  release(request: Release): Promise<ReleaseOutcome> {
    return inSpan('release', undefined, () => this.run(release(request)));
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
      `SELECT a.available, a.debt,
              (SELECT COALESCE(SUM(h.amount-h.captured-h.released),0) FROM holds h WHERE h.state='open' AND h.account_id=a.id) AS held
         FROM accounts a WHERE a.id=?`,
      [accountId],
    );
    return row;
  }

  /** How many holds of the account are open; decides how far a call is clamped. */
  async openHolds(accountId: number): Promise<number> {
    const sql = "SELECT COUNT(*) AS total FROM holds WHERE state='open' AND account_id=?";
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
