/**
 * What happens at the moment, for administrators who watch: calls that have ended, jobs that move, circuits of provider
 * keys. The stores are asked once a second in each process that has a listener, and not at all in others. Who is slow
 * loses events and learns how many.
 */
import { AppError } from '../../infra/errors.ts';
import { FeedListener } from './feed-listener.ts';
import { FeedWatch, type FeedWatchDeps } from './feed-watch.ts';

/** In one process. Each takes some memory and a check of its session a second. */
const MOST_LISTENERS = 50;
const RETRY_AFTER_SECONDS = 10;

export class LiveFeed {
  readonly #deps: FeedWatchDeps;
  readonly #listeners = new Set<FeedListener>();
  #watch: FeedWatch | undefined;
  #isClosed = false;

  constructor(deps: FeedWatchDeps) {
    this.#deps = deps;
  }

  /**
   * What happens from now on, after the circuits that are not closed at the moment. The listener ends with `signal`.
   * @throws {AppError} tooManyRequests; unavailable when the process stops; databaseUnavailable.
   */
  async open(signal: AbortSignal): Promise<FeedListener> {
    if (this.#isClosed) throw new AppError('unavailable', 'this process is stopping: connect again');
    if (this.#listeners.size >= MOST_LISTENERS) {
      const message = `${MOST_LISTENERS} feeds are open, which is the most: close one`;
      throw new AppError('tooManyRequests', message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    this.#watch ??= new FeedWatch(this.#deps, (news) => {
      for (const each of this.#listeners) each.take(news);
    });
    const watch = this.#watch;
    const listener = new FeedListener(signal, () => this.#left(listener));
    this.#listeners.add(listener);
    try {
      await watch.begun;
    } catch (error) {
      listener.close();
      throw error;
    }
    listener.take({ events: watch.openCircuits(), missed: 0 });
    return listener;
  }

  /** Ends every feed, so that a process that stops does not wait for them. */
  close(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners) listener.close();
  }

  #left(listener: FeedListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    this.#watch?.stop();
    this.#watch = undefined;
  }
}
