/**
 * Copies usage documents from the ledger's outbox to MongoDB: first the documents, then the watermark. After a crash in
 * between, documents are copied again under the same id, so nothing is lost and nothing is doubled.
 */
import type { Sequelize } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { withNamedLock } from '../../infra/mysql/transaction.ts';
import { type Portion, recordOf, UsageOutbox } from './usage-outbox.ts';
import type { UsageRecord } from './usage-record.ts';
import type { UsageStore } from './usage-store.ts';

export interface UsageRelay {
  /**
   * One round over all writer slots, a portion each. Does nothing while another process does it or MongoDB is away.
   * A slot with a document that cannot be read waits, with an error in the log each round; the others continue.
   * @returns how many documents were copied; above zero there may be more.
   */
  relay(): Promise<number>;
}

export interface UsageRelayDeps {
  readonly sequelize: Sequelize;
  readonly store: UsageStore;
  readonly log: Logger;
}

export function createUsageRelay({ sequelize, store, log }: UsageRelayDeps): UsageRelay {
  const outbox = new UsageOutbox(sequelize);
  return {
    relay: async () => {
      try {
        return (await withNamedLock(sequelize, 'usage-relay', () => carryAll(outbox, store, log))) ?? 0;
      } catch (error) {
        // The connection has logged that MongoDB is away; the next round tries again.
        if (error instanceof AppError && error.kind === 'databaseUnavailable') return 0;
        throw error;
      }
    },
  };
}

async function carryAll(outbox: UsageOutbox, store: UsageStore, log: Logger): Promise<number> {
  let carried = 0;
  for (const { slot, seq } of await outbox.watermarks()) {
    const portion = await outbox.next(slot, seq);
    const records = portion && recordsOf(slot, portion, log);
    if (!records) continue;
    await store.add(records);
    await outbox.move(slot, seq, portion.lastSeq);
    carried += records.length;
  }
  return carried;
}

/** @returns undefined if a document cannot be read: its slot then waits for a person, and nothing is lost. */
function recordsOf(slot: number, { rows }: Portion, log: Logger): UsageRecord[] | undefined {
  const records: UsageRecord[] = [];
  for (const row of rows) {
    try {
      records.push(recordOf(row));
    } catch (err) {
      log.error(
        { err, requestId: row.id, slot, seq: row.seq.toString() },
        'a usage document cannot be read; its slot waits',
      );
      return undefined;
    }
  }
  return records;
}
