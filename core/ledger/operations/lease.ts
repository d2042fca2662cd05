/**
 * Credit leases: money that a process takes out of an account, to hold for calls in its own memory. A lease is a hold whose
 * owner is a writer slot: only the writer that took it may change its row, and it dies with that writer. Pure.
 */
import { type Operation, read } from '../commit-queue/operation.ts';
import type { WriterStamp } from '../commit-queue/table.ts';
import type { Rows } from '../commit-queue/unit-of-work.ts';
import { type Account, accounts, keyBudgets, payIn } from '../tables/accounts.ts';
import { type Lease, leases } from '../tables/holds.ts';
import { runningBudget } from './hold.ts';

/** How much of an account a process may lease. */
export interface LeaseTerms {
  /** Of what is available, in millionths. */
  readonly shareMillionths: bigint;
  /** An account that has less than so many times a call's bound is not leased from: its last coins are held exactly. */
  readonly richTimes: bigint;
}

const MILLION = 1_000_000n;
const RICH_TIMES = 64n;

/** @param share of what is available, that a process may lease. */
export function leaseTerms(share: number): LeaseTerms {
  return { shareMillionths: BigInt(Math.round(share * Number(MILLION))), richTimes: RICH_TIMES };
}

/** While a lease is in use, its row expires far in the future. */
const IN_USE_UNTIL_MS = Date.parse('9999-01-01T00:00:00Z');

/** A lease as the process that has it knows it. */
export interface LeaseReference {
  readonly id: string;
  readonly accountId: number;
  /** The access key whose budget it was taken from, or null. */
  readonly budgetKeyId: number | null;
  /** The writer that took it. */
  readonly writer: Pick<WriterStamp, 'slot' | 'epoch'>;
}

export interface LeaseNeed {
  /** What the lease is to have left. */
  readonly wanted: bigint;
  /** The most that one call may cost. */
  readonly bound: bigint;
}

export interface LeaseRequest {
  readonly id: string;
  readonly accountId: number;
  readonly budget: { readonly keyId: number; readonly limit: bigint; readonly periodStart: string } | null;
}

export type LeaseOutcome =
  | {
      readonly kind: 'leased';
      readonly amount: bigint;
      /** First day of the budget period that it was taken from. */
      readonly period: string | null;
      readonly writer: Pick<WriterStamp, 'slot' | 'epoch'>;
    }
  | { readonly kind: 'poor' };

/** What a lease has that is neither charged nor given back. */
export function leftOf(lease: Pick<Lease, 'amount' | 'captured' | 'released'>): bigint {
  return lease.amount - lease.captured - lease.released;
}

/**
 * By how much a lease that has `left` may grow; undefined where the account, or the key's budget, is too poor for a lease.
 * @param budgetLeft undefined without a budget.
 */
function growth(
  { available, debt }: Account,
  budgetLeft: bigint | undefined,
  left: bigint,
  { wanted, bound }: LeaseNeed,
  { shareMillionths, richTimes }: LeaseTerms,
): bigint | undefined {
  const spendable = budgetLeft === undefined || available < budgetLeft ? available : budgetLeft;
  if (debt > 0n || spendable + left < bound * richTimes) return undefined;
  const most = ((spendable + left) * shareMillionths) / MILLION;
  const more = (most < wanted ? most : wanted) - left;
  if (more <= 0n) return 0n;
  return more < spendable ? more : spendable;
}

function accountOf(rows: Rows, accountId: number): Account {
  const account = rows.get(accounts, String(accountId));
  if (!account) throw new Error(`account ${accountId} does not exist`);
  return account;
}

/** Takes a new lease, unless the account is too poor for one. */
export function takeLease(request: LeaseRequest, need: LeaseNeed, terms: LeaseTerms): Operation<LeaseOutcome> {
  const { id, accountId, budget } = request;
  return {
    reads: [
      read(accounts, String(accountId)),
      ...(budget ? [read(keyBudgets, String(budget.keyId))] : []),
      read(leases, id),
    ],
    decide: (rows) => {
      const account = accountOf(rows, accountId);
      const running = budget ? runningBudget(rows, budget.keyId, budget.periodStart) : undefined;
      const budgetLeft = budget && running ? budget.limit - running.used : undefined;
      const amount = growth(account, budgetLeft, 0n, need, terms);
      if (amount === undefined || rows.get(leases, id)) return { kind: 'poor' };
      rows.put(accounts, String(accountId), { ...account, available: account.available - amount });
      if (budget && running) {
        const accessKeyId = budget.keyId;
        const used = running.used + amount;
        rows.put(keyBudgets, String(accessKeyId), { accessKeyId, periodStart: running.period, used });
      }
      rows.put(leases, id, {
        id,
        accountId,
        accessKeyId: budget?.keyId ?? null,
        owner: 'lease',
        prices: '',
        budgetPeriod: running?.period ?? null,
        budgetLimit: budget?.limit ?? null,
        amount,
        captured: 0n,
        released: 0n,
        state: 'open',
        expiresAtMs: IN_USE_UNTIL_MS,
        createdAtMs: rows.nowMs,
        closedAtMs: null,
      });
      const { slot, epoch } = rows.writer;
      return { kind: 'leased', amount, period: running?.period ?? null, writer: { slot, epoch } };
    },
  };
}

/** True for the writer that took the lease; every other one has to leave its row alone. */
export function isOwnLease({ writer }: Pick<LeaseReference, 'writer'>, rows: Pick<Rows, 'writer'>): boolean {
  return rows.writer.slot === writer.slot && rows.writer.epoch === writer.epoch;
}

export function leaseReads({ id, accountId, budgetKeyId }: Omit<LeaseReference, 'writer'>) {
  return [
    read(accounts, String(accountId)),
    ...(budgetKeyId === null ? [] : [read(keyBudgets, String(budgetKeyId))]),
    read(leases, id),
  ];
}

/** The row of an open lease of this batch's writer. */
export function openLease(rows: Rows, reference: LeaseReference): Lease | undefined {
  if (!isOwnLease(reference, rows)) return undefined;
  const lease = rows.get(leases, reference.id);
  return lease?.state === 'open' ? lease : undefined;
}

/** The budget that a lease was taken from, as long as its period runs. */
function budgetOf(rows: Rows, lease: Lease) {
  if (lease.accessKeyId === null || lease.budgetPeriod === null) return undefined;
  const budget = rows.get(keyBudgets, String(lease.accessKeyId));
  return budget?.periodStart === lease.budgetPeriod ? budget : undefined;
}

/** What the lease's budget still allows; undefined = any amount. Nothing once its period is over. */
function budgetLeftOf(rows: Rows, lease: Lease): bigint | undefined {
  if (lease.budgetLimit === null) return undefined;
  const budget = budgetOf(rows, lease);
  return budget && budget.used < lease.budgetLimit ? lease.budgetLimit - budget.used : 0n;
}

/** Moves money from the account into the lease, at most what account and budget have. @returns how much. */
export function moveInto(rows: Rows, lease: Lease, amount: bigint): bigint {
  const account = accountOf(rows, lease.accountId);
  const budgetLeft = budgetLeftOf(rows, lease);
  const affordable = amount < account.available ? amount : account.available;
  const moved = budgetLeft === undefined || affordable < budgetLeft ? affordable : budgetLeft;
  if (moved === 0n) return 0n;
  rows.put(accounts, String(account.id), { ...account, available: account.available - moved });
  rows.put(leases, lease.id, { ...lease, amount: lease.amount + moved });
  useBudget(rows, lease, moved);
  return moved;
}

function useBudget(rows: Rows, lease: Lease, amount: bigint): void {
  const budget = budgetOf(rows, lease);
  if (budget) rows.put(keyBudgets, String(budget.accessKeyId), { ...budget, used: budget.used + amount });
}

export type GrowOutcome =
  | { readonly kind: 'grown'; readonly by: bigint }
  /** The account has too little by now; the lease is to be given back. */
  | { readonly kind: 'poor' }
  /** The process was fenced, and its lease given back. */
  | { readonly kind: 'gone' };

/** Grows a lease to what is wanted, as far as the account allows. */
export function growLease(reference: LeaseReference, need: LeaseNeed, terms: LeaseTerms): Operation<GrowOutcome> {
  return {
    reads: leaseReads(reference),
    decide: (rows) => {
      const lease = openLease(rows, reference);
      if (!lease) return { kind: 'gone' };
      const account = accountOf(rows, lease.accountId);
      const by = growth(account, budgetLeftOf(rows, lease), leftOf(lease), need, terms);
      if (by === undefined) return { kind: 'poor' };
      return { kind: 'grown', by: moveInto(rows, lease, by) };
    },
  };
}

/** What becomes of a lease that gives money back. `draining`: it pays for its running calls only. */
export type LeaseEnd = 'stays' | 'draining' | 'closed';

/** Gives free money of a lease back; a lease that is closed gives back all that it has left. */
export function giveBack(reference: LeaseReference, amount: bigint, end: LeaseEnd): Operation<'done' | 'gone'> {
  return {
    reads: leaseReads(reference),
    decide: (rows) => {
      const lease = openLease(rows, reference);
      if (!lease) return 'gone';
      if (end === 'closed') closeLease(rows, lease);
      else {
        const expiresAtMs = end === 'draining' ? Math.min(lease.expiresAtMs, rows.nowMs) : lease.expiresAtMs;
        returnTo(rows, lease, amount);
        rows.put(leases, lease.id, { ...lease, released: lease.released + amount, expiresAtMs });
      }
      return 'done';
    },
  };
}

/** The account, where it pays a debt first, and the key's budget get it. */
function returnTo(rows: Rows, lease: Lease, amount: bigint): void {
  const account = accountOf(rows, lease.accountId);
  rows.put(accounts, String(account.id), payIn(account, amount));
  useBudget(rows, lease, -amount);
}

function closeLease(rows: Rows, lease: Lease): void {
  const left = leftOf(lease);
  returnTo(rows, lease, left);
  rows.put(leases, lease.id, {
    ...lease,
    released: lease.released + left,
    state: lease.captured > 0n ? 'captured' : 'released',
    expiresAtMs: Math.min(lease.expiresAtMs, rows.nowMs),
    closedAtMs: rows.nowMs,
  });
}

/** Closes the lease of a writer that has been fenced. Idempotent. @returns whether this run has closed it. */
export function closeDeadLease(reference: Omit<LeaseReference, 'writer'>): Operation<boolean> {
  return {
    reads: leaseReads(reference),
    decide: (rows) => {
      const lease = rows.get(leases, reference.id);
      if (lease?.state !== 'open') return false;
      closeLease(rows, lease);
      return true;
    },
  };
}
