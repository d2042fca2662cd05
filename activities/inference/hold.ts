/**
 * The limits of an access key and the hold of a call or job: for the full amount, or for what the balance pays. A key
 * without limits is not looked up and costs nothing.
 */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { isLimited, type LimitState } from '../../core/accounts/key-limit-rule.ts';
import type { Admission, AdmissionRequest, KeyLimits } from '../../core/accounts/key-limits.ts';
import { claimRefusal } from '../../core/ledger/idempotency.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { formatMoney, type Usage } from '../../core/ledger/money.ts';
import type { HoldOutcome, HoldRequest } from '../../core/ledger/operations/hold.ts';
import { periodStart } from '../../infra/calendar.ts';
import { AppError } from '../../infra/errors.ts';
import { type Asked, clampPlan, type Plan } from './plan.ts';

export interface LimitedRequest {
  readonly caller: AccessKeyCaller;
  /** Gets the state of the access key's limits, when it has any, before the call is made or refused. */
  readonly onLimits?: (state: LimitState) => void;
  /** Money is held for the call: from now on it is one that ends well or fails, and no longer one that is refused. */
  readonly onHeld?: () => void;
}

/**
 * Admits a request under the limits of its access key, to be settled once (`settleLimits`).
 * @returns undefined for a key without limits. @throws {AppError} tooManyRequests.
 */
export async function admitted(
  limits: KeyLimits,
  { caller, onLimits }: LimitedRequest,
  entry: AdmissionRequest,
): Promise<Admission | undefined> {
  if (!isLimited(caller)) return undefined;
  const admitted = await limits.admit(caller, entry);
  onLimits?.(admitted.state);
  if (admitted.kind === 'refused') throw admitted.error;
  return admitted.admission;
}

/** A call has ended; `usage` undefined = it was not served. Does not wait. */
export function settleLimits(
  limits: Pick<KeyLimits, 'settle'>,
  admission: Admission | undefined,
  usage?: Pick<Usage, 'promptTokens' | 'completionTokens'>,
): void {
  if (admission) limits.settle(admission, usage ? usage.promptTokens + usage.completionTokens : 0);
}

/** A clamped plan may lose the race for the balance this often before the call is refused. */
const CLAMP_TRIES = 3;

/** Takes one hold, alone or together with a job's rows. */
export type TakeHold = (plan: Plan) => Promise<HoldOutcome>;

/** The plan that was held for, or the answer that a keyed request already has. */
export type Reservation = { readonly kind: 'held'; readonly plan: Plan } | Extract<HoldOutcome, { kind: 'answered' }>;

/** The part of a hold request that follows from who calls. */
export function holdOf(
  caller: AccessKeyCaller,
  plan: Plan,
  day: string,
): Pick<HoldRequest, 'accountId' | 'accessKeyId' | 'amount' | 'priceIds' | 'budget'> {
  return {
    accountId: caller.accountId,
    accessKeyId: caller.accessKeyId,
    amount: plan.holdAmount,
    priceIds: plan.candidates.map((candidate) => candidate.price.id),
    ...budgetOf(caller, day),
  };
}

/** The budget of its access key, where it has one. */
export function budgetOf(caller: AccessKeyCaller, day: string): Pick<HoldRequest, 'budget'> {
  const { budget, budgetPeriod } = caller;
  return budget === null ? {} : { budget: { limit: budget, periodStart: periodStart(day, budgetPeriod ?? 'total') } };
}

/**
 * Holds for the plan; when the balance is short, for the largest one it pays (`asked` undefined: all or nothing).
 * @throws {AppError} insufficientBalance, budgetSpent, idempotencyInUse, idempotencyMismatch, databaseUnavailable.
 */
export async function reserve(
  ledger: Ledger,
  caller: AccessKeyCaller,
  plan: Plan,
  asked: Asked | undefined,
  take: TakeHold,
): Promise<Reservation> {
  let attempt = plan;
  let recalled = false;
  for (let tries = 0; ; tries += 1) {
    const outcome = await take(attempt);
    if (outcome.kind === 'held') return { kind: 'held', plan: attempt };
    if (outcome.kind === 'answered') return outcome;
    if (outcome.kind !== 'insufficient' && outcome.kind !== 'budget-spent') throw refusalOf(outcome);
    // Money of the account may be leased to other processes, which give it back now.
    if (!recalled) {
      recalled = true;
      if ((await ledger.recall(caller.accountId)) !== 'nothing-leased') continue;
    }
    const payable = outcome.kind === 'insufficient' ? outcome.available : outcome.left;
    const clamped = asked && tries < CLAMP_TRIES ? await clamp(ledger, caller, plan, asked, payable) : undefined;
    if (!clamped) throw refusalOf(outcome);
    attempt = clamped;
  }
}

async function clamp(ledger: Ledger, caller: AccessKeyCaller, plan: Plan, asked: Asked, payable: bigint) {
  return clampPlan(plan, asked, payable, await ledger.openHolds(caller.accountId));
}

/** @param available in nano-units. */
export function insufficientBalance(available: bigint): AppError {
  return new AppError('insufficientBalance', `the balance of ${formatMoney(available)} does not cover this call`);
}

/** Why a hold was not taken, as the caller reads it. */
function refusalOf(outcome: Exclude<HoldOutcome, { kind: 'held' } | { kind: 'answered' }>): AppError {
  switch (outcome.kind) {
    case 'insufficient':
      return insufficientBalance(outcome.available);
    case 'budget-spent':
      return new AppError(
        'budgetSpent',
        `the access key's budget has ${formatMoney(outcome.left)} left, which does not cover this call`,
      );
    case 'in-use':
    case 'other-body':
    case 'not-kept':
      return claimRefusal(outcome);
    case 'exists':
      return new AppError('databaseUnavailable', 'the ledger lost its connection; nothing was charged', {
        retryAfterSeconds: 2,
      });
  }
}
