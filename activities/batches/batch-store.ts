/** Batches and their lines in MySQL. Each change names the status that it expects, so that a step may run again. */
import type { Sequelize } from 'sequelize';
import { z } from 'zod';
import { insertStarts } from '../../core/outbox/outbox.ts';
import { insertRows, utcDateTime } from '../../infra/mysql/literal.ts';
import { column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { change, count, exists, select } from '../../infra/mysql/statements.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { WorkflowStart } from '../../workflows/contracts.ts';
import { BATCH_ENDPOINTS, type BatchLine, fileErrorsSchema } from './batch-lines.ts';

export const BATCH_STATUSES = [
  'validating',
  'failed',
  'in_progress',
  'finalizing',
  'completed',
  'expired',
  'cancelling',
  'cancelled',
] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

const batch = rowOf({
  id: column.text,
  holdId: column.text,
  workflowId: column.text,
  userId: column.integer,
  accountId: column.integer,
  accessKeyId: column.integer,
  endpoint: column.oneOf(BATCH_ENDPOINTS),
  inputFileId: column.text,
  status: column.oneOf(BATCH_STATUSES),
  metadata: column.jsonOf(z.record(z.string(), z.unknown()).nullable()),
  errors: column.jsonOf(fileErrorsSchema.nullable()),
  lineCount: column.integer,
  traceId: column.text,
  outputFileId: orNull(column.text),
  errorFileId: orNull(column.text),
  createdAt: column.time,
  inProgressAt: orNull(column.time),
  finalizingAt: orNull(column.time),
  cancellingAt: orNull(column.time),
  endedAt: orNull(column.time),
  expiresAt: column.time,
  /** Of its files, after they were written; null: as long as any. */
  outputKeptSeconds: orNull(column.integer),
  /** Of its lines, until now. */
  resultBytes: column.integer,
  /** Of an ended batch, whose lines are removed. */
  completed: orNull(column.integer),
  failed: orNull(column.integer),
});
export type Batch = ReadRow<typeof batch>;

export interface NewBatch
  extends Pick<
    Batch,
    | 'id'
    | 'holdId'
    | 'userId'
    | 'accountId'
    | 'accessKeyId'
    | 'endpoint'
    | 'inputFileId'
    | 'metadata'
    | 'traceId'
    | 'outputKeptSeconds'
  > {
  readonly lifeMs: number;
}

/** A batch that has not ended. */
const liveRow = rowOf({
  id: column.text,
  workflowId: column.text,
  userId: column.integer,
  accountId: column.integer,
  accessKeyId: column.integer,
  endpoint: column.oneOf(BATCH_ENDPOINTS),
  status: column.oneOf(BATCH_STATUSES),
  traceId: column.text,
  cancellingAt: orNull(column.time),
});
export type LiveBatch = ReadRow<typeof liveRow>;

/** Of a batch of an earlier version: its own. */
const WORKFLOW_ID = 'COALESCE(b.workflow_id,b.id)';
const named = (columns: string) => columns.replace('workflow_id', `${WORKFLOW_ID} AS workflow_id`);
const COLUMNS = named(batch.columns);
const LIVE_COLUMNS = named(liveRow.columns);
const LIVE = "status IN ('validating','in_progress','finalizing','cancelling')";
const idRow = rowOf({ id: column.text });

const lineRow = rowOf({
  line: column.integer,
  customId: column.text,
  share: column.bigint,
  request: column.bytes,
  /** That its provider has failed. */
  tries: column.integer,
});
export type StoredLine = ReadRow<typeof lineRow>;
const resultRow = rowOf({
  line: column.integer,
  customId: column.text,
  succeeded: orNull(column.flag),
  result: orNull(column.bytes),
});
export type LineResult = ReadRow<typeof resultRow>;
const sizeRow = rowOf({ bytes: column.integer });
const counted = rowOf({ succeeded: orNull(column.flag), total: column.integer });

export interface LineCounts {
  readonly completed: number;
  readonly failed: number;
}

const DELETE_AT_ONCE = 500;

export class BatchStore {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /**
   * The row and the start of its workflow, in one transaction; nothing for a batch that stands already.
   * @returns false when its user has `mostLive` batches that have not ended.
   */
  async create({ lifeMs, metadata, ...fields }: NewBatch, start: WorkflowStart, mostLive: number): Promise<boolean> {
    const nowMs = Date.now();
    const row = {
      ...fields,
      workflowId: start.workflowId,
      status: 'validating',
      metadata: metadata === null ? null : JSON.stringify(metadata),
      createdAt: utcDateTime(nowMs),
      expiresAt: utcDateTime(nowMs + lifeMs),
    };
    const names = Object.keys(row).map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    return await inTransaction(this.#sequelize, async (transaction) => {
      // Of one user one after the other, so that they do not all count the same.
      await exists(this.#sequelize, 'SELECT 1 FROM users WHERE id=? FOR UPDATE', [fields.userId], transaction);
      if (await exists(this.#sequelize, 'SELECT 1 FROM batches WHERE id=?', [fields.id], transaction)) return true;
      const counted = `SELECT COUNT(*) AS total FROM batches WHERE user_id=? AND ${LIVE}`;
      if ((await count(this.#sequelize, counted, [fields.userId], transaction)) >= mostLive) return false;
      await change(this.#sequelize, insertRows('batches', names, [Object.values(row)]), undefined, transaction);
      await change(this.#sequelize, insertStarts([{ start, atMs: nowMs }]), undefined, transaction);
      return true;
    });
  }

  async find(id: string, userId?: number): Promise<Batch | undefined> {
    const sql = `SELECT ${COLUMNS} FROM batches b WHERE id=:id${userId === undefined ? '' : ' AND user_id=:userId'}`;
    return (await select(this.#sequelize, batch.read, sql, { id, userId }))[0];
  }

  /** The newest first. @param after id of a batch; only older ones. */
  async list(userId: number, after: string | undefined, limit: number): Promise<Batch[]> {
    const older =
      after === undefined ? '' : ' AND (created_at,id) < (SELECT a.created_at,a.id FROM batches a WHERE a.id=:after)';
    const sql = `SELECT ${COLUMNS} FROM batches b WHERE user_id=:userId${older} ORDER BY created_at DESC, id DESC LIMIT :limit`;
    return await select(this.#sequelize, batch.read, sql, { userId, after, limit });
  }

  /** @returns false when it has another status by now. */
  async move(
    id: string,
    from: readonly BatchStatus[],
    to: BatchStatus,
    fields: Readonly<Record<string, unknown>> = {},
  ) {
    const sets = Object.keys(fields).map((name) => `,${name}=:${name}`);
    const sql = `UPDATE batches SET status=:to${sets.join('')} WHERE id=:id AND status IN (:from)`;
    return (await change(this.#sequelize, sql, { ...fields, id, to, from: [...from] })) > 0;
  }

  /** Of one that never began, so that none of its lines was run; `end` makes it `failed`. @returns false for any other. */
  async giveUp(id: string, errors: readonly object[]): Promise<boolean> {
    const sql = `UPDATE batches SET status='finalizing',errors=:errors
                  WHERE id=:id AND status IN ('validating','cancelling') AND line_count=0`;
    return (await change(this.#sequelize, sql, { id, errors: JSON.stringify(errors) })) > 0;
  }

  /**
   * Every line that stands already stays as it is. @returns false when the batch is not being read any more: its lines
   * would outlive it.
   */
  async addLines(batchId: string, lines: readonly (BatchLine & { readonly share: bigint })[]): Promise<boolean> {
    const rows = lines.map(({ line, customId, share, request }) => [
      batchId,
      line,
      customId,
      share,
      Buffer.from(request),
    ]);
    const sql = insertRows('batch_lines', ['batch_id', 'line', 'custom_id', 'share', 'request'], rows);
    return await inTransaction(this.#sequelize, async (transaction) => {
      const reading = "SELECT 1 FROM batches WHERE id=? AND status IN ('validating','cancelling') FOR UPDATE";
      if (!(await exists(this.#sequelize, reading, [batchId], transaction))) return false;
      await change(this.#sequelize, `${sql} ON DUPLICATE KEY UPDATE line=line`, undefined, transaction);
      return true;
    });
  }

  /** Lines from `from`, before `until`, that have no result. */
  async waiting(batchId: string, from: number, until: number): Promise<StoredLine[]> {
    const sql = `SELECT ${lineRow.columns} FROM batch_lines WHERE batch_id = ? AND line >= ? AND line < ? AND succeeded IS NULL ORDER BY line`;
    return await select(this.#sequelize, lineRow.read, sql, [batchId, from, until]);
  }

  /** The first result of a line stays. */
  async keepResult(batchId: string, line: number, succeeded: boolean, result: string): Promise<void> {
    const kept = Buffer.from(result);
    const sql = `UPDATE batch_lines l JOIN batches b ON b.id=l.batch_id
                    SET l.succeeded=?, l.result=?, b.result_bytes=b.result_bytes + ?
                  WHERE l.batch_id=? AND l.line=? AND l.succeeded IS NULL`;
    const values = [succeeded ? 1 : 0, kept, kept.length, batchId, line];
    await inTransaction(this.#sequelize, (transaction) => change(this.#sequelize, sql, values, transaction));
  }

  async countTry(batchId: string, line: number): Promise<void> {
    await change(this.#sequelize, 'UPDATE batch_lines SET tries=tries+1 WHERE batch_id=? AND line=?', [batchId, line]);
  }

  /** Of a user's files and results that are in none yet, at once: an ending batch, whose files have its name, counts once. */
  async keptBytes(userId: number): Promise<number> {
    const live = `FROM batches WHERE user_id=:userId AND ${LIVE}`;
    const sql = `SELECT (SELECT COALESCE(SUM(result_bytes),0) ${live}) + COALESCE(SUM(bytes),0) AS bytes FROM files
      WHERE user_id=:userId AND NOT (purpose='batch_output' AND SUBSTRING_INDEX(filename,'_',2) IN (SELECT id ${live}))`;
    return (await select(this.#sequelize, sizeRow.read, sql, { userId }))[0]?.bytes ?? 0;
  }

  /** The next ones in their order: so many that have `mostBytes` together, or one that has more. */
  async results(batchId: string, from: number, limit: number, mostBytes: number): Promise<LineResult[]> {
    const measured =
      'SELECT COALESCE(LENGTH(result),0) AS bytes FROM batch_lines WHERE batch_id=? AND line>=? ORDER BY line LIMIT ?';
    const sizes = await select(this.#sequelize, sizeRow.read, measured, [batchId, from, limit]);
    let bytes = 0;
    const over = sizes.findIndex((size, index) => {
      bytes += size.bytes;
      return index > 0 && bytes > mostBytes;
    });
    const fitting = over === -1 ? sizes.length : over;
    if (fitting === 0) return [];
    const sql = `SELECT ${resultRow.columns} FROM batch_lines WHERE batch_id = ? AND line >= ? ORDER BY line LIMIT ?`;
    return await select(this.#sequelize, resultRow.read, sql, [batchId, from, fitting]);
  }

  async counts(batchId: string): Promise<LineCounts> {
    const sql = 'SELECT succeeded, COUNT(*) AS total FROM batch_lines WHERE batch_id=? GROUP BY succeeded';
    const rows = await select(this.#sequelize, counted.read, sql, [batchId]);
    const of = (succeeded: boolean) => rows.find((row) => row.succeeded === succeeded)?.total ?? 0;
    return { completed: of(true), failed: of(false) };
  }

  /** The lines of an ended batch: its files have what came of them, its row how many there were. */
  async removeLines(batchId: string): Promise<void> {
    const sql = `DELETE FROM batch_lines WHERE batch_id=? LIMIT ${DELETE_AT_ONCE}`;
    while ((await change(this.#sequelize, sql, [batchId])) > 0);
  }

  /** Of all users: those that have not ended, whose start is not in the outbox, by id. @returns also where to go on. */
  async aged(seconds: number, after: string, limit: number): Promise<{ batches: LiveBatch[]; next: string }> {
    const sql = `SELECT ${LIVE_COLUMNS} FROM batches b
      WHERE ended_at IS NULL AND created_at < NOW(3) - INTERVAL :seconds SECOND AND id > :after
        AND NOT EXISTS (SELECT 1 FROM workflow_outbox o WHERE o.workflow_id=${WORKFLOW_ID}) ORDER BY id LIMIT :limit`;
    const batches = await select(this.#sequelize, liveRow.read, sql, { seconds, after, limit });
    return { batches, next: batches.length === limit ? (batches.at(-1)?.id ?? '') : '' };
  }

  /** Writes the start of its workflow again. @returns false when it has ended, or another process was first. */
  async restart(batchId: string, start: WorkflowStart): Promise<boolean> {
    return await inTransaction(this.#sequelize, async (transaction) => {
      const live = `SELECT 1 FROM batches WHERE id=? AND ${LIVE} FOR UPDATE`;
      if (!(await exists(this.#sequelize, live, [batchId], transaction))) return false;
      const waits = 'SELECT 1 FROM workflow_outbox WHERE workflow_id=?';
      if (await exists(this.#sequelize, waits, [start.workflowId], transaction)) return false;
      const sql = insertStarts([{ start, atMs: Date.now(), forRelay: true }]);
      await change(this.#sequelize, sql, undefined, transaction);
      return true;
    });
  }

  /** Whether calls of its access key that began before `before` still run: they may be its own. */
  hasCallsUnderway({ accountId, accessKeyId }: LiveBatch, before: Date): Promise<boolean> {
    const sql = `SELECT 1 FROM holds WHERE state='open' AND account_id=? AND owner='call' AND access_key_id=?
                   AND created_at < ? LIMIT 1`;
    return exists(this.#sequelize, sql, [accountId, accessKeyId, before]);
  }

  /** Ended ones whose end was not cleared up: their hold is open, or lines stand. */
  async uncleared(seconds: number, limit: number): Promise<string[]> {
    const sql = `SELECT b.id FROM holds h JOIN batches b ON b.hold_id=h.id
                  WHERE h.state='open' AND h.owner='batch' AND b.ended_at < NOW(3) - INTERVAL :seconds SECOND
                 UNION
                 SELECT b.id FROM batches b
                  WHERE b.ended_at < NOW(3) - INTERVAL :seconds SECOND AND b.ended_at > NOW(3) - INTERVAL 1 DAY
                    AND EXISTS (SELECT 1 FROM batch_lines l WHERE l.batch_id=b.id) LIMIT :limit`;
    return (await select(this.#sequelize, idRow.read, sql, { seconds, limit })).map(({ id }) => id);
  }

  /** The texts of batches that ended long ago; their rows stay, because they explain holds. @returns of how many. */
  removeTexts(keptMs: number): Promise<number> {
    const sql = `UPDATE batches SET metadata=NULL,errors=NULL WHERE ended_at < NOW(3) - INTERVAL :seconds SECOND
                    AND (metadata IS NOT NULL OR errors IS NOT NULL) LIMIT ${DELETE_AT_ONCE}`;
    return change(this.#sequelize, sql, { seconds: keptMs / 1_000 });
  }
}
