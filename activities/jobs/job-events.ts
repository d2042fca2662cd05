/**
 * Who waits for a job, or runs it, is woken by a message over one subscription a process. Messages can be lost (Redis
 * away, a worker killed between its commit and its message), so the rows of all jobs that are waited for are also read
 * now and then, in one query a process however many wait.
 */
import { z } from 'zod';
import type { Logger } from '../../infra/logger.ts';
import type { Redis } from '../../infra/redis/connection.ts';
import { isLive, JOB_STATUSES, type JobStatus } from './job.ts';

const CHANNEL = 'job-events';
/** While Redis is away, this is how late a waiter learns. */
const READ_EVERY_MS = 1_000;

const eventSchema = z.object({
  jobId: z.string(),
  status: z.enum(JOB_STATUSES),
  progress: z.number(),
  cancelRequested: z.boolean().exactOptional(),
});
/** Where a job stands; `progress` in per cent. */
export interface JobEvent {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly progress: number;
  /** Its owner has asked for a cancel: whoever runs it should stop. */
  readonly cancelRequested?: boolean;
}

type Listener = (event: JobEvent) => void;

export interface JobEventDeps {
  readonly publisher: Redis;
  /** A connection of its own, used for nothing else. */
  readonly subscriber: Redis;
  /** Where these jobs stand by their rows. */
  readonly readStates: (jobIds: readonly string[]) => Promise<readonly JobEvent[]>;
  readonly log: Logger;
}

export class JobEvents {
  readonly #deps: JobEventDeps;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #listenersToAll = new Set<Listener>();
  #reading: NodeJS.Timeout | undefined;

  constructor(deps: JobEventDeps) {
    this.#deps = deps;
    const { subscriber } = deps;
    subscriber.on('message', (_channel: string, text: string) => this.#receive(text));
    subscriber.on('ready', () => void this.#subscribe());
    if (subscriber.status === 'ready') void this.#subscribe();
  }

  /** Tells every process, this one at once. Never throws: without Redis, waiters find out by the next reading. */
  publish(event: JobEvent): void {
    this.#deliver(event);
    this.#deps.publisher.publish(CHANNEL, JSON.stringify(event)).catch((err: unknown) => {
      this.#deps.log.debug({ err }, 'job event not published');
    });
  }

  /**
   * Calls back with where a job stands until the returned function is called. Comes more than once for one state, and an
   * earlier state can come after a later one (`isAhead`).
   */
  listen(jobId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(jobId) ?? new Set();
    this.#listeners.set(jobId, listeners.add(listener));
    this.#reading ??= setTimeout(() => void this.#read(), READ_EVERY_MS);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(jobId);
    };
  }

  /** Calls back with every event, those of other installations on this Redis included, until the returned function is called. */
  listenToAll(listener: Listener): () => void {
    this.#listenersToAll.add(listener);
    return () => this.#listenersToAll.delete(listener);
  }

  close(): void {
    clearTimeout(this.#reading);
    this.#listeners.clear();
    this.#listenersToAll.clear();
  }

  async #read(): Promise<void> {
    const jobIds = [...this.#listeners.keys()];
    try {
      if (jobIds.length > 0) for (const state of await this.#deps.readStates(jobIds)) this.#deliver(state);
    } catch (err) {
      this.#deps.log.debug({ err }, 'the states of jobs could not be read');
    }
    this.#reading = this.#listeners.size === 0 ? undefined : setTimeout(() => void this.#read(), READ_EVERY_MS);
  }

  async #subscribe(): Promise<void> {
    const { subscriber, log } = this.#deps;
    try {
      await subscriber.subscribe(CHANNEL);
    } catch (err) {
      log.warn({ err }, 'cannot subscribe to job events; reconnecting');
      subscriber.disconnect(true);
    }
  }

  #receive(text: string): void {
    try {
      this.#deliver(eventSchema.parse(JSON.parse(text)));
    } catch {
      this.#deps.log.warn('a job event is malformed and was ignored');
    }
  }

  #deliver(event: JobEvent): void {
    for (const listener of this.#listeners.get(event.jobId) ?? []) listener(event);
    for (const listener of this.#listenersToAll) listener(event);
  }
}

/** Whether a state is later than another one of the same job. Pure. */
export function isAhead(state: JobEvent, than: JobEvent): boolean {
  const [rank, other] = [rankOf(state.status), rankOf(than.status)];
  return rank > other || (rank === other && isLive(state.status) && state.progress > than.progress);
}

function rankOf(status: JobStatus): number {
  return status === 'PENDING' ? 0 : status === 'PROCESSING' ? 1 : 2;
}
