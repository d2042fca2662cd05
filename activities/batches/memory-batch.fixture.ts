/** For tests: one batch, its lines and files in memory. */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import type { ModelSource } from '../../core/catalog/model.ts';
import { UnitOfWork } from '../../core/ledger/commit-queue/unit-of-work.ts';
import type { HoldOutcome, HoldRequest } from '../../core/ledger/operations/hold.ts';
import { type Claim, claims } from '../../core/ledger/tables/claims.ts';
import { fileErrorsSchema } from './batch-lines.ts';
import type { BatchRunDeps } from './batch-run.ts';
import type { Batch, BatchStatus } from './batch-store.ts';

export const BATCH_ID = 'batch_1';
const DAY_MS = 24 * 3_600_000;

interface Line {
  readonly line: number;
  readonly customId: string;
  readonly share: bigint;
  tries: number;
  request: Buffer;
  succeeded: boolean | null;
  result: Buffer | null;
}

export async function callerOf(userId: number, accessKeyId: number): Promise<AccessKeyCaller> {
  const limits = { rpmLimit: null, tpmLimit: null, parallelLimit: null, budget: null, budgetPeriod: null };
  return { kind: 'access-key', userId, accountId: 1, accessKeyId, allowedModels: null, ...limits };
}

/** No model: a line costs nothing. */
export const models: ModelSource = {
  named: () => {
    throw new Error('no model');
  },
  capable: () => [],
  pricedAt: async () => [],
};

export class MemoryBatch {
  readonly lines: Line[] = [];
  readonly texts = new Map<string, string>();
  readonly created: string[] = [];
  readonly restarted: string[] = [];
  workflowId = `batch/user-1/${BATCH_ID}`;
  hasCallsUnderway = false;
  /** Of lines that were charged. */
  readonly claims = new Map<string, Claim>();
  row: Batch;
  inputText = '';
  hasInput = true;
  /** Of all files of its user. */
  fileBytes = 0;
  /** Results of other batches of the user that run. */
  otherBytes = 0;
  released = 0;
  #isHeld = true;
  outcomes: HoldOutcome[] = [];
  recalls = 0;
  readonly holds: HoldRequest[] = [];

  constructor(lineCount: number, status: BatchStatus = 'in_progress') {
    const times = { inProgressAt: null, finalizingAt: null, cancellingAt: null, endedAt: null };
    const now = Date.now();
    this.row = {
      ...{
        id: BATCH_ID,
        holdId: 'h',
        workflowId: `batch/user-1/${BATCH_ID}`,
        userId: 1,
        accountId: 1,
        accessKeyId: 1,
        endpoint: '/v1/embeddings',
      },
      ...{ inputFileId: 'file-in', status, metadata: null, errors: null, lineCount, traceId: 't' },
      ...{
        outputFileId: null,
        errorFileId: null,
        createdAt: new Date(now),
        expiresAt: new Date(now + DAY_MS),
        ...{ completed: null, failed: null, resultBytes: 0, outputKeptSeconds: null },
        ...times,
      },
    };
    for (let line = 0; line < lineCount; line += 1) {
      this.lines.push({
        line,
        customId: `c${line}`,
        share: 1n,
        tries: 0,
        request: Buffer.from('{}'),
        succeeded: null,
        result: null,
      });
    }
  }

  /** What stands in the output or error file of the row. */
  text(file: 'outputFileId' | 'errorFileId'): string | undefined {
    return this.texts.get(this.row[file] ?? '');
  }

  readonly store: BatchRunDeps['store'] = {
    create: async ({ lifeMs, ...fields }) => {
      this.created.push(fields.id);
      this.row = { ...this.row, ...fields, status: 'validating', expiresAt: new Date(Date.now() + lifeMs) };
      return true;
    },
    find: async (id) => (id === this.row.id ? { ...this.row } : undefined),
    list: async () => [this.row],
    move: async (_id, from, to, fields = {}) => {
      if (!from.includes(this.row.status)) return false;
      const named = Object.entries(fields).map(([name, value]) => [
        name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
        name === 'errors' ? JSON.parse(String(value)) : value,
      ]);
      this.row = { ...this.row, ...Object.fromEntries(named), status: to };
      return true;
    },
    giveUp: async (_id, errors) => {
      const { status, lineCount } = this.row;
      if (!['validating', 'cancelling'].includes(status) || lineCount > 0) return false;
      this.row = { ...this.row, status: 'finalizing', errors: fileErrorsSchema.parse(errors) };
      return true;
    },
    addLines: async (_id, lines) => {
      if (!['validating', 'cancelling'].includes(this.row.status)) return false;
      for (const { request, ...line } of lines) {
        if (this.lines[line.line]) continue;
        this.lines.push({ ...line, request: Buffer.from(request), tries: 0, succeeded: null, result: null });
      }
      return true;
    },
    waiting: async (_id, from, until) =>
      this.lines
        .filter(({ line, succeeded }) => line >= from && line < until && succeeded === null)
        .map((line) => ({ ...line })),
    keepResult: async (_id, at, succeeded, result) => {
      const line = this.lines[at];
      if (line?.succeeded !== null) return;
      Object.assign(line, { succeeded, result: Buffer.from(result) });
      this.row = { ...this.row, resultBytes: this.row.resultBytes + result.length };
    },
    countTry: async (_id, at) => {
      const line = this.lines[at];
      if (line) line.tries += 1;
    },
    keptBytes: async () => this.fileBytes + this.row.resultBytes + this.otherBytes,
    results: async (_id, from, limit) => this.lines.slice(from, from + limit).map((line) => ({ ...line })),
    counts: async () => {
      const of = (wanted: boolean) => this.lines.filter(({ succeeded }) => succeeded === wanted).length;
      return { completed: of(true), failed: of(false) };
    },
    removeLines: async () => {
      this.lines.length = 0;
    },
    aged: async () => {
      const isLive = this.row.endedAt === null;
      return { batches: isLive ? [{ ...this.row, workflowId: this.workflowId }] : [], next: '' };
    },
    restart: async (_id, { workflowId }) => {
      this.restarted.push(workflowId);
      return true;
    },
    hasCallsUnderway: async () => this.hasCallsUnderway,
    uncleared: async () => (this.row.endedAt !== null && this.lines.length > 0 ? [this.row.id] : []),
    removeTexts: async () => 0,
  };

  readonly files: BatchRunDeps['files'] = {
    put: async (meta, pieces) => {
      const written: Buffer[] = [];
      for await (const piece of pieces) written.push(piece);
      const bytes = Buffer.concat(written);
      this.texts.set(meta.id, bytes.toString());
      return { ...meta, bytes: bytes.length };
    },
    find: async (id) => {
      const times = { createdAt: this.row.createdAt, expiresAt: this.row.expiresAt };
      const file = { id, userId: 1, purpose: 'batch', filename: 'f', bytes: this.inputText.length, ...times };
      return this.hasInput ? file : undefined;
    },
    read: (): AsyncGenerator<Buffer, void> => oneOf(Buffer.from(this.inputText)),
    remove: async (id) => this.texts.delete(id),
  };

  readonly ledger: BatchRunDeps['ledger'] = {
    day: () => '2026-11-30',
    run: async (operation) => {
      const rows = new UnitOfWork(Date.now(), '2026-11-30', { slot: 1, epoch: 1, seq: 1n });
      const ids = operation.reads.map(({ id }) => id);
      rows.load(claims, ids, this.claims);
      return operation.decide(rows);
    },
    hold: async (request) => {
      this.holds.push(request);
      return this.outcomes.shift() ?? { kind: 'held' };
    },
    recall: async () => {
      this.recalls += 1;
      return 'returned';
    },
    release: async () => {
      if (this.#isHeld) this.released += 1;
      this.#isHeld = false;
      return { kind: 'already-closed' };
    },
  };
}

async function* oneOf(piece: Buffer): AsyncGenerator<Buffer, void> {
  yield piece;
}
