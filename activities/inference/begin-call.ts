/** The beginning of every synchronous call: the hold. */
import type { AccessKeyCaller } from '../accounts/caller.ts';
import type { ClaimRequest, StoredAnswer } from '../billing/operations/claim.ts';
import type { InferenceParts } from './parts.ts';
import type { Asked, Plan } from './plan.ts';
import { holdOf, reserve } from './reservation.ts';
import type { CallIdentity } from './settlement.ts';

export interface CallRequest {
  readonly caller: AccessKeyCaller;
  readonly traceId: string;
  readonly claim?: ClaimRequest;
}

/** A call whose hold is taken. */
export interface Held {
  readonly kind: 'held';
  readonly plan: Plan;
  readonly identity: CallIdentity;
  readonly startedAtMs: number;
}

export type Begun = Held | { readonly kind: 'answered-before'; readonly answer: StoredAnswer };

/** A hold of a call in a living process is swept this long after the call's own deadline. */
const HOLD_LIFE_MARGIN_MS = 60_000;

/**
 * @param asked what the plan may be clamped by; undefined = all or nothing.
 * @throws {AppError} no balance, a key in use, no database.
 */
export async function beginCall(
  { ledger, totalTimeoutMs }: Pick<InferenceParts, 'ledger' | 'totalTimeoutMs'>,
  request: CallRequest,
  plan: Plan,
  asked: Asked | undefined,
  requestId: string,
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
    day,
  };
  return { kind: 'held', plan: reservation.plan, identity, startedAtMs };
}
