/** Charging a finished call against its hold. Pure. */
import type { FinishedCall } from '../../usage/usage-record.ts';
import type { Operation } from '../commit-queue/operation.ts';
import type { Rows } from '../commit-queue/unit-of-work.ts';
import { NO_USAGE } from '../money.ts';
import { accounts } from '../tables/accounts.ts';
import type { Hold } from '../tables/holds.ts';
import { charges, losses, type Transfer } from '../tables/transfers.ts';
import { type ClaimRequest, claimReads, dropClaim, ownsClaim, type StoredAnswer, storeAnswer } from './claim.ts';
import {
  addToBudget,
  budgetRest,
  captureHold,
  type HoldReference,
  heldRows,
  holdReferenceReads,
  recordCall,
  releaseHold,
} from './close-hold.ts';

export interface Capture extends HoldReference {
  readonly priceId: number;
  readonly cost: bigint;
  /** For its transfer, the usage log and the statistics. */
  readonly call: FinishedCall;
  /**
   * The keyed request that this call answers, and the answer to keep, made from what is charged. Without an answer (a
   * stream that broke) the key is free again.
   */
  readonly claim?: ClaimRequest;
  readonly answer?: (charged: bigint) => StoredAnswer;
  /** Size of that answer, so that batches stay small. */
  readonly answerBytes?: number;
  /** Nobody waits for the charge alone: it may be put off for a larger batch. */
  readonly mayWait?: boolean;
}

export type CaptureOutcome =
  /** `charged` includes what went over the hold; `loss` is what neither the balance nor the key's budget could pay. */
  | { readonly kind: 'captured'; readonly charged: bigint; readonly loss: bigint }
  | { readonly kind: 'already-captured'; readonly charged: bigint }
  /** The sweeper was first, because the process seemed dead: nothing is charged, the platform pays the cost. */
  | { readonly kind: 'hold-released' }
  /** Another call has taken over the idempotency key: this one is not charged. */
  | { readonly kind: 'claim-lost' };

export function captureReads(request: Capture) {
  return [...holdReferenceReads(request), ...claimReads(request.claim)];
}

export function decideCapture(rows: Rows, request: Capture): CaptureOutcome {
  if (request.cost < 0n) throw new RangeError('a cost must not be negative');
  const { hold } = heldRows(rows, request);
  if (hold.state === 'captured') return { kind: 'already-captured', charged: hold.captured };
  if (hold.state === 'released') {
    rows.append(losses, transferOf(rows, request, 'loss', request.cost));
    return { kind: 'hold-released' };
  }
  if (request.claim && !ownsClaim(rows, request.claim)) {
    releaseHold(rows, request);
    rows.append(losses, transferOf(rows, request, 'loss', request.cost));
    return { kind: 'claim-lost' };
  }
  const captured = request.cost < hold.amount ? request.cost : hold.amount;
  const account = captureHold(rows, request, captured);
  rows.append(charges, transferOf(rows, request, 'charge', -captured));
  const overrun = chargeOverrun(rows, request, hold, account.available);
  recordCall(rows, request.call, captured + overrun);
  if (request.claim) {
    if (request.answer) storeAnswer(rows, request.claim, request.answer(captured + overrun));
    else dropClaim(rows, request.claim);
  }
  return { kind: 'captured', charged: captured + overrun, loss: request.cost - captured - overrun };
}

/**
 * The provider counted more than was held. Charges at most what the account has available and the key's budget still
 * allows, and nothing for a count that is far too large to be true; the rest is a loss.
 */
function chargeOverrun(rows: Rows, request: Capture, hold: Hold, available: bigint): bigint {
  const excess = request.cost - hold.amount;
  if (excess <= 0n) return 0n;
  const affordable = excess < available ? excess : available;
  const budgeted = budgetRest(rows, request, hold);
  const payable = budgeted === undefined || affordable < budgeted ? affordable : budgeted;
  const charged = request.call.doubt === 'too-large' ? 0n : payable;
  if (charged > 0n) {
    const account = rows.get(accounts, String(request.accountId));
    if (account) rows.put(accounts, String(account.id), { ...account, available: account.available - charged });
    rows.append(charges, transferOf(rows, request, 'overrun', -charged));
    addToBudget(rows, request, hold, charged);
  }
  if (excess > charged) rows.append(losses, transferOf(rows, request, 'loss', excess - charged));
  return charged;
}

/** @param holdId what paid: the call's own hold, or a lease. */
export function transferOf(
  rows: Rows,
  request: Capture,
  kind: Transfer['kind'],
  amount: bigint,
  holdId = request.holdId,
): Transfer {
  const { call } = request;
  const counted = kind === 'charge' ? call : NO_USAGE;
  return {
    id: request.holdId,
    kind,
    accountId: request.accountId,
    amount,
    day: rows.today,
    createdAtMs: rows.nowMs,
    holdId,
    accessKeyId: call.accessKeyId,
    modelId: call.modelId,
    providerId: call.providerId,
    priceId: request.priceId,
    priceRule: call.priceRule,
    promptTokens: counted.promptTokens,
    cachedTokens: counted.cachedTokens,
    completionTokens: counted.completionTokens,
    imageCount: counted.imageCount,
    characters: counted.characters,
    audioSeconds: counted.audioSeconds,
    estimated: counted.estimated,
    note: null,
  };
}

/** Captures the cost of a call and releases the rest of its hold. Idempotent by the hold's state. */
export function capture(request: Capture): Operation<CaptureOutcome> {
  return {
    reads: captureReads(request),
    bytes: (request.answerBytes ?? 0) * 2,
    decide: (rows) => decideCapture(rows, request),
  };
}
