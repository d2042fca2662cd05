/**
 * Informs every process that something in its memory has changed, and waits until each has dropped it, so that the next
 * call sees the change in any process. A lost message does no lasting harm: an entry is cached for at most 30 s, and
 * everything is dropped when this connection is back after a break.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Logger } from '../logger.ts';
import type { Redis } from './connection.ts';

/** How long a change waits for processes that hang or whose machine has disappeared. */
const CONFIRMATION_TIMEOUT_MS = 1_000;

/** Redis's channels know no databases: installations that share a server by database would wait for each other. */
export function invalidationChannel(redis: Redis): string {
  const database = redis.options.db ?? 0;
  return database === 0 ? 'invalidate' : `invalidate:${database}`;
}

const messageSchema = z.object({ kind: z.string(), id: z.string(), from: z.string(), change: z.string() });

/** `id` is undefined when anything of the kind may have changed. Must not reject. */
export type InvalidationHandler = (id: string | undefined) => void | Promise<void>;

export interface Invalidation {
  /**
   * Calls this process's handlers at once and waits for them. Resolves when those of every other process have done
   * their work, too, of which 1 s is waited for; without Redis the others find out in 30 s. Does not reject.
   */
  publish(kind: string, id: string | number): Promise<void>;
  on(kind: string, handler: InvalidationHandler): void;
}

/** @param publisher any connection of the process. @param subscriber a separate connection, used for nothing else. */
export function createInvalidation(publisher: Redis, subscriber: Redis, log: Logger): Invalidation {
  const handlers = new Map<string, InvalidationHandler[]>();
  const confirmations = new Confirmations();
  const process = randomUUID();
  const channelOfAll = invalidationChannel(publisher);
  let listening = false;

  const deliver = async (kind: string, id: string | undefined): Promise<void> => {
    await Promise.all((handlers.get(kind) ?? []).map((handler) => handler(id)));
  };

  const subscribe = async (): Promise<void> => {
    try {
      await subscriber.subscribe(channelOfAll, confirmationChannel(process));
      listening = true;
      // What was published while nobody listened is unknown.
      for (const kind of handlers.keys()) void deliver(kind, undefined);
    } catch (error) {
      log.warn({ err: error }, 'cannot subscribe to invalidations; reconnecting');
      subscriber.disconnect(true);
    }
  };

  const take = async (text: string): Promise<void> => {
    const message = parseMessage(text);
    if (message === undefined) return log.warn('an invalidation message is malformed and was ignored');
    const { kind, id, from, change } = message;
    if (from === process) return confirmations.add(change);
    await deliver(kind, id);
    // The waiting process continues without it after a second.
    await publisher.publish(confirmationChannel(from), change).catch(() => undefined);
  };

  subscriber.on('message', (channel: string, text: string) => {
    if (channel === channelOfAll) void take(text);
    else confirmations.add(text);
  });
  subscriber.on('close', () => {
    listening = false;
  });
  subscriber.on('ready', () => void subscribe());
  if (subscriber.status === 'ready') void subscribe();

  const tellAll = async (kind: string, id: string): Promise<void> => {
    const change = randomUUID();
    const confirmed = confirmations.expect(change);
    try {
      const receivers = await publisher.publish(channelOfAll, JSON.stringify({ kind, id, from: process, change }));
      if (!listening)
        return log.warn({ kind }, 'a change is not confirmed: this process has no subscription right now');
      const missing = await confirmed.by(receivers);
      if (missing > 0) log.warn({ kind, missing }, 'processes did not confirm a change; they see it within 30 s');
    } catch (error) {
      log.warn({ err: error, kind }, 'other processes were not notified of a change; they see it within 30 s');
    } finally {
      confirmed.forget();
    }
  };

  return {
    async publish(kind, id) {
      await Promise.all([deliver(kind, String(id)), tellAll(kind, String(id))]);
    },
    on(kind, handler) {
      handlers.set(kind, [...(handlers.get(kind) ?? []), handler]);
    },
  };
}

/** Who has dropped what, by change. A confirmation may come before Redis has said how many are to come. */
class Confirmations {
  readonly #changes = new Map<string, { count: number; onMore: () => void }>();

  add(change: string): void {
    const expected = this.#changes.get(change);
    if (expected === undefined) return;
    expected.count += 1;
    expected.onMore();
  }

  expect(change: string) {
    const expected = { count: 0, onMore: (): void => undefined };
    this.#changes.set(change, expected);
    return {
      /** Resolves with how many of `all` are still missing when all have come or the time is up. */
      by: async (all: number): Promise<number> => {
        if (expected.count >= all) return 0;
        const timeUp = new AbortController();
        const everyone = new Promise<void>((resolve) => {
          expected.onMore = () => {
            if (expected.count >= all) resolve();
          };
        });
        const timeout = sleep(CONFIRMATION_TIMEOUT_MS, undefined, { signal: timeUp.signal }).catch(() => undefined);
        await Promise.race([everyone, timeout]);
        timeUp.abort();
        return Math.max(0, all - expected.count);
      },
      forget: (): void => {
        this.#changes.delete(change);
      },
    };
  }
}

function confirmationChannel(process: string): string {
  return `invalidated:${process}`;
}

function parseMessage(text: string): z.infer<typeof messageSchema> | undefined {
  try {
    return messageSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
