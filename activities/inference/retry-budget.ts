/**
 * Keeps retries a small share of the calls, so that a provider in trouble is not called more when it can do less:
 * within ten seconds at most 20 % of the requests begun, and at least 3 (Envoy's figures for a retry budget).
 */
const WINDOW_SECONDS = 10;
const RETRY_SHARE = 0.2;
const LEAST_RETRIES = 3;

export class RetryBudget {
  readonly #nowMs: () => number;
  /** Counts of the last seconds, at index second % WINDOW_SECONDS. */
  readonly #requests = new Array<number>(WINDOW_SECONDS).fill(0);
  readonly #retries = new Array<number>(WINDOW_SECONDS).fill(0);
  #second: number;

  /** @param nowMs a clock that never goes back, in milliseconds. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#second = Math.floor(nowMs() / 1_000);
  }

  /** A request, whatever number of attempts it will take. */
  requestBegan(): void {
    add(this.#requests, this.#index());
  }

  mayRetry(): boolean {
    this.#index();
    return sum(this.#retries) + 1 <= Math.max(LEAST_RETRIES, RETRY_SHARE * sum(this.#requests));
  }

  /** A second or later attempt of a request; asks `mayRetry` first. */
  retryBegan(): void {
    add(this.#retries, this.#index());
  }

  /** The index of the present second, after the seconds that have gone by are emptied. */
  #index(): number {
    const second = Math.floor(this.#nowMs() / 1_000);
    const passed = Math.min(second - this.#second, WINDOW_SECONDS);
    for (let step = 1; step <= passed; step += 1) {
      this.#requests[(this.#second + step) % WINDOW_SECONDS] = 0;
      this.#retries[(this.#second + step) % WINDOW_SECONDS] = 0;
    }
    this.#second = Math.max(this.#second, second);
    return this.#second % WINDOW_SECONDS;
  }
}

function add(counts: number[], index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
