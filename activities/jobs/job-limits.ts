/**
 * Limits of jobs. At submission: live jobs of a user, and bytes of their requests and results. When a run begins:
 * running jobs of a user or a provider, over all workers. All are exact over all processes, because every operation
 * that changes them first locks the user's account (or the provider). Stored images are not counted, because each was
 * paid for. Pure.
 */
import { type Read, read } from '../../core/ledger/commit-queue/operation.ts';
import type { LedgerTable } from '../../core/ledger/commit-queue/table.ts';
import type { Rows } from '../../core/ledger/commit-queue/unit-of-work.ts';
import { accounts } from '../../core/ledger/tables/accounts.ts';
import { jobStorage, liveOfUser, providerGate, runningOfProvider, runningOfUser } from './job-tables.ts';

/** 0 = no limit. */
export interface JobQuota {
  readonly live: number;
  readonly bytes: number;
}

export type QuotaRefusal =
  | { readonly kind: 'too-many-live'; readonly limit: number }
  | { readonly kind: 'storage-full'; readonly limit: number };

export function storageRead(userId: number): Read {
  return read(jobStorage, String(userId));
}

export function quotaReads(quota: JobQuota, userId: number): Read[] {
  return quota.live > 0 ? [read(liveOfUser, String(userId)), storageRead(userId)] : [storageRead(userId)];
}

/** Why one more job is refused. */
export function overQuota(rows: Rows, quota: JobQuota, userId: number, bytes: number): QuotaRefusal | undefined {
  const id = String(userId);
  if (quota.live > 0 && (rows.get(liveOfUser, id) ?? 0) >= quota.live)
    return { kind: 'too-many-live', limit: quota.live };
  const stored = rows.get(jobStorage, id)?.bytes ?? 0n;
  if (quota.bytes > 0 && stored + BigInt(bytes) > BigInt(quota.bytes))
    return { kind: 'storage-full', limit: quota.bytes };
  return undefined;
}

/** Counts a new job, for the rest of this transaction and for later ones. */
export function countSubmitted(rows: Rows, quota: JobQuota, userId: number, bytes: number): void {
  const id = String(userId);
  if (quota.live > 0) rows.put(liveOfUser, id, (rows.get(liveOfUser, id) ?? 0) + 1);
  changeStored(rows, userId, bytes);
}

/** @param bytes to add; negative to subtract. */
export function changeStored(rows: Rows, userId: number, bytes: number): void {
  if (bytes === 0) return;
  const stored = rows.get(jobStorage, String(userId))?.bytes ?? 0n;
  const sum = stored + BigInt(bytes);
  rows.put(jobStorage, String(userId), { userId, bytes: sum > 0n ? sum : 0n });
}

/** 0 = no limit. */
export interface RunLimits {
  readonly perUser: number;
  readonly perProvider: number;
}

/** Whose limits a job counts towards. */
export interface JobOwner {
  readonly userId: number;
  readonly accountId: number;
  /** Of the plan's first candidate; null for jobs of earlier versions. */
  readonly providerId: number | null;
}

/** One job, and the limits that it must meet to run. */
export interface RunCheck {
  readonly limits: RunLimits;
  readonly owner: JobOwner;
}

interface Count {
  readonly table: LedgerTable<number>;
  readonly id: string;
  readonly limit: number;
}

function countsOf({ limits, owner }: RunCheck): Count[] {
  const { perUser, perProvider } = limits;
  const counts = [{ table: runningOfUser, id: String(owner.userId), limit: perUser }];
  if (owner.providerId !== null) {
    counts.push({ table: runningOfProvider, id: String(owner.providerId), limit: perProvider });
  }
  return counts.filter(({ limit }) => limit > 0);
}

/** The rows that make the counts exact, then the counts. */
export function runLimitReads(check: RunCheck): Read[] {
  const counts = countsOf(check);
  if (counts.length === 0) return [];
  const gates = [read(accounts, String(check.owner.accountId))];
  if (check.owner.providerId !== null) gates.push(read(providerGate, String(check.owner.providerId)));
  return [...gates, ...counts.map(({ table, id }) => read(table, id))];
}

/** Whether one more job may run. If so, it is counted for the rest of the transaction. */
export function takePlace(rows: Rows, check: RunCheck): boolean {
  const counts = countsOf(check);
  if (counts.some(({ table, id, limit }) => (rows.get(table, id) ?? 0) >= limit)) return false;
  for (const { table, id } of counts) rows.put(table, id, (rows.get(table, id) ?? 0) + 1);
  return true;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;

/**
 * The pause before a waiting job is tried again.
 * @param tries runs of its activity so far. @param random in [0, 1), so that waiting jobs are not all tried at once.
 */
export function waitMs(tries: number, random: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * tries);
  return Math.round(longest * (0.5 + random / 2));
}
