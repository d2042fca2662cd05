/**
 * Between a provider's stream and a client: the reader goes on when the client is slow (up to a bound) and when it has
 * left, so that what the provider does is always known to its end.
 */

/** Characters that wait for a slow client before the reader waits too. */
const HIGH_WATER = 1_000_000;
/** Waiting this long for a client in all, it is the client who makes a call late. */
const SLOW_CLIENT_MS = 5_000;

export class ChunkQueue implements AsyncIterable<string> {
  readonly #signal: AbortSignal;
  #waiting: string[] = [];
  #size = 0;
  #end: { readonly error?: unknown } | undefined;
  #left = false;
  #waitedMs = 0;
  #outwaited = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** @param signal ends every wait for the client: a call is settled in its time, however slowly it is read. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wakeWriter?.(), { once: true });
  }

  /** Gives one chunk; resolves when there is room for the next. Chunks for a client that has left are dropped. */
  async push(chunk: string): Promise<void> {
    if (this.#left) return;
    this.#waiting.push(chunk);
    this.#size += chunk.length;
    this.#wakeReader?.();
    if (this.#hasRoom) return;
    const since = performance.now();
    while (!this.#hasRoom) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
    this.#waitedMs += performance.now() - since;
    this.#outwaited ||= this.#signal.aborted;
  }

  get #hasRoom(): boolean {
    return this.#size <= HIGH_WATER || this.#left || this.#signal.aborted;
  }

  /**
   * Whether the client has held the reader up: long, or until the call's time was over. A provider that was not read
   * then says nothing about itself by being late or breaking off.
   */
  get heldUp(): boolean {
    return this.#outwaited || this.#waitedMs >= SLOW_CLIENT_MS;
  }

  /** Nothing follows; with an error the client is told of it. */
  close(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wakeReader?.();
  }

  /** The client has left. */
  leave(): void {
    this.#left = true;
    this.#waiting = [];
    this.#size = 0;
    this.#wakeWriter?.();
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    for (;;) {
      const chunks = this.#waiting;
      this.#waiting = [];
      this.#size = 0;
      this.#wakeWriter?.();
      yield* chunks;
      if (this.#waiting.length > 0) continue;
      if (this.#end) {
        if ('error' in this.#end) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }
}
