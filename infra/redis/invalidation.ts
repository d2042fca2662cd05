/**
 * Tells every process that something it holds in memory has changed. A message that is lost does no lasting harm:
 * holders keep an entry for at most 30 s, and forget everything when this connection comes back after a break.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Logger } from '../logger.ts';
import type { Redis } from './connection.ts';

const CHANNEL = 'invalidate';

const messageSchema = z.object({ kind: z.string(), id: z.string(), from: z.string() });

/** `id` is undefined when anything of the kind may have changed. */
export type InvalidationHandler = (id: string | undefined) => void;

export interface Invalidation {
  /** Calls this process's handlers before it returns, then tells the others; without Redis they find out in 30 s. */
  publish(kind: string, id: string | number): Promise<void>;
  on(kind: string, handler: InvalidationHandler): void;
}

/**
 * @param publisher any connection of the process.
 * @param subscriber a connection of its own, used for nothing else.
 */
export function createInvalidation(publisher: Redis, subscriber: Redis, log: Logger): Invalidation {
  const handlers = new Map<string, InvalidationHandler[]>();
  const process = randomUUID();

  const deliver = (kind: string, id: string | undefined): void => {
    for (const handler of handlers.get(kind) ?? []) handler(id);
  };

  const subscribe = async (): Promise<void> => {
    try {
      await subscriber.subscribe(CHANNEL);
      // What was published while nobody listened is unknown.
      for (const kind of handlers.keys()) deliver(kind, undefined);
    } catch (error) {
      log.warn({ err: error }, 'cannot subscribe to invalidations; reconnecting');
      subscriber.disconnect(true);
    }
  };

  subscriber.on('message', (_channel: string, text: string) => {
    const message = parseMessage(text);
    if (message === undefined) log.warn('an invalidation message is malformed and was ignored');
    else if (message.from !== process) deliver(message.kind, message.id);
  });
  subscriber.on('ready', () => void subscribe());
  if (subscriber.status === 'ready') void subscribe();

  return {
    async publish(kind, id) {
      deliver(kind, String(id));
      try {
        await publisher.publish(CHANNEL, JSON.stringify({ kind, id: String(id), from: process }));
      } catch (error) {
        log.warn({ err: error, kind }, 'other processes were not told of a change; they see it within 30 s');
      }
    },
    on(kind, handler) {
      handlers.set(kind, [...(handlers.get(kind) ?? []), handler]);
    },
  };
}

function parseMessage(text: string): z.infer<typeof messageSchema> | undefined {
  try {
    return messageSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
