/** The beginning of every synchronous call: the limits of its access key, then the hold. */
import type { Admission } from '../accounts/key-limits.ts';
import type { ClaimRequest, StoredAnswer } from '../billing/operations/claim.ts';
import { type LimitedRequest, underLimits } from './admission.ts';
import type { InferenceParts } from './parts.ts';
import type { Asked, Plan } from './plan.ts';
import { holdOf, reserve } from './reservation.ts';
import type { CallIdentity } from './settlement.ts';

export interface CallRequest extends LimitedRequest {
  readonly traceId: string;
  readonly claim?: ClaimRequest;
}

/** A call whose hold is taken. */
export interface Held {
  readonly kind: 'held';
  readonly plan: Plan;
  readonly identity: CallIdentity;
  readonly startedAtMs: number;
  /** Undefined for an access key without limits; settled when the call has ended. */
  readonly admission: Admission | undefined;
}

export type Begun = Held | { readonly kind: 'answered-before'; readonly answer: StoredAnswer };

type HoldParts = Pick<InferenceParts, 'ledger' | 'limits' | 'totalTimeoutMs'>;

/** A hold of a call in a living process is swept this long after the call's own deadline. */
const HOLD_LIFE_MARGIN_MS = 60_000;

/**
 * @param asked what the plan may be clamped by; undefined = all or nothing.
 * @throws {AppError} too many requests, no balance, a key in use, no database.
 */
export function beginCall(
  parts: HoldParts,
  request: CallRequest,
  plan: Plan,
  asked: Asked | undefined,
  requestId: string,
): Promise<Begun> {
  const entry = { id: requestId, tokens: plan.tokenBound };
  const take = (admission: Admission | undefined) => takeHold(parts, request, plan, asked, requestId, admission);
  return underLimits(parts.limits, request, entry, take, ({ kind }) => kind === 'held');
}

async function takeHold(
  { ledger, totalTimeoutMs }: HoldParts,
  request: CallRequest,
  plan: Plan,
  asked: Asked | undefined,
  requestId: string,
  admission: Admission | undefined,
): Promise<Begun> {
  const startedAtMs = Date.now();
  const { caller, claim } = request;
  const day = ledger.day(startedAtMs);
  const reservation = await reserve(ledger, caller, plan, asked, (payable) =>
    ledger.hold({
      ...holdOf(caller, payable, day),
      id: requestId,
      owner: 'call',
      lifeMs: totalTimeoutMs + HOLD_LIFE_MARGIN_MS,
      ...(claim ? { claim } : {}),
    }),
  );
  if (reservation.kind === 'answered') return { kind: 'answered-before', answer: reservation.answer };
  const identity: CallIdentity = {
    requestId,
    userId: caller.userId,
    accountId: caller.accountId,
    accessKeyId: caller.accessKeyId,
    budgeted: caller.budget !== null,
    traceId: request.traceId,
    isAsync: false,
  };
  return { kind: 'held', plan: reservation.plan, identity, startedAtMs, admission };
}
