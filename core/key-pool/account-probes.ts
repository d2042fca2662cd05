/**
 * Tries keys that a provider has refused again when their time is over, on a schedule and with a call of our own: the
 * callers do not meet the refusal a second time, and a healed key comes back without them.
 */
import type { Logger } from 'pino';
import type { CallResult, PickedKey } from './key-pool.ts';

/** One small call with the key. @returns how it ended. */
export type ProbeKey = (key: PickedKey) => Promise<CallResult>;

export interface AccountProbesOptions {
  readonly probe: ProbeKey;
  /** Keys whose probe is due and was given to this process. */
  readonly due: () => readonly PickedKey[];
  readonly report: (key: PickedKey, result: CallResult) => void;
  readonly log: Logger;
}

const CHECK_EVERY_MS = 5_000;

export class AccountProbes {
  readonly #options: AccountProbesOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: AccountProbesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.run(), CHECK_EVERY_MS).unref();
  }

  /** Probes what is due. Runs by itself every five seconds. */
  async run(): Promise<void> {
    await Promise.all(this.#options.due().map((key) => this.#probe(key)));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #probe(key: PickedKey): Promise<void> {
    const { probe, report, log } = this.#options;
    try {
      report(key, await probe(key));
    } catch (error) {
      report(key, { kind: 'failure', failure: 'cancelled' });
      log.error({ err: error, keyId: key.id, providerId: key.providerId }, 'the probe of a provider key has failed');
    }
  }
}
