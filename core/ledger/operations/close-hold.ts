/**
 * Closing a hold: what was used is captured, the rest goes back to the account, where it pays a debt first, and to the
 * key's budget. A failed or cancelled call, or one whose process died, releases the whole hold. Pure.
 */
import type { FinishedCall } from '../../usage/usage-record.ts';
import { type Operation, read } from '../commit-queue/operation.ts';
import type { Rows } from '../commit-queue/unit-of-work.ts';
import { type Account, accounts, type KeyBudget, keyBudgets, payIn } from '../tables/accounts.ts';
import { type Hold, type HoldState, holds } from '../tables/holds.ts';
import { statistics, usageOutbox } from '../tables/usage.ts';
import { type ClaimRequest, claimReads, dropUnanswered } from './claim.ts';

/** Which hold, and whose rows it touches. */
export interface HoldReference {
  readonly holdId: string;
  readonly accountId: number;
  /** The access key whose budget the hold was taken from, or null. */
  readonly budgetKeyId: number | null;
}

export function holdReferenceReads(reference: HoldReference) {
  return [
    read(accounts, String(reference.accountId)),
    ...(reference.budgetKeyId === null ? [] : [read(keyBudgets, String(reference.budgetKeyId))]),
    read(holds, reference.holdId),
  ];
}

/** The account and the hold; a hold of another account, or a lease, is a bug. */
export function heldRows(rows: Rows, reference: HoldReference): { account: Account; hold: Hold } {
  const account = rows.get(accounts, String(reference.accountId));
  const hold = rows.get(holds, reference.holdId);
  if (!account || !hold || hold.accountId !== account.id || hold.owner === 'lease') {
    throw new Error(`hold ${reference.holdId} of account ${reference.accountId} does not exist`);
  }
  return { account, hold };
}

/** Captures an amount of an open hold and returns the rest. @returns the account after it. */
export function captureHold(rows: Rows, reference: HoldReference, captured: bigint): Account {
  return closeHold(rows, reference, captured, 'captured');
}

/** Returns a whole open hold. */
export function releaseHold(rows: Rows, reference: HoldReference): Account {
  return closeHold(rows, reference, 0n, 'released');
}

function closeHold(rows: Rows, reference: HoldReference, captured: bigint, state: Exclude<HoldState, 'open'>): Account {
  const { account, hold } = heldRows(rows, reference);
  const released = hold.amount - captured;
  // Parts of it may have gone back before, for the calls of a batch.
  const rest = released - hold.released;
  // A chargeback may have arrived while the call ran: what it did not find available is paid from this.
  const after = payIn(account, rest);
  rows.put(accounts, String(account.id), after);
  rows.put(holds, hold.id, {
    ...hold,
    captured,
    released,
    state,
    closedAtMs: rows.nowMs,
  });
  addToBudget(rows, reference, hold, -rest);
  return after;
}

/** Writes a finished call into the usage log, and into the statistics of its model. @param cost what was charged. */
export function recordCall(rows: Rows, call: FinishedCall, cost: bigint): void {
  const record = { ...call, day: rows.today, cost };
  rows.append(usageOutbox, record);
  const { modelId } = record;
  if (modelId !== null) rows.append(statistics, { ...record, modelId });
}

/**
 * What the key's budget still pays beyond the hold; undefined = any amount, because the hold was taken without a budget.
 * Nothing if the hold's period is over: what that period has used is no longer known.
 */
export function budgetRest(rows: Rows, reference: HoldReference, hold: Hold): bigint | undefined {
  if (hold.budgetLimit === null) return undefined;
  const budget = budgetOf(rows, reference, hold);
  return budget && budget.used < hold.budgetLimit ? hold.budgetLimit - budget.used : 0n;
}

/** Changes what the key's budget has used, unless the period that the hold was taken in is over. */
export function addToBudget(rows: Rows, reference: HoldReference, hold: Hold, amount: bigint): void {
  const budget = budgetOf(rows, reference, hold);
  if (budget) rows.put(keyBudgets, String(budget.accessKeyId), { ...budget, used: budget.used + amount });
}

/** The budget that the hold was taken from, as long as its period runs. */
function budgetOf(rows: Rows, reference: HoldReference, hold: Hold): KeyBudget | undefined {
  if (reference.budgetKeyId === null || hold.budgetPeriod === null) return undefined;
  const budget = rows.get(keyBudgets, String(reference.budgetKeyId));
  return budget?.periodStart === hold.budgetPeriod ? budget : undefined;
}

export interface Release extends HoldReference {
  /** The failed call, for the usage log and the statistics. */
  readonly call?: FinishedCall;
  readonly claim?: ClaimRequest;
}

export type ReleaseOutcome = { readonly kind: 'released' } | { readonly kind: 'already-closed' };

export function releaseReads(request: Release) {
  return [...holdReferenceReads(request), ...claimReads(request.claim)];
}

export function decideRelease(rows: Rows, request: Release): ReleaseOutcome {
  // Without a row it was a call that a lease paid for, and it has ended.
  const hold = rows.get(holds, request.holdId);
  if (request.claim) dropUnanswered(rows, request.claim);
  if (hold?.state !== 'open') return { kind: 'already-closed' };
  releaseHold(rows, request);
  if (request.call) recordCall(rows, request.call, 0n);
  return { kind: 'released' };
}

/** Releases an open hold; does not change a closed one. Idempotent. */
export function release(request: Release): Operation<ReleaseOutcome> {
  return {
    reads: releaseReads(request),
    decide: (rows) => decideRelease(rows, request),
  };
}
