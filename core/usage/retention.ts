/**
 * Creates partitions of the outbox before they are needed, and deletes old partitions and old usage documents.
 */
import type { Sequelize } from 'sequelize';
import { localDay } from '../../infra/calendar.ts';
import type { Logger } from '../../infra/logger.ts';
import { withNamedLock } from '../../infra/mysql/transaction.ts';
import { OutboxPartitions } from './outbox-partitions.ts';
import type { UsageStore } from './usage-store.ts';

const DAY_MS = 86_400_000;
/** Partitions are created this far ahead, so that a shorter outage of the scheduler does no harm. */
const DAYS_AHEAD = 7;
/** Days that are kept after they were copied, so that operators can look at them. */
const DAYS_KEPT = 2;

export interface RetentionDeps {
  readonly sequelize: Sequelize;
  readonly store: UsageStore;
  readonly refused: Pick<UsageStore, 'deleteBefore'>;
  /** How long usage documents are kept. */
  readonly usageRetentionMs: number;
  readonly timeZone: string;
  readonly log: Logger;
}

export interface Retained {
  readonly createdPartitions: number;
  readonly droppedPartitions: number;
  readonly deletedDocuments: number;
}

/**
 * One round, at least once a day. Safe to run again and from several processes; one of them does the work.
 * @returns undefined if another process is doing it.
 * @throws {AppError} databaseUnavailable if MongoDB is away, after the partitions are done.
 */
export function retain(deps: RetentionDeps, nowMs = Date.now()): Promise<Retained | undefined> {
  const { sequelize, store, refused, usageRetentionMs, timeZone, log } = deps;
  return withNamedLock(sequelize, 'usage-retention', async () => {
    const partitions = new OutboxPartitions(sequelize);
    const day = (offset: number) => localDay(nowMs + offset * DAY_MS, timeZone);
    const createdPartitions = await partitions.createUntil(day(0), day(DAYS_AHEAD));
    const droppedPartitions = await partitions.dropCarried(day(-DAYS_KEPT));
    const before = new Date(nowMs - usageRetentionMs);
    const deletedDocuments = (await store.deleteBefore(before)) + (await refused.deleteBefore(before));
    const retained = { createdPartitions, droppedPartitions, deletedDocuments };
    log.info(retained, 'usage retention');
    return retained;
  });
}

/** The first local day that is complete in the usage log, with one day of margin for calls over midnight. */
export function firstKeptDay(usageRetentionMs: number, timeZone: string, nowMs: number): string {
  return localDay(nowMs - usageRetentionMs + 2 * DAY_MS, timeZone);
}
