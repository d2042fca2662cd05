/** Asynchronous tasks: kept for a day like the vendor's, and moved on by the clock alone. */
import { randomUUID } from 'node:crypto';
import type { CallRecord } from '../journal/call-record.ts';
import type { ImageModel } from './image-models.ts';
import type { ImageResult } from './image-result.ts';

export type TaskStatus = 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'UNKNOWN';

export interface Task {
  readonly id: string;
  readonly requestId: string;
  readonly modelAsked: string;
  readonly model: ImageModel;
  readonly result: ImageResult;
  readonly submittedAtMs: number;
  /** Waiting, then running. */
  readonly pendingMs: number;
  readonly runningMs: number;
  /** The submission; the images are added to it when the task ends. */
  readonly record: CallRecord;
  /** Plays the vendor forgetting it. */
  readonly lost: boolean;
  canceled: boolean;
  /** Whether a reply has already carried the images. */
  delivered: boolean;
}

const LIFETIME_MS = 24 * 60 * 60 * 1_000;
/** Oldest first out: a load test must not fill the memory. */
const MAX_TASKS = 100_000;

export class Tasks {
  readonly #tasks = new Map<string, Task>();

  /** Adds a task; `onSuccess` is called once, when it succeeds, whether anybody looks at it or not. */
  add(task: Omit<Task, 'id' | 'submittedAtMs' | 'canceled' | 'delivered'>, onSuccess: () => void): Task {
    const added: Task = { ...task, id: randomUUID(), submittedAtMs: Date.now(), canceled: false, delivered: false };
    this.#tasks.set(added.id, added);
    const oldest = this.#tasks.keys().next();
    if (this.#tasks.size > MAX_TASKS && !oldest.done) this.#tasks.delete(oldest.value);
    setTimeout(() => {
      if (!added.canceled && added.result.ok && !added.lost) onSuccess();
    }, added.pendingMs + added.runningMs).unref();
    return added;
  }

  /** Undefined for ids that never were or are older than a day. */
  find(id: string): Task | undefined {
    const task = this.#tasks.get(id);
    return task === undefined || task.lost || Date.now() - task.submittedAtMs > LIFETIME_MS ? undefined : task;
  }

  /** Newest first. */
  list(): Task[] {
    return [...this.#tasks.values()].filter((task) => this.find(task.id) !== undefined).reverse();
  }
}

export function statusOf(task: Task, nowMs = Date.now()): TaskStatus {
  if (task.canceled) return 'CANCELED';
  const ageMs = nowMs - task.submittedAtMs;
  if (ageMs < task.pendingMs) return 'PENDING';
  if (ageMs < task.pendingMs + task.runningMs) return 'RUNNING';
  return task.result.ok ? 'SUCCEEDED' : 'FAILED';
}

/** `YYYY-MM-DD HH:mm:ss.SSS` in Beijing time, without a zone. */
export function taskTime(timeMs: number): string {
  const beijingOffsetMs = 8 * 60 * 60 * 1_000;
  return new Date(timeMs + beijingOffsetMs).toISOString().replace('T', ' ').replace('Z', '');
}
