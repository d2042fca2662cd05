/** The calls that this process's leases pay for, from their admission to their charge or release. */
import type { CommitQueue } from '../commit-queue/commit-queue.ts';
import type { Capture, CaptureOutcome } from '../operations/capture.ts';
import type { Release, ReleaseOutcome } from '../operations/close-hold.ts';
import { chargeBeyondLease, chargeLease, chargeTooLate, recordFailure } from '../operations/leased-call.ts';
import type { OpenLease } from './open-lease.ts';

interface CallInFlight {
  readonly lease: OpenLease;
  readonly bound: bigint;
  /** Until then it must have ended. */
  readonly expiresAtMs: number;
  /** Its charge, as soon as that has begun. */
  charging: Promise<CaptureOutcome> | undefined;
  /** It did not end in time, and the lease keeps nothing for it any more. */
  isExpired: boolean;
}

/** After its time is over. No call that still runs ends so late: it ended without a word. */
const FORGOTTEN_AFTER_MS = 3_600_000;

export class LeasedCalls {
  readonly #queue: Pick<CommitQueue, 'submit'>;
  /** `gone`: the process was fenced. */
  readonly #onEnd: (lease: OpenLease, end: 'call-ended' | 'gone') => void;
  readonly #calls = new Map<string, CallInFlight>();

  constructor(queue: Pick<CommitQueue, 'submit'>, onEnd: (lease: OpenLease, end: 'call-ended' | 'gone') => void) {
    this.#queue = queue;
    this.#onEnd = onEnd;
  }

  /** @returns false when the call does not fit into the lease. */
  admit(id: string, lease: OpenLease, bound: bigint, expiresAtMs: number): boolean {
    if (!lease.admit(bound)) return false;
    this.#calls.set(id, { lease, bound, expiresAtMs, charging: undefined, isExpired: false });
    return true;
  }

  /** A call that was lost in this process must not keep its money for ever. */
  expire(nowMs: number): void {
    for (const [id, call] of this.#calls) {
      if (call.expiresAtMs > nowMs || call.charging) continue;
      if (call.expiresAtMs + FORGOTTEN_AFTER_MS <= nowMs) this.#calls.delete(id);
      if (call.isExpired) continue;
      call.isExpired = true;
      call.lease.end(call.bound, 0n);
      this.#onEnd(call.lease, 'call-ended');
    }
  }

  has(id: string): boolean {
    return this.#calls.has(id);
  }

  /** Charges a call. @returns undefined for one that no lease pays for. While it runs, a second charge gets the first. */
  charge(request: Capture): Promise<CaptureOutcome> | undefined {
    const call = this.#calls.get(request.holdId);
    if (call?.charging) return call.charging.then((first) => repeated(first));
    if (!call) return undefined;
    const charging = this.#charge(request, call);
    call.charging = charging;
    charging.then(
      () => this.#calls.delete(request.holdId),
      // Nothing was charged: the call is still in flight, and to be released.
      () => {
        call.charging = undefined;
      },
    );
    return charging;
  }

  /** Of a call that failed. @returns undefined for one that no lease pays for. */
  release(request: Release): Promise<ReleaseOutcome> | undefined {
    const call = this.#calls.get(request.holdId);
    if (call?.charging) return call.charging.then(() => ({ kind: 'already-closed' }));
    if (!call) return undefined;
    this.#calls.delete(request.holdId);
    if (call.isExpired) return Promise.resolve({ kind: 'already-closed' });
    call.lease.end(call.bound, 0n);
    this.#onEnd(call.lease, 'call-ended');
    return this.#record(request);
  }

  async #record({ call }: Release): Promise<ReleaseOutcome> {
    if (call) await this.#queue.submit(recordFailure(call));
    return { kind: 'released' };
  }

  async #charge(request: Capture, { lease, bound, isExpired }: CallInFlight): Promise<CaptureOutcome> {
    if (isExpired) return this.#queue.submit(chargeTooLate(request));
    const excess = request.cost - bound;
    const isOver = excess > 0n && request.call.doubt !== 'too-large';
    const extra = isOver ? lease.keepMore(excess) : 0n;
    const kept = { lease, bound, extra };
    // Only other calls in flight can join its batch.
    const mayWait = request.mayWait === true && this.#calls.size > 1;
    const operation = isOver && extra < excess ? chargeBeyondLease(request, kept) : chargeLease(request, kept, mayWait);
    const outcome = await this.#queue.submit(operation).catch((error: unknown) => {
      lease.keepLess(extra);
      throw error;
    });
    if (outcome.kind === 'lease-gone') {
      lease.end(bound + extra, 0n);
      this.#onEnd(lease, 'gone');
      return this.#queue.submit(chargeTooLate(request));
    }
    const { charged, loss, grownBy } = outcome;
    lease.grow(grownBy);
    lease.end(bound + extra, charged);
    this.#onEnd(lease, 'call-ended');
    return { kind: 'captured', charged, loss };
  }
}

function repeated(first: CaptureOutcome): CaptureOutcome {
  return first.kind === 'captured' ? { kind: 'already-captured', charged: first.charged } : first;
}
