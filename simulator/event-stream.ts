/** Server-sent events with the faults that spoil a stream, and the record of what was really sent. */
import { once } from 'node:events';
import { countTokens } from '../infra/tokens.ts';
import { type Call, CallEnded, waitMs } from './call.ts';
import type { CountedUsage } from './journal/call-record.ts';

interface Delivered {
  /** Text the event carries, and which text it continues (tokens are counted over each whole text). */
  text?: { of: string; piece: string } | undefined;
  image?: boolean;
}

export class EventStream {
  readonly #call: Call;
  readonly #errorEvent: () => string;
  readonly #texts = new Map<string, string>();
  #events = 0;

  /**
   * Sends the headers. `usage` is what the whole answer would be charged; `errorEvent` gives the vendor's form of an
   * error in the middle of a stream.
   */
  constructor(call: Call, usage: CountedUsage, errorEvent: () => string) {
    this.#call = call;
    this.#errorEvent = errorEvent;
    call.record.status = 200;
    // Until the stream is whole, only what was delivered counts.
    call.record.usage = { ...usage, completionTokens: 0, reasoningTokens: 0, images: 0 };
    call.response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    call.response.flushHeaders();
    call.settle = () => this.#countTexts();
  }

  /** Sends one event that is a part of the answer. Throws CallEnded when the stream is over, by fault or client. */
  async send(event: string, delivered: Delivered = {}): Promise<void> {
    const { faults } = this.#call;
    const pauseMs = this.#events === 0 ? faults.get('slow-first-token') : faults.get('slow-chunks');
    if (pauseMs !== undefined) await waitMs(this.#call, pauseMs);
    await this.#playFaults(event);
    await this.#write(event);
    this.#events += 1;
    this.#count(delivered);
  }

  /** Tokens of the texts sent so far. */
  deliveredTokens(): number {
    let tokens = 0;
    for (const text of this.#texts.values()) tokens += countTokens(text);
    return tokens;
  }

  /** Ends a whole stream: from here on the whole usage counts. */
  async finish(usage: CountedUsage, lastEvent?: string): Promise<void> {
    if (lastEvent !== undefined) await this.#write(lastEvent);
    this.#call.settle();
    this.#call.record.usage = usage;
    this.#call.settle = () => undefined;
    this.#call.response.end();
  }

  async #playFaults(event: string): Promise<void> {
    const { faults, response } = this.#call;
    if (faults.get('cut') === this.#events) {
      // Once what was sent so far is out, so that the caller sees exactly that many events.
      await new Promise<void>((resolve) => response.write('', () => resolve()));
      this.#call.cut();
      throw new CallEnded();
    }
    if (faults.get('clean-cut') === this.#events) await this.#endEarly('');
    if (faults.get('error-in-stream') === this.#events) await this.#endEarly(this.#errorEvent());
    if (faults.has('malformed') && this.#events === 1) await this.#write(`${event.trimEnd().slice(0, -2)}\n\n`);
  }

  async #endEarly(lastEvent: string): Promise<never> {
    if (lastEvent !== '') await this.#write(lastEvent);
    this.#call.finishAs = 'cut_by_simulator';
    this.#call.response.end();
    throw new CallEnded();
  }

  async #write(event: string): Promise<void> {
    const { response, signal } = this.#call;
    if (signal.aborted) throw new CallEnded();
    if (response.write(event)) return;
    await once(response, 'drain', { signal }).catch(() => {
      throw new CallEnded();
    });
  }

  #count({ text, image }: Delivered): void {
    const { delivered, usage } = this.#call.record;
    delivered.chunks += 1;
    if (text) this.#texts.set(text.of, (this.#texts.get(text.of) ?? '') + text.piece);
    if (image) {
      delivered.images += 1;
      if (usage) usage.images += 1;
    }
  }

  #countTexts(): void {
    const { delivered, usage } = this.#call.record;
    delivered.tokens = this.deliveredTokens();
    if (usage) usage.completionTokens = delivered.tokens;
  }
}
