/**
 * A batch from its file to its files: its lines are read and held for together; each line is a call of its own, paid from
 * its share of that hold; what came of them is written in their order. Any step may be run again at any point.
 */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { type FileStore, newFileId } from '../../core/files/file-store.ts';
import { claimRefusal, claimRequest } from '../../core/ledger/idempotency.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import { type ClaimRequest, look } from '../../core/ledger/operations/claim.ts';
import type { HoldRequest } from '../../core/ledger/operations/hold.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { isJsonObject, parseJson } from '../../infra/json-object.ts';
import type { Logger } from '../../infra/logger.ts';
import type { InferenceDeps } from '../inference/charge.ts';
import { budgetOf } from '../inference/hold.ts';
import { type BatchEndpoints, keptLineAnswer, type LineAnswer, type LineCall, lineAmount } from './batch-endpoints.ts';
import { answerLine, BatchInput, type BatchLine, errorLine, lineError, linesOf } from './batch-lines.ts';
import type { Batch, BatchStatus, BatchStore, StoredLine } from './batch-store.ts';
import { isWaiting, LinesWait, mayTryAgain, waitOf } from './line-retry.ts';

export interface BatchRunDeps {
  readonly store: Pick<BatchStore, keyof BatchStore>;
  readonly files: Pick<FileStore, 'bytesOf' | 'find' | 'put' | 'read' | 'remove'>;
  readonly ledger: Pick<Ledger, 'day' | 'hold' | 'recall' | 'release' | 'run'>;
  readonly models: InferenceDeps['models'];
  readonly endpoints: BatchEndpoints;
  /** @throws {AppError} for a key that may no longer call. */
  readonly callerOf: (userId: number, accessKeyId: number) => Promise<AccessKeyCaller>;
  /** What all files of one user may have. */
  readonly bytesPerUser: number;
  /** What its files are kept for after its end. */
  readonly keptMs: number;
  readonly log: Logger;
}

/** Of one step. */
export interface StepContext {
  /** Which run of the step this is, from 1. */
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Written at once; a packet has twice as many bytes, as hexadecimal digits. */
const LINES_AT_ONCE = 100;
const BYTES_AT_ONCE = 2 * 1024 * 1024;
/** Of results that are in memory while they are written into a file; one of them alone may be larger. */
const RESULT_BYTES_AT_ONCE = 8 * 1024 * 1024;
/** Of all results of a batch; those of calls that run when it is reached come on top. */
const MOST_RESULT_BYTES = 512 * 1024 * 1024;
/** Lines of one step that run at once; several steps run side by side. */
const CALLS_AT_ONCE = 8;
/** A hold of a batch lives as long as the batch, and until its end is written. */
const HOLD_MARGIN_MS = 3_600_000;
const ENDED: readonly BatchStatus[] = ['completed', 'failed', 'expired', 'cancelled'];
export class BatchRunner {
  readonly #deps: BatchRunDeps;

  constructor(deps: BatchRunDeps) {
    this.#deps = deps;
  }

  /**
   * Reads the file and takes the hold. @returns how many lines are to be run, by the row, because two runs of this step
   * may be at work at once and the other one may have begun or ended the batch; 0 when there is nothing to run.
   */
  async begin(batchId: string): Promise<number> {
    const { store } = this.#deps;
    const batch = await this.#batch(batchId);
    if (batch.status !== 'validating') return linesToRun(batch);
    if (batch.expiresAt.getTime() <= Date.now()) {
      await this.#fail(batch, [{ ...EXPIRED, line: null, param: null }]);
      return linesToRun(await this.#batch(batchId));
    }
    try {
      const caller = await this.#callerOf(batch);
      const read = await this.#readLines(batch, caller);
      const refusal = read && (await this.#hold(batch, caller, read.total));
      if (refusal) await this.#fail(batch, [refusal]);
      else if (read) {
        const begun = { line_count: read.lineCount, in_progress_at: new Date() };
        await store.move(batchId, ['validating'], 'in_progress', begun);
        // A cancel may have come in between.
        await store.move(batchId, ['cancelling'], 'cancelling', { line_count: read.lineCount });
      }
    } catch (error) {
      if (!(error instanceof AppError) || error.kind === 'databaseUnavailable') throw error;
      const { code, message, param = null } = lineError(error);
      await this.#fail(batch, [{ code, message, line: null, param }]);
    }
    const now = await this.#batch(batchId);
    // The hold was taken after another run had failed the batch.
    if (linesToRun(now) === 0) await this.#release(now);
    return linesToRun(now);
  }

  /** Runs the lines from `from`, before `until`, that have no result yet. */
  async runLines(batchId: string, from: number, until: number, context: StepContext): Promise<void> {
    const waiting = await this.#deps.store.waiting(batchId, from, until);
    const batch = await this.#batch(batchId);
    const caller = await this.#callerOf(batch).catch((error: unknown) => {
      if (error instanceof AppError) return error;
      throw error;
    });
    const room = await this.#room(batch);
    const queue = waiting.values();
    const waits: number[] = [];
    let isStopped = false;
    const work = async (): Promise<void> => {
      for (const line of queue) {
        if (isStopped || context.signal.aborted) return;
        const now = await this.#batch(batchId);
        if (now.status !== 'in_progress' || now.expiresAt.getTime() <= Date.now()) return;
        const full = now.resultBytes >= MOST_RESULT_BYTES ? TOO_LARGE : now.resultBytes >= room ? this.#noRoom() : null;
        const wait = full
          ? await this.#refuseLine(batch, line, full)
          : await this.#runLine(batch, line, caller, context);
        if (wait !== undefined) waits.push(wait);
      }
    };
    // The step ends after all of its calls: a repetition would find those of a call that still runs in use.
    const workers = Array.from({ length: CALLS_AT_ONCE }, () =>
      work().catch((error: unknown) => {
        isStopped = true;
        throw error;
      }),
    );
    const ends = await Promise.allSettled(workers);
    context.signal.throwIfAborted();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    if (waits.length > 0) throw new LinesWait(waitOf(context.attempt, waits));
  }

  /** Writes the files, gives back what is left of the hold. Lines without a result say why. */
  async end(batchId: string): Promise<BatchStatus> {
    const { store } = this.#deps;
    await store.move(batchId, ['in_progress'], 'finalizing', { finalizing_at: new Date() });
    const batch = await this.#batch(batchId);
    if (ENDED.includes(batch.status)) {
      // The process that ended it may have died before it cleared up.
      await this.#clear(batch);
      return batch.status;
    }
    if (isGivenUp(batch)) {
      await this.#release(batch);
      await store.move(batchId, ['finalizing'], 'failed', { ended_at: new Date(), completed: 0, failed: 0 });
      await this.#clear(batch);
      return 'failed';
    }
    const isExpired = batch.expiresAt.getTime() <= Date.now();
    const unrun = batch.status === 'cancelling' ? CANCELLED_LINE : EXPIRED_LINE;
    const noted = await store.counts(batchId);
    if (noted.completed + noted.failed < batch.lineCount) await this.#collectCharged(batch);
    const files = await this.#writeFiles(batch, unrun);
    const { completed, failed } = await store.counts(batchId);
    const isWhole = completed + failed >= batch.lineCount;
    const status = batch.status === 'cancelling' ? 'cancelled' : isExpired && !isWhole ? 'expired' : 'completed';
    const ended = { output_file_id: files.output, error_file_id: files.error, ended_at: new Date() };
    // Lines that were not run have their error in the file, too.
    const fields = { ...ended, completed, failed: batch.lineCount - completed };
    // First: the ledger is never seen with an ended batch that holds money.
    await this.#release(batch);
    if (!(await store.move(batchId, [batch.status], status, fields))) {
      for (const file of [files.output, files.error])
        if (file !== null) await this.#deps.files.remove(file, batch.userId);
      return this.end(batchId);
    }
    await this.#clear(batch);
    return status;
  }

  async #batch(batchId: string): Promise<Batch> {
    const batch = await this.#deps.store.find(batchId);
    if (batch === undefined) throw new Error(`there is no batch ${batchId}`);
    return batch;
  }

  /** Lines are not counted in the minutes of the key: a batch may take a day for that. */
  async #callerOf(batch: Batch): Promise<AccessKeyCaller> {
    const caller = await this.#deps.callerOf(batch.userId, batch.accessKeyId);
    return { ...caller, rpmLimit: null, tpmLimit: null, parallelLimit: null };
  }

  /** @returns how many there are and what to hold for; undefined when the batch is not to be begun, as its row says. */
  async #readLines(batch: Batch, caller: AccessKeyCaller): Promise<{ lineCount: number; total: bigint } | undefined> {
    const { store, models } = this.#deps;
    const input = new BatchInput(batch.endpoint);
    let total = 0n;
    let portion: (BatchLine & { share: bigint })[] = [];
    let bytes = 0;
    for await (const text of linesOf(this.#input(batch))) {
      const line = input.add(text);
      if (input.isHopeless) break;
      if (line === undefined || input.errors.length > 0) continue;
      const share = lineAmount(batch.endpoint, models, caller, line.request);
      total += share;
      const size = Buffer.byteLength(line.request);
      if (portion.length === LINES_AT_ONCE || (portion.length > 0 && bytes + size > BYTES_AT_ONCE)) {
        if (!(await store.addLines(batch.id, portion))) return undefined;
        portion = [];
        bytes = 0;
      }
      portion.push({ ...line, share });
      bytes += size;
    }
    input.finish();
    if (input.errors.length > 0) {
      await this.#fail(batch, input.errors);
      return undefined;
    }
    if (portion.length > 0 && !(await store.addLines(batch.id, portion))) return undefined;
    return { lineCount: input.count, total };
  }

  /** @throws {AppError} that names the field when the file is gone, also in the middle of it. */
  async *#input({ inputFileId, userId }: Batch): AsyncGenerator<Buffer, void> {
    const { files } = this.#deps;
    try {
      const file = await files.find(inputFileId, userId);
      if (file === undefined) throw new AppError('notFound', `there is no file ${inputFileId}`);
      yield* files.read(file);
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'notFound') throw error;
      const message = `the file ${inputFileId} was removed before the batch had read it`;
      throw invalid([{ path: 'input_file_id', message }]);
    }
  }

  /** @returns why it was not taken. */
  async #hold({ holdId, accountId, accessKeyId, expiresAt }: Batch, caller: AccessKeyCaller, amount: bigint) {
    const { ledger, log } = this.#deps;
    const request: HoldRequest = {
      ...{
        id: holdId,
        accountId,
        accessKeyId,
        owner: 'batch',
        amount,
        priceIds: [],
        ...budgetOf(caller, ledger.day()),
      },
      lifeMs: Math.max(0, expiresAt.getTime() - Date.now()) + HOLD_MARGIN_MS,
    };
    let outcome = await ledger.hold(request);
    // Money of the account may be leased to other processes, which give it back now.
    const isShort = outcome.kind === 'insufficient' || outcome.kind === 'budget-spent';
    if (isShort && (await ledger.recall(accountId)) !== 'nothing-leased') outcome = await ledger.hold(request);
    if (outcome.kind === 'held' || outcome.kind === 'exists') return undefined;
    const there =
      outcome.kind === 'budget-spent'
        ? `the access key's budget has ${formatMoney(outcome.left)} left, which`
        : `the balance of ${formatMoney(outcome.kind === 'insufficient' ? outcome.available : 0n)}`;
    const message = `${there} does not cover the batch, which may cost ${formatMoney(amount)}`;
    log.info({ userId: caller.userId, holdId }, 'a batch was not held for');
    return { code: 'insufficient_quota', message, line: null, param: null };
  }

  /** The hold of a batch that another run of this step has begun stays: only the run that gives the batch up ends it. */
  async #fail({ id }: Batch, errors: readonly object[]): Promise<void> {
    if (await this.#deps.store.giveUp(id, errors)) await this.end(id);
  }

  /** Of an ended batch: its lines, which stand in its files. */
  async #clear(batch: Batch): Promise<void> {
    // Again: a process that was frozen may have taken it after the end.
    await this.#release(batch);
    await this.#deps.store.removeLines(batch.id);
  }

  async #release({ holdId, accountId, accessKeyId }: Batch): Promise<void> {
    await this.#deps.ledger.release({ holdId, accountId, budgetKeyId: accessKeyId });
  }

  /** A process may have died between the charge of a line and the note of its answer; the answer is kept with the charge. */
  async #collectCharged(batch: Batch): Promise<void> {
    const { store } = this.#deps;
    // An answer may have 4 MB.
    for (let from = 0; from < batch.lineCount; from += CALLS_AT_ONCE) {
      const unrun = await store.waiting(batch.id, from, from + CALLS_AT_ONCE);
      await Promise.all(unrun.map((line) => this.#collectLine(batch, line)));
    }
  }

  /** @returns what the ledger says of its call. */
  async #collectLine(batch: Batch, line: StoredLine) {
    const found = await this.#deps.ledger.run(look(claimOf(batch, line, newId())));
    if (found.kind === 'answered') await this.#keepAnswer(batch, line, keptLineAnswer(found.answer));
    if (found.kind === 'not-kept') await this.#keepError(batch, line, lineError(claimRefusal(found)));
    return found.kind;
  }

  /** What its results may have for the files of its user, who may have used up the room since it was made. */
  async #room({ userId, resultBytes }: Batch): Promise<number> {
    const { files, store, bytesPerUser } = this.#deps;
    return resultBytes + bytesPerUser - (await files.bytesOf(userId)) - (await store.liveResultBytes(userId));
  }

  #noRoom() {
    const message = `the files of its user and the results of batches have no more room (FILE_STORAGE_PER_USER, ${this.#deps.bytesPerUser} bytes); this request was not run`;
    return { code: 'file_storage_full', message };
  }

  /** A line whose result has no room is not called; one that a process was paid for before it died has its answer. */
  async #refuseLine(batch: Batch, line: StoredLine, why: { code: string; message: string }) {
    const found = await this.#collectLine(batch, line);
    if (found === 'in-use') return 0;
    if (found !== 'answered' && found !== 'not-kept') await this.#keepError(batch, line, why);
    return undefined;
  }

  /** @returns undefined when the line has its result; else how many seconds to wait (0: the provider named none). */
  async #runLine(
    batch: Batch,
    line: StoredLine,
    caller: AccessKeyCaller | AppError,
    { log }: StepContext,
  ): Promise<number | undefined> {
    const { id: batchId, endpoint, traceId, holdId } = batch;
    const requestId = newId();
    try {
      if (caller instanceof AppError) throw caller;
      const call: LineCall = {
        caller,
        traceId,
        requestId,
        body: bodyOf(line.request.toString('utf8')),
        claim: claimOf(batch, line, requestId),
        from: { holdId, amount: line.share },
        log: log.child({ batchId, line: line.line }),
      };
      await this.#keepAnswer(batch, line, await this.#deps.endpoints[endpoint](call));
    } catch (error) {
      if (!(error instanceof AppError) || error.kind === 'databaseUnavailable') throw error;
      const seconds = error.details.retryAfterSeconds ?? 0;
      if (isWaiting(error)) return seconds;
      if (mayTryAgain(error, line.tries)) {
        await this.#deps.store.countTry(batchId, line.line);
        return seconds;
      }
      await this.#keepError(batch, line, lineError(error));
    }
    return undefined;
  }

  #keepAnswer({ id }: Batch, { line, customId }: StoredLine, { requestId, body }: LineAnswer): Promise<void> {
    return this.#deps.store.keepResult(id, line, true, answerLine(id, line, customId, requestId, body));
  }

  #keepError({ id }: Batch, { line, customId }: StoredLine, error: Parameters<typeof errorLine>[3]): Promise<void> {
    return this.#deps.store.keepResult(id, line, false, errorLine(id, line, customId, error));
  }

  /** Two files, each only where it has a line; their own ids, so that no other run of this step writes into them. */
  async #writeFiles(batch: Batch, unrun: { code: string; message: string }) {
    const { files, keptMs } = this.#deps;
    const { id, userId } = batch;
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + keptMs);
    const write = async (name: string, succeeded: boolean): Promise<string | null> => {
      const meta = { id: newFileId(), userId, purpose: 'batch_output', filename: `${id}_${name}.jsonl` };
      const stored = await files.put({ ...meta, createdAt, expiresAt }, this.#lines(batch, succeeded, unrun));
      if (stored.bytes > 0) return stored.id;
      await files.remove(stored.id, userId);
      return null;
    };
    return { output: await write('output', true), error: await write('error', false) };
  }

  async *#lines(
    batch: Batch,
    succeeded: boolean,
    unrun: { code: string; message: string },
  ): AsyncGenerator<Buffer, void> {
    let limit = LINES_AT_ONCE;
    for (let from = 0; from < batch.lineCount; ) {
      const portion = await this.#deps.store.results(batch.id, from, limit, RESULT_BYTES_AT_ONCE);
      const next = from + portion.length;
      // Another process has ended the batch and removed them.
      if (next === from || portion.at(-1)?.line !== next - 1) throw new Error(`${batch.id} has lost lines`);
      from = next;
      // The database reads a result to measure it: of a hundred large ones again and again for each two that fit.
      limit = Math.min(LINES_AT_ONCE, 2 * portion.length);
      for (const { line, customId, succeeded: has, result } of portion) {
        if ((has === true) !== succeeded) continue;
        yield result ?? Buffer.from(errorLine(batch.id, line, customId, unrun));
        yield LINE_END;
      }
    }
  }
}

const LINE_END = Buffer.from('\n');
const EXPIRED = { code: 'batch_expired', message: 'the batch expired before its file was read' };
const TOO_LARGE = {
  code: 'batch_too_large',
  message: `the results of a batch have at most ${MOST_RESULT_BYTES / 1024 / 1024} MB; this request was not run`,
};
const EXPIRED_LINE = { code: 'batch_expired', message: 'the batch expired before this request was run' };
const CANCELLED_LINE = { code: 'batch_cancelled', message: 'the batch was cancelled before this request was run' };

function linesToRun({ status, lineCount }: Batch): number {
  return ENDED.includes(status) ? 0 : lineCount;
}

/** It never began, and what is wrong stands in its row. */
function isGivenUp({ status, lineCount }: Batch): boolean {
  return status === 'finalizing' && lineCount === 0;
}

/** By the row, not by the access key's own requests. */
function claimOf({ id, accessKeyId }: Batch, { line, request }: StoredLine, requestId: string): ClaimRequest {
  return claimRequest(`b${accessKeyId}`, `${id}:${line}`, request, requestId);
}

function bodyOf(request: string): Readonly<Record<string, unknown>> {
  const body = parseJson(request);
  return isJsonObject(body) ? body : {};
}
