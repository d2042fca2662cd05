/** Writes server-sent events to a client at the client's own pace. */
import { once } from 'node:events';
import type { ApiContext } from './route-input.ts';

/** Proxies and clients give up on a silent connection; comments keep it open before a slow first token. */
const KEEP_ALIVE_MS = 10_000;
/** A client that takes nothing for this long is taken for gone. */
const STALLED_MS = 60_000;

export class EventStream {
  readonly #ctx: ApiContext;
  readonly #keepAlive: NodeJS.Timeout;
  #hasWritten = false;

  /** Sends the head; from here on errors are events. */
  constructor(ctx: ApiContext) {
    this.#ctx = ctx;
    ctx.respond = false;
    ctx.res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    // With the first event in one packet, where it is there already.
    process.nextTick(() => this.#sendHead());
    this.#keepAlive = setInterval(() => this.keepAlive(), KEEP_ALIVE_MS);
  }

  #sendHead(): void {
    const { res } = this.#ctx;
    if (!this.#hasWritten && !res.destroyed) res.flushHeaders();
  }

  /** A comment, so that clients and proxies do not close a silent connection. */
  keepAlive(): void {
    const { res } = this.#ctx;
    if (res.destroyed || res.writableNeedDrain) return;
    this.#hasWritten = true;
    res.write(': keep-alive\n\n');
  }

  get gone(): boolean {
    return this.#ctx.res.destroyed;
  }

  /** @returns what resolves when the client can take more; undefined where it can. */
  write(text: string): Promise<void> | undefined {
    const { res } = this.#ctx;
    this.#hasWritten = true;
    return res.destroyed || res.write(text) ? undefined : this.#drained();
  }

  async #drained(): Promise<void> {
    const { res } = this.#ctx;
    const stalled = AbortSignal.timeout(STALLED_MS);
    await Promise.race([once(res, 'drain', { signal: stalled }), once(res, 'close', { signal: stalled })]).catch(() =>
      res.destroy(),
    );
  }

  end(text = ''): void {
    clearInterval(this.#keepAlive);
    this.#hasWritten = true;
    if (!this.#ctx.res.destroyed) this.#ctx.res.end(text);
  }
}
