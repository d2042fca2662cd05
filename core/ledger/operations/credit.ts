/** Money that enters or leaves an account other than by a call; the transfer id makes each change happen once. Pure. */
import { AppError } from '../../../infra/errors.ts';
import type { Operation } from '../commit-queue/operation.ts';
import { read } from '../commit-queue/operation.ts';
import type { Rows } from '../commit-queue/unit-of-work.ts';
import { NANO_PER_UNIT } from '../money.ts';
import { type Account, accounts, payIn } from '../tables/accounts.ts';
import { NO_CALL, type TransferKind, transferKey, transfers } from '../tables/transfers.ts';
import { CLAIM_LIFE_MS } from './claim.ts';

/** Nano-units: nine billion, just below what a BIGINT column holds. */
const MOST_BALANCE = 9_000_000_000n * NANO_PER_UNIT;

export const BALANCE_TOO_LARGE = 'the balance would become too large';

export interface BalanceChange {
  /** Transfer id, made by the server: the order's number, the adjustment's id. */
  readonly id: string;
  readonly accountId: number;
  readonly note?: string;
}

export function balanceReads(change: BalanceChange, kind: TransferKind) {
  return [read(accounts, String(change.accountId)), read(transfers, transferKey({ id: change.id, kind }))];
}

function accountOf(rows: Rows, change: BalanceChange): Account {
  const account = rows.get(accounts, String(change.accountId));
  if (!account) throw new Error(`account ${change.accountId} does not exist`);
  return account;
}

/** Writes the transfer and the account's new state. */
function post(rows: Rows, change: BalanceChange, kind: TransferKind, amount: bigint, after: Account): void {
  rows.put(accounts, String(after.id), after);
  rows.put(transfers, transferKey({ id: change.id, kind }), {
    ...NO_CALL,
    id: change.id,
    kind,
    accountId: change.accountId,
    amount,
    day: rows.today,
    createdAtMs: rows.nowMs,
    note: change.note ?? null,
  });
}

/** What an earlier run of the same change moved, or undefined if there was none. */
function earlier(rows: Rows, change: BalanceChange, kind: TransferKind): bigint | undefined {
  return rows.get(transfers, transferKey({ id: change.id, kind }))?.amount;
}

/** False where the balance would become larger than its column can hold. Needs the account among the reads. */
export function creditFits(rows: Rows, change: BalanceChange, amount: bigint): boolean {
  return accountOf(rows, change).available + amount <= MOST_BALANCE;
}

/**
 * Adds money; a debt is paid first. Needs `balanceReads(change, kind)`. @returns false when it was done before.
 * @throws {AppError} illegalState where it does not fit.
 */
export function decideCredit(
  rows: Rows,
  change: BalanceChange,
  kind: 'grant' | 'top_up' | 'adjustment',
  amount: bigint,
): boolean {
  if (amount < 0n) throw new RangeError('a credit must not be negative');
  const account = accountOf(rows, change);
  if (earlier(rows, change, kind) !== undefined) return false;
  if (!creditFits(rows, change, amount)) throw new AppError('illegalState', BALANCE_TOO_LARGE);
  post(rows, change, kind, amount, payIn(account, amount));
  return true;
}

/** Takes `amount`, or what is available if that is less. @returns what was taken, now or by an earlier run. */
export function decideRefund(rows: Rows, change: BalanceChange, amount: bigint): bigint {
  const account = accountOf(rows, change);
  const before = earlier(rows, change, 'refund');
  if (before !== undefined) return -before;
  const taken = amount < account.available ? amount : account.available;
  post(rows, change, 'refund', -taken, { ...account, available: account.available - taken });
  return taken;
}

/** The payment provider took a payment back: takes what is available, and the rest becomes debt. Idempotent. */
export function chargeback(change: BalanceChange, amount: bigint): Operation<{ taken: bigint; debt: bigint }> {
  return {
    reads: balanceReads(change, 'chargeback'),
    decide: (rows) => {
      const account = accountOf(rows, change);
      if (earlier(rows, change, 'chargeback') !== undefined) return { taken: 0n, debt: account.debt };
      const taken = amount < account.available ? amount : account.available;
      const after = { ...account, available: account.available - taken, debt: account.debt + amount - taken };
      post(rows, change, 'chargeback', -amount, after);
      return { taken, debt: after.debt };
    },
  };
}

export type AdjustOutcome =
  | { readonly kind: 'done'; readonly available: bigint }
  /** By an earlier run of the same call. */
  | { readonly kind: 'done-before'; readonly available: bigint }
  | { readonly kind: 'insufficient'; readonly available: bigint }
  /** Done under this id so long ago that this cannot be a repeat of that call; nothing was changed. */
  | { readonly kind: 'done-long-ago'; readonly available: bigint; readonly atMs: number };

/** An administrator's change, signed; never below zero. Idempotent by its id. */
export function adjust(change: BalanceChange, amount: bigint): Operation<AdjustOutcome> {
  return {
    reads: balanceReads(change, 'adjustment'),
    decide: (rows) => {
      const account = accountOf(rows, change);
      const before = rows.get(transfers, transferKey({ id: change.id, kind: 'adjustment' }));
      if (before && before.createdAtMs + CLAIM_LIFE_MS <= rows.nowMs) {
        return { kind: 'done-long-ago', available: account.available, atMs: before.createdAtMs };
      }
      if (before) return { kind: 'done-before', available: account.available };
      if (account.available + amount < 0n) return { kind: 'insufficient', available: account.available };
      if (amount >= 0n) decideCredit(rows, change, 'adjustment', amount);
      else post(rows, change, 'adjustment', amount, { ...account, available: account.available + amount });
      return { kind: 'done', available: accountOf(rows, change).available };
    },
  };
}

/** Credits the opening grant that registration left on the account. Idempotent: it removes the grant. */
export function openAccount(accountId: number): Operation<boolean> {
  const change: BalanceChange = { id: `grant-${accountId}`, accountId };
  return {
    reads: balanceReads(change, 'grant'),
    decide: (rows) => {
      const account = accountOf(rows, change);
      const grant = account.pendingGrant;
      if (grant === null) return false;
      rows.put(accounts, String(accountId), { ...account, pendingGrant: null });
      return decideCredit(rows, change, 'grant', grant);
    },
  };
}
