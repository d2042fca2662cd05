/**
 * A batch from its file to its files: its lines are read and held for together; each line is a call of its own, paid from
 * its share of that hold; what came of them is written in their order. Any step may be run again at any point.
 */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import type { FileStore } from '../../core/files/file-store.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import type { HoldRequest } from '../../core/ledger/operations/hold.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import type { InferenceDeps } from '../inference/charge.ts';
import { budgetOf } from '../inference/hold.ts';
import { lineAmount } from './batch-endpoints.ts';
import { BatchFiles, type BatchFilesDeps, type WrittenFiles } from './batch-files.ts';
import { BatchInput, type BatchLine, batchError, linesOf } from './batch-lines.ts';
import type { Batch, BatchStatus, BatchStore } from './batch-store.ts';
import { LinesWait, waitOf } from './line-retry.ts';
import { LineRuns, type LineRunsDeps } from './line-runs.ts';

export interface BatchRunDeps extends LineRunsDeps, BatchFilesDeps {
  readonly store: Pick<BatchStore, keyof BatchStore>;
  readonly files: Pick<FileStore, 'find' | 'put' | 'read' | 'remove'>;
  readonly ledger: Pick<Ledger, 'day' | 'hold' | 'recall' | 'release' | 'run'>;
  readonly models: InferenceDeps['models'];
  /** @throws {AppError} for a key that may no longer call. */
  readonly callerOf: (userId: number, accessKeyId: number) => Promise<AccessKeyCaller>;
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
/** Lines of one step that run at once; several steps run side by side. */
const CALLS_AT_ONCE = 8;
/** A hold of a batch lives as long as the batch, and until its end is written. */
const HOLD_MARGIN_MS = 3_600_000;
const ENDED: readonly BatchStatus[] = ['completed', 'failed', 'expired', 'cancelled'];

export class BatchRunner {
  readonly #deps: BatchRunDeps;
  readonly #lines: LineRuns;
  readonly #files: BatchFiles;

  constructor(deps: BatchRunDeps) {
    this.#deps = deps;
    this.#lines = new LineRuns(deps);
    this.#files = new BatchFiles(deps);
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
      const { code, message, param = null } = batchError(error);
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
    const queue = waiting.values();
    const waits: number[] = [];
    let isStopped = false;
    const work = async (): Promise<void> => {
      for (const line of queue) {
        if (isStopped || context.signal.aborted) return;
        const now = await this.#batch(batchId);
        if (now.status !== 'in_progress' || now.expiresAt.getTime() <= Date.now()) return;
        const refusal = await this.#lines.refusalAt(now);
        const wait = refusal
          ? await this.#lines.refuse(batch, line, refusal)
          : await this.#lines.run(batch, line, caller, context.log);
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
    if (noted.completed + noted.failed < batch.lineCount) await this.#lines.collectCharged(batch);
    const files = await this.#writeFiles(batch, unrun);
    if (files === undefined) return this.end(batchId);
    const { completed, failed } = await store.counts(batchId);
    const isWhole = completed + failed >= batch.lineCount;
    const status = batch.status === 'cancelling' ? 'cancelled' : isExpired && !isWhole ? 'expired' : 'completed';
    const ended = { output_file_id: files.output, error_file_id: files.error, ended_at: new Date() };
    // Lines that were not run have their error in the file, too.
    const fields = { ...ended, completed, failed: batch.lineCount - completed };
    // First: the ledger is never seen with an ended batch that holds money.
    await this.#release(batch);
    if (!(await store.move(batchId, [batch.status], status, fields))) {
      await this.#files.remove(batch, files);
      return this.end(batchId);
    }
    await this.#clear(batch);
    return status;
  }

  /** @returns undefined when another process has ended the batch meanwhile and removed its lines. */
  async #writeFiles(batch: Batch, unrun: { code: string; message: string }): Promise<WrittenFiles | undefined> {
    try {
      return await this.#files.write(batch, unrun);
    } catch (error) {
      if (ENDED.includes((await this.#batch(batch.id)).status)) return undefined;
      throw error;
    }
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
}

const EXPIRED = { code: 'batch_expired', message: 'the batch expired before its file was read' };
const EXPIRED_LINE = { code: 'batch_expired', message: 'the batch expired before this request was run' };
const CANCELLED_LINE = { code: 'batch_cancelled', message: 'the batch was cancelled before this request was run' };

function linesToRun({ status, lineCount }: Batch): number {
  return ENDED.includes(status) ? 0 : lineCount;
}

/** It never began, and what is wrong stands in its row. */
function isGivenUp({ status, lineCount }: Batch): boolean {
  return status === 'finalizing' && lineCount === 0;
}
