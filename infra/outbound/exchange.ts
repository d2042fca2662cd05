/**
 * One call on the wire: undici's events become an answer that is read whole or chunk by chunk. undici's own `request`
 * makes a stream, an AsyncResource and a listener for the same, which took as long as the rest of the call.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Dispatcher, errors } from 'undici';
import { withoutMark } from '../json-object.ts';
import type { CallLimits, OutboundAnswer } from './call.ts';

const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;
/** So much waits in memory for a reader before the connection waits, too. */
const HIGH_WATER_BYTES = 64 * 1024;

const END: IteratorReturnResult<void> = { done: true, value: undefined };

interface Settling<Value> {
  resolve(value: Value): void;
  reject(error: Error): void;
}

export class Exchange implements Dispatcher.DispatchHandler {
  /** Resolves with the answer's head. */
  readonly answer: Promise<OutboundAnswer>;
  readonly #maxBytes: number;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  #head: Settling<OutboundAnswer> | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isReadWhole = false;
  #hasEnded = false;
  #error: Error | undefined;
  /** Waits for the end of a whole answer. */
  #wholeReader: Settling<void> | undefined;
  /** Waits for the next chunk of a stream. */
  #chunkReader: Settling<IteratorResult<Uint8Array, void>> | undefined;

  constructor({ totalMs, maxBytes = DEFAULT_MAX_BYTES }: CallLimits, signal: AbortSignal | undefined) {
    this.#maxBytes = maxBytes;
    this.#signal = signal;
    this.answer = new Promise((resolve, reject) => {
      this.#head = { resolve, reject };
    });
    this.#timer = setTimeout(
      () => this.#abort(new errors.BodyTimeoutError('the answer was not complete in time')),
      totalMs,
    );
    signal?.addEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal?.reason;
    this.#abort(reason instanceof Error ? reason : new errors.RequestAbortedError());
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#error) controller.abort(this.#error);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // An interim answer, such as 103 Early Hints.
    if (status < 200) return;
    this.#head?.resolve({
      status,
      headers,
      stream: this.#stream,
      text: async () => withoutMark((await this.#whole()).toString()),
      bytes: () => this.#whole(),
      discard: () => this.#abort(new errors.RequestAbortedError()),
    });
    this.#head = undefined;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const reader = this.#chunkReader;
    if (reader) {
      this.#chunkReader = undefined;
      reader.resolve({ done: false, value: chunk });
      return;
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#isReadWhole) this.#refuseTooLarge();
    else if (this.#bytes > HIGH_WATER_BYTES) controller.pause();
  }

  onResponseEnd(): void {
    this.#hasEnded = true;
    this.#close();
    this.#wholeReader?.resolve();
    this.#chunkReader?.resolve(END);
    this.#chunkReader = undefined;
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #abort(error: Error): void {
    this.#fail(error);
    this.#controller?.abort(error);
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#close();
    this.#head?.reject(this.#error);
    this.#head = undefined;
    this.#wholeReader?.reject(this.#error);
    this.#chunkReader?.reject(this.#error);
    this.#chunkReader = undefined;
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  async #whole(): Promise<Buffer> {
    this.#isReadWhole = true;
    this.#refuseTooLarge();
    this.#controller?.resume();
    if (!this.#hasEnded && !this.#error) {
      await new Promise<void>((resolve, reject) => {
        this.#wholeReader = { resolve, reject };
      });
    }
    if (this.#error) throw this.#error;
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks, this.#bytes);
  }

  #refuseTooLarge(): void {
    if (this.#bytes <= this.#maxBytes) return;
    this.#abort(new errors.ResponseExceededMaxSizeError(`the answer is larger than ${this.#maxBytes} bytes`));
  }

  /** By hand: a generator cost several turns of the microtask queue a chunk. */
  readonly #stream: AsyncIterableIterator<Uint8Array, void> = {
    [Symbol.asyncIterator]: () => this.#stream,
    next: () => this.#nextChunk(),
    // Nobody reads on.
    return: () => {
      this.#abort(new errors.RequestAbortedError());
      return Promise.resolve(END);
    },
  };

  #nextChunk(): Promise<IteratorResult<Uint8Array, void>> {
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#bytes -= chunk.length;
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#error) return Promise.reject(this.#error);
    if (this.#hasEnded) return Promise.resolve(END);
    const next = new Promise<IteratorResult<Uint8Array, void>>((resolve, reject) => {
      this.#chunkReader = { resolve, reject };
    });
    // It may give a chunk at once, which is the next one.
    this.#controller?.resume();
    return next;
  }
}
