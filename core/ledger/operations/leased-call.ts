/**
 * Calls that a lease pays for: charged without reading a row, because only the writer of a lease may change it, and the
 * fence of the batch is the proof that this is still the writer. Pure.
 */
import type { FinishedCall } from '../../usage/usage-record.ts';
import { type Operation, read } from '../commit-queue/operation.ts';
import type { Rows } from '../commit-queue/unit-of-work.ts';
import { leaseCharges } from '../tables/holds.ts';
import { charges, losses, transferKey, transfers } from '../tables/transfers.ts';
import { type Capture, type CaptureOutcome, transferOf } from './capture.ts';
import { recordCall } from './close-hold.ts';
import { isOwnLease, type LeaseReference, leaseReads, moveInto, openLease } from './lease.ts';

/** What of a lease is kept for one call. */
export interface LeasedCall {
  readonly lease: LeaseReference;
  /** The most that the call was expected to cost. */
  readonly bound: bigint;
  /** For a cost above that: what the lease has kept for it since. */
  readonly extra: bigint;
}

export type LeaseChargeOutcome =
  | (Extract<CaptureOutcome, { kind: 'captured' }> & {
      /** By how much the lease grew to pay for it. */
      readonly grownBy: bigint;
    })
  /** The process was fenced in between, and its lease given back: nothing was done. */
  | { readonly kind: 'lease-gone' };

/** Charges what the lease has kept for the call; no row is read. @param mayWait see Operation. */
export function chargeLease(request: Capture, call: LeasedCall, mayWait = false): Operation<LeaseChargeOutcome> {
  return {
    reads: [],
    mayWait,
    decide: (rows) => (isOwnLease(call.lease, rows) ? charge(rows, request, call, 0n) : { kind: 'lease-gone' }),
  };
}

/** Charges a call that cost more than the lease has kept for it; the rest comes from the account, as far as it goes. */
export function chargeBeyondLease(request: Capture, call: LeasedCall): Operation<LeaseChargeOutcome> {
  return {
    reads: leaseReads(call.lease),
    decide: (rows) => {
      const lease = openLease(rows, call.lease);
      if (!lease) return { kind: 'lease-gone' };
      return charge(rows, request, call, moveInto(rows, lease, request.cost - call.bound - call.extra));
    },
  };
}

function charge(rows: Rows, request: Capture, { lease, bound, extra }: LeasedCall, grownBy: bigint) {
  const { cost } = request;
  if (cost < 0n) throw new RangeError('a cost must not be negative');
  const most = bound + extra + grownBy;
  const charged = cost < most ? cost : most;
  const captured = charged < bound ? charged : bound;
  const overrun = charged - captured;
  const loss = cost - charged;
  if (charged > 0n) rows.append(leaseCharges, { leaseId: lease.id, amount: charged });
  rows.append(charges, transferOf(rows, request, 'charge', -captured, lease.id));
  if (overrun > 0n) rows.append(charges, transferOf(rows, request, 'overrun', -overrun, lease.id));
  if (loss > 0n) rows.append(losses, transferOf(rows, request, 'loss', loss, lease.id));
  recordCall(rows, request.call, charged);
  return { kind: 'captured', charged, loss, grownBy } as const;
}

/**
 * A call whose lease is gone: nothing is charged any more, the platform pays. It was charged if the batch that did so
 * was committed in a way that this process could not learn of.
 */
export function chargeTooLate(request: Capture): Operation<CaptureOutcome> {
  const keys = (['charge', 'overrun'] as const).map((kind) => transferKey({ id: request.holdId, kind }));
  return {
    reads: keys.map((key) => read(transfers, key)),
    decide: (rows) => {
      const [charged, overrun] = keys.map((key) => rows.get(transfers, key)?.amount);
      if (charged !== undefined) return { kind: 'already-captured', charged: -charged - (overrun ?? 0n) };
      rows.append(losses, transferOf(rows, request, 'loss', request.cost));
      return { kind: 'hold-released' };
    },
  };
}

/** A call that failed: a line in the usage log and the statistics. */
export function recordFailure(call: FinishedCall): Operation<void> {
  return { reads: [], decide: (rows) => recordCall(rows, call, 0n) };
}
