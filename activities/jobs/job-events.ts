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

type Listener = (event: JobEvent) => void;

export class JobEvents {
  readonly #publisher: Redis;
  readonly #log: Logger;
  readonly #listeners = new Map<string, Set<Listener>>();

  /** @param subscriber a connection of its own, used for nothing else. */
  constructor(publisher: Redis, subscriber: Redis, log: Logger) {
    this.#publisher = publisher;
    this.#log = log;
    subscriber.on('message', (_channel: string, text: string) => this.#receive(text));
    const subscribe = () => {
      subscriber.subscribe(CHANNEL).catch((err: unknown) => {
        log.warn({ err }, 'cannot subscribe to job events; reconnecting');
        subscriber.disconnect(true);
      });
    };
    subscriber.on('ready', subscribe);
    if (subscriber.status === 'ready') subscribe();
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
