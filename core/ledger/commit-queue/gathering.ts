/** Which operations that wait become a batch, and when: fewer and larger batches cost less CPU here and in the database. */
import type { Operation } from './operation.ts';

/** An operation that waits. */
export interface Pending {
  readonly operation: Operation<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** When the caller stops waiting, by performance.now(); Infinity = never. */
  readonly deadline: number;
  answered: boolean;
  /** It is to be in a batch of its own. */
  isolated: boolean;
}

const MAX_BATCH_OPERATIONS = 256;
const MAX_BATCH_BYTES = 1_000_000;

/** Takes the next batch out of the queue. */
export function takeBatch(queue: Pending[]): Pending[] {
  let bytes = 0;
  let count = 0;
  for (const pending of queue) {
    bytes += pending.operation.bytes ?? 0;
    if (count > 0 && (pending.isolated || bytes > MAX_BATCH_BYTES || count >= MAX_BATCH_OPERATIONS)) break;
    count += 1;
    if (pending.isolated) break;
  }
  return queue.splice(0, count);
}

/** After a batch this large there are so many callers that waiting for a moment brings more of them. */
const GATHER_AFTER_OPERATIONS = 4;
const GATHER_MS = 1;
/** For operations that may wait. */
const PATIENCE_MS = 25;
/** With fewer batches than one in this time there is nobody to wait for. */
const BUSY_WITHIN_MS = 50;

export interface BatchBefore {
  readonly operations: number;
  /** Since its commit. */
  readonly msAgo: number;
}

export class Gathering {
  #hurry: (() => void) | undefined;

  /** An operation has been queued that may not wait. */
  hurry(): void {
    this.#hurry?.();
  }

  /** Resolves when the batch is to begin. @param mayWait whether all operations that are queued may. */
  async wait(mayWait: boolean, before: BatchBefore): Promise<void> {
    if (mayWait && before.msAgo < BUSY_WITHIN_MS) await this.#patience();
    // This turn of the event loop is over then, so that everything it submits joins the same batch. After a large batch
    // callers who were just answered can submit again; with only a few callers nobody else would come.
    await new Promise<void>((resolve) => {
      if (before.operations >= GATHER_AFTER_OPERATIONS) setTimeout(resolve, GATHER_MS);
      else setImmediate(resolve);
    });
  }

  async #patience(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#hurry = resolve;
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    clearTimeout(timer);
    this.#hurry = undefined;
  }
}
