/** The outbox of the usage log: what each writer slot has committed, and how far it has been copied to MongoDB. */
import type { Sequelize } from 'sequelize';
import { column, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';

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

  /** Moves a slot's watermark forward, unless another relay has moved it. Idempotent. */
  async move(slot: number, fromSeq: bigint, toSeq: bigint): Promise<void> {
    await change(
      this.#sequelize,
      'INSERT INTO usage_watermarks (slot, seq) VALUES (:slot, :toSeq) ON DUPLICATE KEY UPDATE seq=IF(seq=:fromSeq, :toSeq, seq)',
      { slot, fromSeq, toSeq },
    );
  }
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
