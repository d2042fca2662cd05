/**
 * Between a provider's stream and a client: the reader goes on when the client is slow (up to a bound) and when it has
 * left, so that what the provider does is always known to its end.
 */

const END: IteratorReturnResult<void> = { done: true, value: undefined };

interface Taker<Chunk> {
  take(chunk: Chunk): Promise<void> | undefined;
  resolve(): void;
  reject(reason: unknown): void;
}

/** Characters or bytes that wait for a slow client before the reader waits too. */
const HIGH_WATER = 1_000_000;
/** Waiting this long for a client in all, it is the client who makes a call late. */
const SLOW_CLIENT_MS = 5_000;

export class ChunkQueue<Chunk> implements AsyncIterable<Chunk> {
  readonly #signal: AbortSignal;
  readonly #sizeOf: (chunk: Chunk) => number;
  #waiting: Chunk[] = [];
  #size = 0;
  #end: { readonly error?: unknown } | undefined;
  #left = false;
  #waitedMs = 0;
  #outwaited = false;
  #reader: Omit<PromiseWithResolvers<IteratorResult<Chunk, void>>, 'promise'> | undefined;
  #taker: Taker<Chunk> | undefined;
  /** It has not finished with the chunk before. */
  #isTaking = false;
  #wakeWriter: (() => void) | undefined;

  /**
   * @param signal ends every wait for the client: a call is settled in its time, however slowly it is read.
   * @param sizeOf a chunk, in characters or bytes.
   */
  constructor(signal: AbortSignal, sizeOf: (chunk: Chunk) => number) {
    this.#signal = signal;
    this.#sizeOf = sizeOf;
    signal.addEventListener('abort', () => this.#wakeWriter?.(), { once: true });
  }

  /**
   * Gives one chunk. Chunks for a client that has left are dropped.
   * @returns what resolves when there is room for the next; undefined where there is.
   */
  push(chunk: Chunk): Promise<void> | undefined {
    if (this.#left) return undefined;
    const reader = this.#reader;
    if (reader) {
      this.#reader = undefined;
      reader.resolve({ done: false, value: chunk });
      return undefined;
    }
    this.#waiting.push(chunk);
    this.#size += this.#sizeOf(chunk);
    if (this.#taker) this.#give();
    return this.#hasRoom ? undefined : this.#room();
  }

  async #room(): Promise<void> {
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

  /** Nothing follows; with an error the client gets it. */
  close(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    const reader = this.#reader;
    this.#reader = undefined;
    if ('error' in this.#end) reader?.reject(this.#end.error);
    else reader?.resolve(END);
    this.#give();
  }

  /** The client has left. */
  leave(): void {
    this.#left = true;
    this.#waiting = [];
    this.#size = 0;
    this.#wakeWriter?.();
    this.close();
  }

  /**
   * Gives every chunk to `take` as it comes, in the turn in which it was pushed where nothing waits; `take` returns what
   * resolves when it can take the next one. There is one reader.
   * @returns what resolves at the end. @throws what `take` throws, and the error that the queue was closed with.
   */
  each(take: (chunk: Chunk) => Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#taker = { take, resolve, reject };
      this.#give();
    });
  }

  #give(): void {
    const taker = this.#taker;
    if (!taker) return;
    try {
      while (!this.#isTaking) {
        const chunk = this.#shift();
        if (chunk === undefined) break;
        const taken = taker.take(chunk);
        if (taken) this.#giveAfter(taken);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#isTaking || !this.#end) return;
    this.#taker = undefined;
    if ('error' in this.#end) taker.reject(this.#end.error);
    else taker.resolve();
  }

  /** The taker has failed, which counts as a client that has left. */
  #fail(error: unknown): void {
    const taker = this.#taker;
    this.#taker = undefined;
    this.leave();
    taker?.reject(error);
  }

  #giveAfter(taken: Promise<void>): void {
    this.#isTaking = true;
    const goOn = () => {
      this.#isTaking = false;
      this.#give();
    };
    taken.then(goOn, (error: unknown) => this.#fail(error));
  }

  #shift(): Chunk | undefined {
    const chunk = this.#waiting.shift();
    if (chunk === undefined) return undefined;
    this.#size -= this.#sizeOf(chunk);
    if (this.#wakeWriter && this.#hasRoom) this.#wakeWriter();
    return chunk;
  }

  /** There is one reader, and it takes one chunk after the other. */
  [Symbol.asyncIterator](): AsyncIterator<Chunk, void> {
    return { next: () => this.#next() };
  }

  #next(): Promise<IteratorResult<Chunk, void>> {
    const chunk = this.#shift();
    if (chunk !== undefined) return Promise.resolve({ done: false, value: chunk });
    if (!this.#end) {
      return new Promise((resolve, reject) => {
        this.#reader = { resolve, reject };
      });
    }
    return 'error' in this.#end ? Promise.reject(this.#end.error) : Promise.resolve(END);
  }
}
