/** How many jobs may run at once, over all workers. Decided when a run begins; who must wait is tried again. Pure. */
import { type Read, read } from '../../core/ledger/commit-queue/operation.ts';
import type { LedgerTable } from '../../core/ledger/commit-queue/table.ts';
import type { Rows } from '../../core/ledger/commit-queue/unit-of-work.ts';
import { accounts } from '../../core/ledger/tables/accounts.ts';
import { providerGate, runningOfProvider, runningOfUser } from './running-jobs.ts';

/** 0 = no limit. */
export interface RunLimits {
  readonly perUser: number;
  readonly perProvider: number;
}

/** Whose limits a job counts to. */
export interface JobOwner {
  readonly userId: number;
  readonly accountId: number;
  /** Of the plan's first candidate; null for jobs of before this was noted. */
  readonly providerId: number | null;
}

export interface Admission {
  readonly limits: RunLimits;
  readonly owner: JobOwner;
}

interface Count {
  readonly table: LedgerTable<number>;
  readonly id: string;
  readonly limit: number;
}

function countsOf({ limits, owner }: Admission): Count[] {
  const { perUser, perProvider } = limits;
  const counts = [{ table: runningOfUser, id: String(owner.userId), limit: perUser }];
  if (owner.providerId !== null) {
    counts.push({ table: runningOfProvider, id: String(owner.providerId), limit: perProvider });
  }
  return counts.filter(({ limit }) => limit > 0);
}

/** The counts, and before them the rows that make them exact. */
export function admissionReads(admission: Admission): Read[] {
  const counts = countsOf(admission);
  if (counts.length === 0) return [];
  const gates = [read(accounts, String(admission.owner.accountId))];
  if (admission.owner.providerId !== null) gates.push(read(providerGate, String(admission.owner.providerId)));
  return [...gates, ...counts.map(({ table, id }) => read(table, id))];
}

/** Whether one more job may run; if so it is counted for the rest of the transaction. */
export function admit(rows: Rows, admission: Admission): boolean {
  const counts = countsOf(admission);
  if (counts.some(({ table, id, limit }) => (rows.get(table, id) ?? 0) >= limit)) return false;
  for (const { table, id } of counts) rows.put(table, id, (rows.get(table, id) ?? 0) + 1);
  return true;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;

/**
 * How long a job that must wait waits before its next try.
 * @param tries runs of its activity so far. @param random in [0, 1), so that those who wait do not come all at once.
 */
export function waitMs(tries: number, random: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * tries);
  return Math.round(longest * (0.5 + random / 2));
}
