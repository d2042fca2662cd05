/**
 * A lease in the memory of the process that has it. Its row always has at least what the memory knows: money that comes
 * in is committed before it counts here, and money that goes out leaves here before it is committed.
 */
import type { LeaseReference } from '../operations/lease.ts';

export class OpenLease implements LeaseReference {
  readonly id: string;
  readonly accountId: number;
  readonly budgetKeyId: number | null;
  readonly budgetLimit: bigint | null;
  /** First day of the budget period that it was taken from, or null without a budget. */
  readonly period: string | null;
  readonly writer: LeaseReference['writer'];
  /** Not charged and not given back. */
  #left = 0n;
  /** Of that, what calls in flight may cost. */
  #reserved = 0n;
  #calls = 0;
  /** It takes no further calls, and what is free goes back. */
  draining = false;
  /** The database knows that it is draining. */
  isMarked = false;
  /** Its end is on its way to the database. */
  closing = false;

  constructor(reference: LeaseReference & Pick<OpenLease, 'budgetLimit' | 'period'>, amount: bigint) {
    this.id = reference.id;
    this.accountId = reference.accountId;
    this.budgetKeyId = reference.budgetKeyId;
    this.budgetLimit = reference.budgetLimit;
    this.period = reference.period;
    this.writer = reference.writer;
    this.#left = amount;
  }

  get left(): bigint {
    return this.#left;
  }

  get reserved(): bigint {
    return this.#reserved;
  }

  /** What no call in flight needs. */
  get free(): bigint {
    return this.#left - this.#reserved;
  }

  get isIdle(): boolean {
    return this.#calls === 0;
  }

  /** Keeps the bound of a new call. @returns false when it does not fit. */
  admit(bound: bigint): boolean {
    if (this.draining || bound > this.free) return false;
    this.#reserved += bound;
    this.#calls += 1;
    return true;
  }

  /** Keeps more for a call in flight, as far as there is. @returns how much. */
  keepMore(wanted: bigint): bigint {
    const kept = wanted < this.free ? wanted : this.free;
    this.#reserved += kept;
    return kept;
  }

  /** Frees what was kept for a call beyond its bound: it could not be charged. */
  keepLess(kept: bigint): void {
    this.#reserved -= kept;
  }

  /** A call has ended, for which `kept` was kept; what it cost has been committed. */
  end(kept: bigint, charged: bigint): void {
    this.#left -= charged;
    this.#reserved -= kept;
    this.#calls -= 1;
  }

  /** The lease has grown; committed. */
  grow(amount: bigint): void {
    this.#left += amount;
  }

  /** Takes out what is to be given back; put in again (`grow`) when that fails. */
  takeOut(amount: bigint): void {
    this.#left -= amount;
  }
}
