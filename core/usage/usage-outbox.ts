/** The outbox of the usage log: what each writer slot has committed, and how far it has been copied to MongoDB. */
import type { Sequelize } from 'sequelize';
import { column, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { change, count, select } from '../../infra/mysql/statements.ts';
import { type UsageRecord, usageRecord } from './usage-record.ts';

const watermark = rowOf({ slot: column.integer, seq: column.bigint });
const outboxRow = rowOf({ seq: column.bigint, id: column.text, doc: column.text });
export type OutboxRow = ReadRow<typeof outboxRow>;

/** More than the 256 documents of the largest batch of the commit queue, so that a portion has at least one whole batch. */
const PORTION_ROWS = 1_000;

export interface Portion {
  readonly rows: readonly OutboxRow[];
  /** The last batch that it contains completely. */
  readonly lastSeq: bigint;
}

interface NewestRows {
  readonly rows: readonly OutboxRow[];
  readonly total: number;
}

export class UsageOutbox {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /** All slots, with the last batch that was copied (0 = none). */
  async watermarks(): Promise<ReadRow<typeof watermark>[]> {
    return await select(
      this.#sequelize,
      watermark.read,
      'SELECT w.slot, COALESCE(m.seq, 0) AS seq FROM writers w LEFT JOIN usage_watermarks m ON m.slot=w.slot ORDER BY w.slot',
    );
  }

  /** The next whole batches of a slot. None is missing, because a slot commits one batch after the other. */
  async next(slot: number, afterSeq: bigint): Promise<Portion | undefined> {
    const rows = await select(
      this.#sequelize,
      outboxRow.read,
      `SELECT ${outboxRow.columns} FROM usage_outbox WHERE slot=? AND seq>? ORDER BY seq, position LIMIT ${PORTION_ROWS}`,
      [slot, afterSeq],
    );
    return wholeBatches(rows, PORTION_ROWS);
  }

  /** The last batch that each slot has committed. */
  async committed(): Promise<ReadonlyMap<number, bigint>> {
    const slots = await select(this.#sequelize, watermark.read, `SELECT ${watermark.columns} FROM writers`);
    return new Map(slots.map(({ slot, seq }) => [slot, seq]));
  }

  /** The newest `limit` documents of the batches after `afterSeq` up to `lastSeq`, oldest first, and how many there are. */
  async newest(slot: number, afterSeq: bigint, lastSeq: bigint, limit: number): Promise<NewestRows> {
    const batches = [slot, afterSeq, lastSeq];
    const where = 'FROM usage_outbox WHERE slot=? AND seq>? AND seq<=?';
    const newest = `SELECT ${outboxRow.columns} ${where} ORDER BY seq DESC, position DESC LIMIT ${limit}`;
    const rows = (await select(this.#sequelize, outboxRow.read, newest, batches)).reverse();
    if (rows.length < limit) return { rows, total: rows.length };
    return { rows, total: await count(this.#sequelize, `SELECT COUNT(*) AS total ${where}`, batches) };
  }

  /** Moves a slot's watermark forward, unless another relay has moved it. Idempotent. */
  async move(slot: number, fromSeq: bigint, toSeq: bigint): Promise<void> {
    await change(
      this.#sequelize,
      'INSERT INTO usage_watermarks (slot, seq) VALUES (:slot, :toSeq) ON DUPLICATE KEY UPDATE seq=IF(seq=:fromSeq, :toSeq, seq)',
      { slot, fromSeq, toSeq },
    );
  }
}

/** @throws when the document is not what the ledger writes. */
export function recordOf(row: OutboxRow): UsageRecord {
  return usageRecord.parse({ requestId: row.id, ...Object(column.json(row.doc, 'doc')) });
}

/** Drops a last batch that the limit may have cut in two. Pure. */
export function wholeBatches(rows: readonly OutboxRow[], limit: number): Portion | undefined {
  const last = rows.at(-1)?.seq;
  if (last === undefined) return undefined;
  if (rows.length < limit) return { rows, lastSeq: last };
  const whole = rows.filter(({ seq }) => seq !== last);
  const lastSeq = whole.at(-1)?.seq;
  if (lastSeq === undefined) throw new RangeError(`batch ${last} has more than ${limit} usage documents`);
  return { rows: whole, lastSeq };
}
