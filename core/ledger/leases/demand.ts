/** How much a process needs to have leased, by what its calls have asked for in the last seconds. */

/** A lease lasts this many times the calls of the busiest second. */
const SECONDS_AHEAD = 2n;
const LEAST_CALLS = 8n;

export class Demand {
  #asked = 0n;
  #bound = 0n;
  #askedBefore = 0n;
  #boundBefore = 0n;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** A call was made that may cost `bound`. @returns the milliseconds since the one before. */
  note(bound: bigint, nowMs: number): number {
    const sinceMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#asked += bound;
    if (bound > this.#bound) this.#bound = bound;
    return sinceMs;
  }

  idleMs(nowMs: number): number {
    return nowMs - this.#lastMs;
  }

  /** A second has passed. @returns whether there were calls in it. */
  tick(): boolean {
    const asked = this.#bound > 0n || this.#asked > 0n;
    if (asked) {
      this.#askedBefore = this.#asked;
      this.#boundBefore = this.#bound;
    } else {
      this.#askedBefore /= 2n;
    }
    this.#asked = 0n;
    this.#bound = 0n;
    return asked;
  }

  /** The most that one call may cost. */
  get bound(): bigint {
    return this.#bound > this.#boundBefore ? this.#bound : this.#boundBefore;
  }

  /** What should be free for the calls to come. */
  get wanted(): bigint {
    const busiest = this.#asked > this.#askedBefore ? this.#asked : this.#askedBefore;
    const ahead = busiest * SECONDS_AHEAD;
    const least = this.bound * LEAST_CALLS;
    return ahead > least ? ahead : least;
  }
}
