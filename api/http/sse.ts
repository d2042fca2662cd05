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

  /** Sends the head; from here on errors are events. */
  constructor(ctx: ApiContext) {
    this.#ctx = ctx;
    ctx.respond = false;
    ctx.res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    ctx.res.flushHeaders();
    this.#keepAlive = setInterval(() => this.keepAlive(), KEEP_ALIVE_MS);
  }

  /** A comment, so that clients and proxies do not close a silent connection. */
  keepAlive(): void {
    const { res } = this.#ctx;
    if (!res.destroyed && !res.writableNeedDrain) res.write(': keep-alive\n\n');
  }

  get gone(): boolean {
    return this.#ctx.res.destroyed;
  }

  /** Resolves when the client can take more. */
  async write(text: string): Promise<void> {
    const { res } = this.#ctx;
    if (res.destroyed || res.write(text)) return;
    const stalled = AbortSignal.timeout(STALLED_MS);
    await Promise.race([once(res, 'drain', { signal: stalled }), once(res, 'close', { signal: stalled })]).catch(() =>
      res.destroy(),
    );
  }

  end(text = ''): void {
    clearInterval(this.#keepAlive);
    if (!this.#ctx.res.destroyed) this.#ctx.res.end(text);
  }
}
