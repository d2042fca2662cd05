/**
 * One line of a batch: a call of its own, paid from its share of the batch's hold, and its result: the answer, or why
 * there is none.
 */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { claimRefusal, claimRequest } from '../../core/ledger/idempotency.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { type ClaimRequest, look } from '../../core/ledger/operations/claim.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { isJsonObject, parseJson } from '../../infra/json-object.ts';
import type { Logger } from '../../infra/logger.ts';
import { isDatabaseUnavailable } from '../../infra/mysql/unavailable.ts';
import { type BatchEndpoints, keptLineAnswer, type LineAnswer, type LineCall } from './batch-endpoints.ts';
import { answerLine, errorLine, type Unrun, unrunLine } from './batch-lines.ts';
import type { Batch, BatchStore, StoredLine } from './batch-store.ts';
import { isWaiting, mayTryAfterUnexpected, mayTryAgain } from './line-retry.ts';

export interface LineRunsDeps {
  readonly store: Pick<BatchStore, 'countTry' | 'keepResult' | 'keptBytes' | 'waiting'>;
  readonly ledger: Pick<Ledger, 'run'>;
  readonly endpoints: BatchEndpoints;
  /** What all files of one user may have. */
  readonly bytesPerUser: number;
}

/** Of all results of a batch; those of calls that run when it is reached come on top. */
const MOST_RESULT_BYTES = 512 * 1024 * 1024;
/** Answers in memory when those of a dead process are collected; each may have 4 MB. */
const COLLECTED_AT_ONCE = 8;
const TOO_LARGE = {
  code: 'batch_too_large',
  message: `the results of a batch have at most ${MOST_RESULT_BYTES / 1024 / 1024} MB; this request was not run`,
};

const UNEXPECTED = { code: 'server_error', message: 'the request could not be run: an internal error' };

export class LineRuns {
  readonly #deps: LineRunsDeps;

  constructor(deps: LineRunsDeps) {
    this.#deps = deps;
  }

  /**
   * @returns why a line is refused as the user's batches and files stand now: many at once share the room, and only calls
   * that run come on top.
   */
  async refusalAt({ userId, resultBytes }: Batch): Promise<Unrun | undefined> {
    const { store, bytesPerUser } = this.#deps;
    if (resultBytes >= MOST_RESULT_BYTES) return TOO_LARGE;
    if ((await store.keptBytes(userId)) < bytesPerUser) return undefined;
    const message = `the files of its user and the results of batches have no more room (FILE_STORAGE_PER_USER, ${bytesPerUser} bytes); this request was not run`;
    return { code: 'file_storage_full', message };
  }

  /**
   * Calls it and keeps what came of that. @param caller an error is the result of each line.
   * @returns undefined when the line has its result; else how many seconds to wait (0: the provider named none).
   * @throws {AppError} databaseUnavailable.
   */
  async run(
    batch: Batch,
    line: StoredLine,
    caller: AccessKeyCaller | AppError,
    log: Logger,
  ): Promise<number | undefined> {
    const { id: batchId, endpoint, traceId, holdId } = batch;
    const requestId = newId();
    try {
      if (caller instanceof AppError) throw caller;
      const call: LineCall = {
        caller,
        traceId,
        batchId,
        requestId,
        body: bodyOf(line.request.toString('utf8')),
        claim: claimOf(batch, line, requestId),
        from: { holdId, amount: line.share },
        log: log.child({ batchId, line: line.line }),
      };
      await this.#keepAnswer(batch, line, await this.#deps.endpoints[endpoint](call));
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      if (!(error instanceof AppError)) return this.#afterUnexpected(batch, line, error, log);
      const seconds = error.details.retryAfterSeconds ?? 0;
      if (isWaiting(error)) return seconds;
      if (mayTryAgain(error, line.tries)) {
        await this.#deps.store.countTry(batchId, line.line);
        return seconds;
      }
      await this.#keepError(batch, line, requestId, error);
    }
    return undefined;
  }

  /** The call may have been charged: then its answer is the line's result. @throws what cannot be kept even so. */
  async #afterUnexpected(batch: Batch, line: StoredLine, err: unknown, log: Logger): Promise<number | undefined> {
    log.error({ err, batchId: batch.id, line: line.line }, 'a line of a batch broke off unexpectedly');
    if (!mayTryAfterUnexpected(line.tries)) return this.refuse(batch, line, UNEXPECTED);
    await this.#deps.store.countTry(batch.id, line.line);
    return 0;
  }

  /** A line whose result has no room is not called; one that a process was paid for before it died has its answer. */
  async refuse(batch: Batch, line: StoredLine, why: Unrun): Promise<number | undefined> {
    const found = await this.#collect(batch, line);
    if (found === 'in-use') return 0;
    if (found !== 'answered' && found !== 'not-kept') await this.#keepUnrun(batch, line, why);
    return undefined;
  }

  /** A process may have died between the charge of a line and the note of its answer; the answer is kept with the charge. */
  async collectCharged(batch: Batch): Promise<void> {
    for (let from = 0; from < batch.lineCount; from += COLLECTED_AT_ONCE) {
      const unrun = await this.#deps.store.waiting(batch.id, from, from + COLLECTED_AT_ONCE);
      await Promise.all(unrun.map((line) => this.#collect(batch, line)));
    }
  }

  /** @returns what the ledger says of its call. */
  async #collect(batch: Batch, line: StoredLine) {
    const found = await this.#deps.ledger.run(look(claimOf(batch, line, newId())));
    if (found.kind === 'answered') await this.#keepAnswer(batch, line, keptLineAnswer(found.answer));
    if (found.kind === 'not-kept') await this.#keepError(batch, line, found.requestId, claimRefusal(found));
    return found.kind;
  }

  #keepAnswer({ id }: Batch, { line, customId }: StoredLine, { requestId, body }: LineAnswer): Promise<void> {
    return this.#deps.store.keepResult(id, line, true, answerLine(id, line, customId, requestId, body));
  }

  #keepError({ id }: Batch, { line, customId }: StoredLine, requestId: string, error: AppError): Promise<void> {
    return this.#deps.store.keepResult(id, line, false, errorLine(id, line, customId, requestId, error));
  }

  #keepUnrun({ id }: Batch, { line, customId }: StoredLine, why: Unrun): Promise<void> {
    return this.#deps.store.keepResult(id, line, false, unrunLine(id, line, customId, why));
  }
}

function isDatabaseAway(error: unknown): boolean {
  return isDatabaseUnavailable(error) || (error instanceof AppError && error.kind === 'databaseUnavailable');
}

/** By the row, not by the access key's own requests. */
function claimOf({ id, accessKeyId }: Batch, { line, request }: StoredLine, requestId: string): ClaimRequest {
  return claimRequest(`b${accessKeyId}`, `${id}:${line}`, request, requestId);
}

function bodyOf(request: string): Readonly<Record<string, unknown>> {
  const body = parseJson(request);
  return isJsonObject(body) ? body : {};
}
