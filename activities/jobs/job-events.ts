/**
 * Who waits for a job is woken by a message, not by asking the database again and again: one subscription a process.
 * Messages are hints; the row is read when one comes, and once more at the end of the wait.
 */
import { z } from 'zod';
import type { Logger } from '../../infra/logger.ts';
import type { Redis } from '../../infra/redis/connection.ts';
import { JOB_STATUSES, type JobStatus } from './job.ts';

const CHANNEL = 'job-events';

const eventSchema = z.object({ jobId: z.string(), status: z.enum(JOB_STATUSES), progress: z.number() });
export interface JobEvent {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly progress: number;
}

/** `undefined`: messages may have been missed, the row must be read. */
type Listener = (event: JobEvent | undefined) => void;

export class JobEvents {
  readonly #publisher: Redis;
  readonly #log: Logger;
  readonly #listeners = new Map<string, Set<Listener>>();
  #listening = false;

  /** @param subscriber a connection of its own, used for nothing else. */
  constructor(publisher: Redis, subscriber: Redis, log: Logger) {
    this.#publisher = publisher;
    this.#log = log;
    subscriber.on('message', (_channel: string, text: string) => this.#receive(text));
    subscriber.on('ready', () => void this.#subscribe(subscriber));
    subscriber.on('close', () => {
      this.#listening = false;
      this.#wakeAll();
    });
    if (subscriber.status === 'ready') void this.#subscribe(subscriber);
  }

  /** True while messages come; otherwise who waits must look at the row now and then. */
  get isListening(): boolean {
    return this.#listening;
  }

  /** Tells every process, this one at once. Never throws: without Redis, waiters find out when their time is over. */
  publish(event: JobEvent): void {
    this.#deliver(event);
    this.#publisher.publish(CHANNEL, JSON.stringify(event)).catch((err: unknown) => {
      this.#log.debug({ err }, 'job event not published');
    });
  }

  /** Calls back for every event of one job until the returned function is called. */
  listen(jobId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(jobId) ?? new Set();
    this.#listeners.set(jobId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(jobId);
    };
  }

  async #subscribe(subscriber: Redis): Promise<void> {
    try {
      await subscriber.subscribe(CHANNEL);
      this.#listening = true;
      this.#wakeAll();
    } catch (err) {
      this.#log.warn({ err }, 'cannot subscribe to job events; reconnecting');
      subscriber.disconnect(true);
    }
  }

  /** What was said while nobody listened is unknown. */
  #wakeAll(): void {
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener(undefined);
  }

  #receive(text: string): void {
    try {
      this.#deliver(eventSchema.parse(JSON.parse(text)));
    } catch {
      this.#log.warn('a job event is malformed and was ignored');
    }
  }

  #deliver(event: JobEvent): void {
    for (const listener of this.#listeners.get(event.jobId) ?? []) listener(event);
  }
}
