/**
 * What running requests hold in memory: their bodies, and kept answers that they go on from. Bounded for all together and
 * for one user, so that nobody else is refused for what one keeps here.
 */
import { getHeapStatistics } from 'node:v8';
import { AppError } from './errors.ts';

/** Each byte costs about three times as much again while its call is made. */
const TOGETHER_BYTES = Math.floor(getHeapStatistics().heap_size_limit / 4);
const SHARE_OF_USER = 1 / 4;
const RETRY_AFTER_SECONDS = 5;

export class HeldBytes {
  #all = 0;
  readonly #ofUsers = new Map<number, number>();
  readonly #togetherBytes: number;

  constructor(togetherBytes: number = TOGETHER_BYTES) {
    this.#togetherBytes = togetherBytes;
  }

  /**
   * Counts them, with room or without: they are to be given back.
   * @param userId undefined: nobody has signed in. @returns why there is no room for them.
   */
  take(userId: number | undefined, bytes: number, togetherBytes: number = this.#togetherBytes): AppError | undefined {
    this.#all += bytes;
    const ofUser = this.#countOfUser(userId, bytes);
    const details = { retryAfterSeconds: RETRY_AFTER_SECONDS };
    if (this.#all > togetherBytes) {
      return new AppError('unavailable', 'too many large requests are running, try again shortly', details);
    }
    if (ofUser <= togetherBytes * SHARE_OF_USER) return undefined;
    return new AppError('tooManyRequests', 'too many large requests of yours are running, try again shortly', details);
  }

  giveBack(userId: number | undefined, bytes: number): void {
    this.#all -= bytes;
    this.#countOfUser(userId, -bytes);
  }

  /** @returns what the user's requests then hold. */
  #countOfUser(userId: number | undefined, bytes: number): number {
    if (userId === undefined) return 0;
    const held = (this.#ofUsers.get(userId) ?? 0) + bytes;
    if (held > 0) this.#ofUsers.set(userId, held);
    else this.#ofUsers.delete(userId);
    return held;
  }
}

/** Of this process. */
export const heldByRequests = new HeldBytes();

/** Where a call counts what it reads into memory. */
export interface Room {
  /** Before they are read, or as they come. @throws when there is no room for them. */
  take(bytes: number): void;
}

/** What one request holds beside its body. */
export class HeldByRequest implements Room {
  readonly #held: HeldBytes;
  readonly #userId: number;
  #bytes = 0;
  #isKept = false;

  constructor(held: HeldBytes, userId: number) {
    this.#held = held;
    this.#userId = userId;
  }

  /** @throws {AppError} when there is no room for them. */
  take(bytes: number): void {
    this.#bytes += bytes;
    const refusal = this.#held.take(this.#userId, bytes);
    if (refusal) throw refusal;
  }

  /** Holds it on until then, whatever comes of it. */
  until(ended: Promise<unknown>): void {
    this.#isKept = true;
    const end = () => {
      this.#isKept = false;
      this.giveBack();
    };
    ended.then(end, end);
  }

  /** All of it, unless it is held on. */
  giveBack(): void {
    if (this.#isKept) return;
    this.#held.giveBack(this.#userId, this.#bytes);
    this.#bytes = 0;
  }
}
