/**
 * How much of the installation a user's jobs may take: how many may be live, and how many bytes their requests and
 * results may have. Both are exact over all processes, because every operation that changes them locks the user's account
 * first. Live jobs are counted in an index; bytes are summed up in a row that changes in the same transaction as the
 * job, so that no crash leaves them apart. Pictures are not counted: they are paid for.
 */

import { type Read, read } from '../../core/ledger/commit-queue/operation.ts';
import type { LedgerTable } from '../../core/ledger/commit-queue/table.ts';
import type { Rows } from '../../core/ledger/commit-queue/unit-of-work.ts';
import { insertRows, literals, updateRows } from '../../infra/mysql/literal.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { liveOfUser } from './running-jobs.ts';

/** 0 = no limit. */
export interface JobQuota {
  readonly live: number;
  readonly bytes: number;
}

export type QuotaRefusal =
  | { readonly kind: 'too-many-live'; readonly limit: number }
  | { readonly kind: 'storage-full'; readonly limit: number };

const storage = rowOf({ userId: column.integer, bytes: column.bigint });

export const jobStorage: LedgerTable<{ readonly userId: number; readonly bytes: bigint }> = {
  name: 'job_storage',
  lock: (ids) =>
    `SELECT ${storage.columns} FROM job_storage WHERE user_id IN (${literals(ids.map(Number))}) ORDER BY user_id FOR UPDATE`,
  parse: (record) => {
    const stored = storage.read(record);
    return [String(stored.userId), stored];
  },
  insert: (rows) =>
    insertRows(
      'job_storage',
      ['user_id', 'bytes'],
      rows.map(({ userId, bytes }) => [userId, bytes]),
    ),
  update: (rows) =>
    updateRows(
      'job_storage',
      'user_id',
      ['bytes'],
      rows.map(({ userId, bytes }) => [userId, bytes]),
    ),
};

export function storageRead(userId: number): Read {
  return read(jobStorage, String(userId));
}

export function quotaReads(quota: JobQuota, userId: number): Read[] {
  return quota.live > 0 ? [read(liveOfUser, String(userId)), storageRead(userId)] : [storageRead(userId)];
}

/** Why one more job is not taken in. */
export function overQuota(rows: Rows, quota: JobQuota, userId: number, bytes: number): QuotaRefusal | undefined {
  const id = String(userId);
  if (quota.live > 0 && (rows.get(liveOfUser, id) ?? 0) >= quota.live)
    return { kind: 'too-many-live', limit: quota.live };
  const stored = rows.get(jobStorage, id)?.bytes ?? 0n;
  if (quota.bytes > 0 && stored + BigInt(bytes) > BigInt(quota.bytes))
    return { kind: 'storage-full', limit: quota.bytes };
  return undefined;
}

/** Counts a new job for the rest of the transaction and those to come. */
export function countSubmitted(rows: Rows, quota: JobQuota, userId: number, bytes: number): void {
  const id = String(userId);
  if (quota.live > 0) rows.put(liveOfUser, id, (rows.get(liveOfUser, id) ?? 0) + 1);
  changeStored(rows, userId, bytes);
}

/** @param bytes more, or less where it is negative. */
export function changeStored(rows: Rows, userId: number, bytes: number): void {
  if (bytes === 0) return;
  const stored = rows.get(jobStorage, String(userId))?.bytes ?? 0n;
  const sum = stored + BigInt(bytes);
  rows.put(jobStorage, String(userId), { userId, bytes: sum > 0n ? sum : 0n });
}
