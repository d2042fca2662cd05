/** The processes of one `npm start`: one that dies is said so and started again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Variables } from './environment.ts';
import { type Service, type ServiceKind, startService } from './services.ts';

/** A process that ends right after its start, again and again, must not keep the machine busy. */
const RESTART_DELAY_MS = 1_000;
/** The API first, so that nothing new comes in; the provider last, since jobs that end need it. */
const STOP_ORDER: readonly ServiceKind[] = ['api', 'worker', 'simulator'];

export class Services {
  readonly #dataFolder: string;
  readonly #say: (text: string) => void;
  readonly #running = new Map<ServiceKind, Service>();
  readonly #stopping = new AbortController();

  constructor(dataFolder: string, say: (text: string) => void) {
    this.#dataFolder = dataFolder;
    this.#say = say;
  }

  /** Starts one and answers its URL. */
  async start(kind: ServiceKind, port: number, environment: Variables, signal: AbortSignal): Promise<string> {
    const onUnexpectedEnd = (how: string) => void this.#restart(kind, how);
    const service = await startService(
      { kind, dataFolder: this.#dataFolder, port, environment, onUnexpectedEnd },
      signal,
    );
    this.#running.set(kind, service);
    return service.url;
  }

  async #restart(kind: ServiceKind, how: string): Promise<void> {
    const service = this.#running.get(kind);
    if (!service || this.#stopping.signal.aborted) return;
    this.#say(`The ${kind} ended (${how}); its log is ${service.logFile}. Starting it again …`);
    try {
      await delay(RESTART_DELAY_MS, undefined, { signal: this.#stopping.signal });
      await service.start(this.#stopping.signal);
      this.#say(`The ${kind} is back.`);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      // Its end while it started has called for the next restart by itself.
      this.#say(error instanceof Error ? error.message : String(error));
    }
  }

  /** Ends all of them; none is started again. */
  async stop(graceMs?: number): Promise<void> {
    this.#stopping.abort();
    for (const kind of STOP_ORDER) await this.#running.get(kind)?.stop(graceMs);
  }
}
