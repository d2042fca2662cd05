/** Holds: money set aside before a provider is called. Pure. */
import type { Operation } from '../commit-queue/operation.ts';
import { read } from '../commit-queue/operation.ts';
import type { Rows } from '../commit-queue/unit-of-work.ts';
import { accounts, keyBudgets } from '../tables/accounts.ts';
import { type HoldOwner, holds } from '../tables/holds.ts';
import { type ClaimOutcome, type ClaimRequest, claimReads, decideClaim, lookAtClaim } from './claim.ts';
import { addToBudget, release } from './close-hold.ts';

export interface HoldRequest {
  /** Id of the call or job, made by the server. */
  readonly id: string;
  readonly accountId: number;
  readonly accessKeyId: number | null;
  readonly owner: HoldOwner;
  readonly amount: bigint;
  /** Ids of the candidates' price versions. */
  readonly priceIds: readonly number[];
  /** Until then the call must have ended; afterwards the sweeper releases the hold. */
  readonly lifeMs: number;
  /** The key's budget, when it has one: `limit` in nano-units for the period that starts on `periodStart`. */
  readonly budget?: { readonly limit: bigint; readonly periodStart: string };
  readonly claim?: ClaimRequest;
  /** Money that was set aside before and that this hold is taken from first. */
  readonly from?: HoldShare;
}

/** A part of another hold of the same account and access key. */
export interface HoldShare {
  readonly holdId: string;
  readonly amount: bigint;
}

export type HoldOutcome =
  | { readonly kind: 'held' }
  | { readonly kind: 'insufficient'; readonly available: bigint }
  | { readonly kind: 'budget-spent'; readonly left: bigint }
  /** The id is taken: the batch was committed in a way that this process could not learn of. */
  | { readonly kind: 'exists' }
  | Exclude<ClaimOutcome, { kind: 'claimed' }>;

/** The rows that `decideHold` needs. */
export function holdReads(request: HoldRequest) {
  return [
    read(accounts, String(request.accountId)),
    ...((request.budget || request.from) && request.accessKeyId !== null
      ? [read(keyBudgets, String(request.accessKeyId))]
      : []),
    read(holds, request.id),
    ...(request.from ? [read(holds, request.from.holdId)] : []),
    ...claimReads(request.claim),
  ];
}

/** Claims the key first, then sets the money aside; a refusal changes nothing. */
export function decideHold(rows: Rows, request: HoldRequest): HoldOutcome {
  if (request.amount < 0n) throw new RangeError('a hold must not be negative');
  const account = rows.get(accounts, String(request.accountId));
  if (!account) throw new Error(`account ${request.accountId} does not exist`);
  if (rows.get(holds, request.id)) return { kind: 'exists' };
  const share = shareOf(rows, request);
  const refusal = refuse(rows, request, account.available + share, share);
  const claimed = claimIfAffordable(rows, request, refusal !== undefined);
  if (claimed) return claimed;
  if (refusal) return refusal;
  takeShare(rows, request, share);
  rows.put(accounts, String(account.id), { ...account, available: account.available + share - request.amount });
  const budgetPeriod = useBudget(rows, request);
  rows.put(holds, request.id, {
    id: request.id,
    accountId: request.accountId,
    accessKeyId: request.accessKeyId,
    owner: request.owner,
    prices: request.priceIds.join(','),
    budgetPeriod,
    budgetLimit: budgetPeriod === null ? null : (request.budget?.limit ?? null),
    amount: request.amount,
    captured: 0n,
    released: 0n,
    state: 'open',
    expiresAtMs: rows.nowMs + request.lifeMs,
    createdAtMs: rows.nowMs,
    closedAtMs: null,
  });
  return { kind: 'held' };
}

/**
 * What the other hold still has for this one. Nothing for a call that is run again after its process died: it has taken
 * its part before, which went back to the account with its hold.
 */
function shareOf(rows: Rows, { from, claim, accountId, accessKeyId }: HoldRequest): bigint {
  const whole = from && rows.get(holds, from.holdId);
  if (!from || whole?.state !== 'open') return 0n;
  if (whole.accountId !== accountId || whole.accessKeyId !== accessKeyId) return 0n;
  if (claim) {
    const found = lookAtClaim(rows, claim);
    if (found.kind !== 'claimed' || found.operationId !== claim.requestId) return 0n;
  }
  const left = whole.amount - whole.captured - whole.released;
  return from.amount < left ? from.amount : left;
}

function takeShare(rows: Rows, { from, accountId, accessKeyId }: HoldRequest, share: bigint): void {
  const whole = from && rows.get(holds, from.holdId);
  if (!whole || share === 0n) return;
  rows.put(holds, whole.id, { ...whole, released: whole.released + share });
  addToBudget(rows, { holdId: whole.id, accountId, budgetKeyId: accessKeyId }, whole, -share);
}

/** A stored answer or a running twin comes before a refusal; a refused call leaves its key free. */
function claimIfAffordable(rows: Rows, request: HoldRequest, refused: boolean): HoldOutcome | undefined {
  if (!request.claim) return undefined;
  const outcome = refused ? lookAtClaim(rows, request.claim) : decideClaim(rows, request.claim);
  return outcome.kind === 'claimed' ? undefined : outcome;
}

/** @param share what it takes from another hold, in `available` already. */
function refuse(rows: Rows, request: HoldRequest, available: bigint, share: bigint): HoldOutcome | undefined {
  if (request.amount > available) return { kind: 'insufficient', available };
  if (!request.budget || request.accessKeyId === null) return undefined;
  const { period, used } = runningBudget(rows, request.accessKeyId, request.budget.periodStart);
  const whole = request.from && rows.get(holds, request.from.holdId);
  const left = request.budget.limit - used + (whole?.budgetPeriod === period ? share : 0n);
  return request.amount > left ? { kind: 'budget-spent', left: left < 0n ? 0n : left } : undefined;
}

/**
 * The budget as this hold finds it. Processes pass into a new period at slightly different moments: the first one
 * begins it, and a hold that still names an older one counts in it too, so that a period never begins twice.
 */
export function runningBudget(rows: Rows, accessKeyId: number, asked: string): { period: string; used: bigint } {
  const stored = rows.get(keyBudgets, String(accessKeyId));
  return stored && stored.periodStart >= asked
    ? { period: stored.periodStart, used: stored.used }
    : { period: asked, used: 0n };
}

/** Takes the hold from the key's budget. @returns the period it counts in, or null without a budget. */
function useBudget(rows: Rows, { budget, accessKeyId, amount }: HoldRequest): string | null {
  if (!budget || accessKeyId === null) return null;
  const { period, used } = runningBudget(rows, accessKeyId, budget.periodStart);
  rows.put(keyBudgets, String(accessKeyId), { accessKeyId, periodStart: period, used: used + amount });
  return period;
}

/** Sets money aside for a call. Not idempotent by itself: a second run with the same id answers `exists`. */
export function hold(request: HoldRequest): Operation<HoldOutcome> {
  return {
    reads: holdReads(request),
    decide: (rows) => decideHold(rows, request),
    compensate: (outcome) =>
      outcome.kind === 'held'
        ? release({
            holdId: request.id,
            accountId: request.accountId,
            budgetKeyId: request.budget ? request.accessKeyId : null,
            ...(request.claim ? { claim: request.claim } : {}),
          })
        : undefined,
  };
}
