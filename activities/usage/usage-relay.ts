/**
 * Carries usage documents from the ledger's outbox to MongoDB: first the documents, then the watermark. A crash in
 * between repeats documents that are then already there, so that nothing is lost and nothing stands twice.
 */
import type { Sequelize } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { withNamedLock } from '../../infra/mysql/named-lock.ts';
import { type UsageEntry, usageEntry } from './usage-entry.ts';
import type { OutboxRow } from './usage-outbox.ts';
import { UsageOutbox } from './usage-outbox.ts';
import type { UsageStore } from './usage-store.ts';

export interface UsageRelay {
  /**
   * One round over all writer slots, a portion each; does nothing while another process is at it or MongoDB is away.
   * @returns how many documents were carried over; above zero there may be more.
   */
  relay(): Promise<number>;
}

export interface UsageRelayParts {
  readonly sequelize: Sequelize;
  readonly store: UsageStore;
  readonly log: Logger;
}

export function createUsageRelay({ sequelize, store, log }: UsageRelayParts): UsageRelay {
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
    if (!portion) continue;
    await store.add(portion.rows.map((row) => entryOf(row, log)));
    await outbox.move(slot, seq, portion.lastSeq);
    carried += portion.rows.length;
  }
  return carried;
}

/** @throws when the document is not what the ledger writes: the slot waits, rather than lose it. */
function entryOf(row: OutboxRow, log: Logger): UsageEntry {
  const parsed = usageEntry.safeParse({ requestId: row.id, ...Object(JSON.parse(row.doc)) });
  if (parsed.success) return parsed.data;
  log.error({ err: parsed.error, requestId: row.id, seq: row.seq }, 'a usage document cannot be read');
  throw new TypeError(`usage document ${row.id} in the outbox cannot be read`);
}
