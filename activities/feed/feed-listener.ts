/** One who listens to the feed, with the events that it has not taken yet. */
import type { FeedEvent, FeedNews } from './feed-watch.ts';

/** About half a megabyte. */
const MOST_WAITING = 1_000;

export class FeedListener {
  readonly #signal: AbortSignal;
  readonly #onClose: () => void;
  readonly #leave = (): void => this.close();
  #waiting: FeedEvent[] = [];
  #missed = 0;
  #isNews = false;
  #isClosed = false;
  #wake = (): void => undefined;

  constructor(signal: AbortSignal, onClose: () => void) {
    this.#signal = signal;
    this.#onClose = onClose;
    signal.addEventListener('abort', this.#leave, { once: true });
  }

  /** Of events that wait for too long, the oldest go. */
  take({ events, missed }: FeedNews): void {
    this.#waiting.push(...events);
    this.#missed += missed + Math.max(0, this.#waiting.length - MOST_WAITING);
    this.#waiting = this.#waiting.slice(-MOST_WAITING);
    this.#isNews = true;
    this.#wake();
  }

  /** What came since the last call, at every round of the feed, also when nothing came; undefined at the end. */
  async next(): Promise<FeedNews | undefined> {
    if (!this.#isNews && !this.#isClosed && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#isClosed || this.#signal.aborted) return undefined;
    const news = { events: this.#waiting, missed: this.#missed };
    this.#waiting = [];
    this.#missed = 0;
    this.#isNews = false;
    return news;
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal.removeEventListener('abort', this.#leave);
    this.#waiting = [];
    this.#onClose();
    this.#wake();
  }
}
