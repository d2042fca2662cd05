/** Returning a whole hold: the call failed, was cancelled or its process died. Pure. */
import type { FinishedCall } from '../../usage/usage-record.ts';
import type { Operation } from '../commit-queue/operation.ts';
import type { Rows } from '../commit-queue/unit-of-work.ts';
import { type ClaimRequest, claimReads, dropUnanswered } from './claim.ts';
import { type HoldReference, heldRows, holdReferenceReads, recordCall, releaseHold } from './close-hold.ts';

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
  const { hold } = heldRows(rows, request);
  if (request.claim) dropUnanswered(rows, request.claim);
  if (hold.state !== 'open') return { kind: 'already-closed' };
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
