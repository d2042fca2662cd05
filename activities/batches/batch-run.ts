/**
 * A batch from its file to its files: its lines are read and held for together; each line is a call of its own, paid from
 * its share of that hold; what came of them is written in their order. Any step may be run again at any point.
 */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import type { FileStore } from '../../core/files/file-store.ts';
import { claimRequest } from '../../core/ledger/idempotency.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { isJsonObject, parseJson } from '../../infra/json-object.ts';
import type { Logger } from '../../infra/logger.ts';
import type { InferenceDeps } from '../inference/charge.ts';
import { type BatchEndpoints, type LineCall, lineAmount } from './batch-endpoints.ts';
import { answerLine, BatchInput, type BatchLine, errorLine, lineError, linesOf } from './batch-lines.ts';
import type { Batch, BatchStatus, BatchStore, StoredLine } from './batch-store.ts';

export interface BatchRunDeps {
  readonly store: BatchStore;
  readonly files: FileStore;
  readonly ledger: Ledger;
  readonly models: InferenceDeps['models'];
  readonly endpoints: BatchEndpoints;
  /** @throws {AppError} for a key that may no longer call. */
  readonly callerOf: (userId: number, accessKeyId: number) => Promise<AccessKeyCaller>;
  /** What its files are kept for after its end. */
  readonly keptMs: number;
  readonly log: Logger;
}

/** Of one step. */
export interface StepContext {
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Written at once. */
const LINES_AT_ONCE = 100;
const BYTES_AT_ONCE = 2 * 1024 * 1024;
/** Lines of one step that run at once; several steps run side by side. */
const CALLS_AT_ONCE = 8;
/** A hold of a batch lives as long as the batch, and until its end is written. */
const HOLD_MARGIN_MS = 3_600_000;
const ENDED: readonly BatchStatus[] = ['completed', 'failed', 'expired', 'cancelled'];
/** A line that another process seems to answer is asked for again after this; the claim of a dead one is free by then. */
const CLAIM_PAUSE_MS = 1_000;
const CLAIM_TRIES = 60;

export class BatchRunner {
  readonly #deps: BatchRunDeps;

  constructor(deps: BatchRunDeps) {
    this.#deps = deps;
  }

  /** Reads the file and takes the hold. @returns how many lines are to be run; 0 when the batch has ended. */
  async begin(batchId: string): Promise<number> {
    const { store } = this.#deps;
    const batch = await this.#batch(batchId);
    if (batch.status !== 'validating') return ENDED.includes(batch.status) ? 0 : batch.lineCount;
    try {
      const caller = await this.#callerOf(batch);
      const { lineCount, total } = await this.#readLines(batch, caller);
      const refusal = lineCount === 0 ? undefined : await this.#hold(batch, caller, total);
      if (refusal === undefined && lineCount > 0) {
        const begun = { line_count: lineCount, in_progress_at: new Date() };
        await store.move(batchId, ['validating'], 'in_progress', begun);
        // A cancel may have come in between.
        await store.move(batchId, ['cancelling'], 'cancelling', { line_count: lineCount });
        return lineCount;
      }
      if (refusal) await this.#fail(batch, [refusal]);
    } catch (error) {
      if (!(error instanceof AppError) || error.kind === 'databaseUnavailable') throw error;
      const { code, message } = lineError(error);
      await this.#fail(batch, [{ code, message, line: null, param: null }]);
    }
    return 0;
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
    const work = async (): Promise<void> => {
      for (const line of queue) {
        if (context.signal.aborted) return;
        if (!(await this.#mayRun(batchId))) return;
        await this.#runLine(batch, line, caller, context);
      }
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
    context.signal.throwIfAborted();
  }

  /** Writes the files, gives back what is left of the hold. Lines without a result say why. */
  async end(batchId: string): Promise<BatchStatus> {
    const { store } = this.#deps;
    const batch = await this.#batch(batchId);
    if (ENDED.includes(batch.status)) return batch.status;
    const isExpired = batch.expiresAt.getTime() <= Date.now();
    if (batch.status === 'in_progress') {
      await store.move(batchId, ['in_progress'], 'finalizing', { finalizing_at: new Date() });
    }
    const unrun = batch.status === 'cancelling' ? CANCELLED_LINE : EXPIRED_LINE;
    const files = await this.#writeFiles(batch, unrun);
    await this.#release(batch);
    const { completed, failed } = await store.counts(batchId);
    const isWhole = completed + failed >= batch.lineCount;
    const status = batch.status === 'cancelling' ? 'cancelled' : isExpired && !isWhole ? 'expired' : 'completed';
    await store.move(batchId, ['finalizing', 'cancelling', 'in_progress'], status, { ...files, ended_at: new Date() });
    await store.dropTexts(batchId);
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

  /** @returns how many there are and what to hold for; none for a file that cannot be run, which ends the batch. */
  async #readLines(batch: Batch, caller: AccessKeyCaller): Promise<{ lineCount: number; total: bigint }> {
    const { files, store, models } = this.#deps;
    const input = new BatchInput(batch.endpoint);
    let total = 0n;
    let portion: (BatchLine & { share: bigint })[] = [];
    let bytes = 0;
    for await (const text of linesOf(files.read(batch.inputFileId))) {
      const line = input.add(text);
      if (input.isHopeless) break;
      if (line === undefined || input.errors.length > 0) continue;
      const share = lineAmount(batch.endpoint, models, caller, line.request);
      total += share;
      portion.push({ ...line, share });
      bytes += line.request.length;
      if (portion.length < LINES_AT_ONCE && bytes < BYTES_AT_ONCE) continue;
      await store.addLines(batch.id, portion);
      portion = [];
      bytes = 0;
    }
    input.finish();
    if (input.errors.length > 0) {
      await this.#fail(batch, input.errors);
      return { lineCount: 0, total };
    }
    if (portion.length > 0) await store.addLines(batch.id, portion);
    return { lineCount: input.count, total };
  }

  /** @returns why it was not taken. */
  async #hold({ holdId, accountId, accessKeyId, expiresAt }: Batch, caller: AccessKeyCaller, amount: bigint) {
    const outcome = await this.#deps.ledger.hold({
      ...{ id: holdId, accountId, accessKeyId, owner: 'batch', amount, priceIds: [] },
      lifeMs: Math.max(0, expiresAt.getTime() - Date.now()) + HOLD_MARGIN_MS,
    });
    if (outcome.kind === 'held' || outcome.kind === 'exists') return undefined;
    const left = outcome.kind === 'insufficient' ? outcome.available : 0n;
    const message = `the balance of ${formatMoney(left)} does not cover the batch, which may cost ${formatMoney(amount)}`;
    this.#deps.log.info({ userId: caller.userId, holdId }, 'a batch was not held for');
    return { code: 'insufficient_quota', message, line: null, param: null };
  }

  async #fail(batch: Batch, errors: readonly object[]): Promise<void> {
    const { store } = this.#deps;
    await this.#release(batch);
    const fields = { errors: JSON.stringify(errors), ended_at: new Date() };
    await store.move(batch.id, ['validating', 'cancelling'], 'failed', fields);
    await store.dropTexts(batch.id);
  }

  async #release({ holdId, accountId }: Batch): Promise<void> {
    await this.#deps.ledger.release({ holdId, accountId, budgetKeyId: null });
  }

  async #mayRun(batchId: string): Promise<boolean> {
    const { status, expiresAt } = await this.#batch(batchId);
    return status === 'in_progress' && expiresAt.getTime() > Date.now();
  }

  async #runLine(
    batch: Batch,
    line: StoredLine,
    caller: AccessKeyCaller | AppError,
    { signal, log }: StepContext,
  ): Promise<void> {
    const { store, endpoints } = this.#deps;
    const { id: batchId, endpoint, traceId, holdId } = batch;
    const { line: at, customId, share } = line;
    for (let tries = 1; ; tries += 1) {
      const requestId = newId();
      const request = line.request.toString('utf8');
      try {
        if (caller instanceof AppError) throw caller;
        const call: LineCall = {
          caller,
          traceId,
          requestId,
          body: bodyOf(request),
          // By the row, not by the access key's own requests.
          claim: claimRequest(`b${batch.accessKeyId}`, `${batchId}:${at}`, Buffer.from(request), requestId),
          from: { holdId, amount: share },
          log: log.child({ batchId, line: at }),
        };
        const answer = await endpoints[endpoint](call);
        await store.keepResult(batchId, at, true, answerLine(batchId, at, customId, answer.requestId, answer.body));
        return;
      } catch (error) {
        if (!(error instanceof AppError) || error.kind === 'databaseUnavailable') throw error;
        const isTaken = error.kind === 'idempotencyInUse' && tries < CLAIM_TRIES;
        if (!isTaken) {
          await store.keepResult(batchId, at, false, errorLine(batchId, at, customId, lineError(error)));
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, CLAIM_PAUSE_MS));
        signal.throwIfAborted();
      }
    }
  }

  /** Two files, each only where it has a line. */
  async #writeFiles(batch: Batch, unrun: { code: string; message: string }) {
    const { files, keptMs } = this.#deps;
    const { id, userId } = batch;
    const suffix = id.replace(/^batch_/, '');
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + keptMs);
    const write = async (name: string, succeeded: boolean): Promise<string | null> => {
      const meta = { id: `file-${name}-${suffix}`, userId, purpose: 'batch_output', filename: `${id}_${name}.jsonl` };
      const stored = await files.put({ ...meta, createdAt, expiresAt }, this.#lines(batch, succeeded, unrun));
      if (stored.bytes > 0) return stored.id;
      await files.remove(stored.id, userId);
      return null;
    };
    return { output_file_id: await write('output', true), error_file_id: await write('error', false) };
  }

  async *#lines(
    batch: Batch,
    succeeded: boolean,
    unrun: { code: string; message: string },
  ): AsyncGenerator<Buffer, void> {
    for (let from = 0; from < batch.lineCount; from += LINES_AT_ONCE) {
      const portion = await this.#deps.store.results(batch.id, from, LINES_AT_ONCE);
      for (const { line, customId, succeeded: has, result } of portion) {
        if ((has === true) !== succeeded) continue;
        const text = result?.toString('utf8') ?? errorLine(batch.id, line, customId, unrun);
        yield Buffer.from(`${text}\n`);
      }
    }
  }
}

const EXPIRED_LINE = { code: 'batch_expired', message: 'the batch expired before this request was run' };
const CANCELLED_LINE = { code: 'batch_cancelled', message: 'the batch was cancelled before this request was run' };

function bodyOf(request: string): Readonly<Record<string, unknown>> {
  const body = parseJson(request);
  return isJsonObject(body) ? body : {};
}
