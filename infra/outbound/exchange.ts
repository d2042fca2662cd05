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
  /** Waits for the end of a whole answer, or for the next chunk of a stream. */
  #reader: Settling<void> | undefined;

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
      stream: this.#stream(),
      text: async () => withoutMark((await this.#whole()).toString()),
      bytes: () => this.#whole(),
      discard: () => this.#abort(new errors.RequestAbortedError()),
    });
    this.#head = undefined;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#isReadWhole) this.#refuseTooLarge();
    else if (this.#reader) this.#wake();
    else if (this.#bytes > HIGH_WATER_BYTES) controller.pause();
  }

  onResponseEnd(): void {
    this.#hasEnded = true;
    this.#close();
    this.#wake();
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
    this.#reader?.reject(this.#error);
    this.#reader = undefined;
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #wake(): void {
    this.#reader?.resolve();
    this.#reader = undefined;
  }

  async #whole(): Promise<Buffer> {
    this.#isReadWhole = true;
    this.#refuseTooLarge();
    this.#controller?.resume();
    if (!this.#hasEnded && !this.#error) await this.#next();
    if (this.#error) throw this.#error;
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks, this.#bytes);
  }

  #refuseTooLarge(): void {
    if (this.#bytes <= this.#maxBytes) return;
    this.#abort(new errors.ResponseExceededMaxSizeError(`the answer is larger than ${this.#maxBytes} bytes`));
  }

  async *#stream(): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) {
        const chunks = this.#chunks;
        this.#chunks = [];
        this.#bytes = 0;
        if (chunks.length > 0) yield* chunks;
        else if (this.#error) throw this.#error;
        else if (this.#hasEnded) return;
        else {
          this.#controller?.resume();
          await this.#next();
        }
      }
    } finally {
      // Nobody reads on.
      this.#abort(new errors.RequestAbortedError());
    }
  }

  #next(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }
}
