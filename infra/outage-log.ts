/** One line when something begins to fail and one when it works again, however many calls fail in between. */
import type { Logger } from 'pino';

export class OutageLog {
  readonly #log: Logger;
  readonly #consequence: string;
  #failing = false;

  /** @param consequence what does not work during the outage, in words. */
  constructor(log: Logger, consequence: string) {
    this.#log = log;
    this.#consequence = consequence;
  }

  failed(error: unknown): void {
    if (!this.#failing) this.#log.warn({ err: error }, this.#consequence);
    this.#failing = true;
  }

  over(): void {
    if (this.#failing) this.#log.info(`over: ${this.#consequence}`);
    this.#failing = false;
  }
}
