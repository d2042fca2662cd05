/**
 * What is thrown away, and what must be there before it is needed: partitions of the outbox by day, and usage documents
 * that are older than they are kept.
 */
import type { Sequelize } from 'sequelize';
import { localDay } from '../../infra/calendar.ts';
import type { Logger } from '../../infra/logger.ts';
import { withNamedLock } from '../../infra/mysql/named-lock.ts';
import { OutboxPartitions } from './outbox-partitions.ts';
import type { UsageStore } from './usage-store.ts';

const DAY_MS = 86_400_000;
/** Partitions made ahead: a scheduler that stands still for less than this is not noticed. */
const DAYS_AHEAD = 7;
/** Carried-over days that are kept, for a look at what was carried. */
const DAYS_KEPT = 2;

export interface RetentionDeps {
  readonly sequelize: Sequelize;
  readonly store: UsageStore;
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
 * One round, at least once a day. Safe to run again and from several processes, of which one does it.
 * @returns undefined when another process is at it.
 * @throws {AppError} databaseUnavailable when MongoDB is away; the partitions are done by then.
 */
export function retain(deps: RetentionDeps, nowMs = Date.now()): Promise<Retained | undefined> {
  const { sequelize, store, usageRetentionMs, timeZone, log } = deps;
  return withNamedLock(sequelize, 'usage-retention', async () => {
    const partitions = new OutboxPartitions(sequelize);
    const day = (offset: number) => localDay(nowMs + offset * DAY_MS, timeZone);
    const createdPartitions = await partitions.createUntil(day(0), day(DAYS_AHEAD));
    const droppedPartitions = await partitions.dropCarried(day(-DAYS_KEPT));
    const deletedDocuments = await store.deleteBefore(new Date(nowMs - usageRetentionMs));
    const retained = { createdPartitions, droppedPartitions, deletedDocuments };
    log.info(retained, 'usage retention');
    return retained;
  });
}

/** The first local day of which the usage log still has every call, with a day to spare for calls over midnight. */
export function firstKeptDay(usageRetentionMs: number, timeZone: string, nowMs: number): string {
  return localDay(nowMs - usageRetentionMs + 2 * DAY_MS, timeZone);
}
