/** Calls at a steady rate, however long each takes: callers do not wait for one another. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Load<Result> {
  readonly perSecond: number;
  readonly forMs: number;
  readonly call: (index: number) => Promise<Result>;
}

/** @returns the results in the order of the calls, when all have ended. A call must not reject. */
export async function steadyLoad<Result>({ perSecond, forMs, call }: Load<Result>): Promise<Result[]> {
  const started = performance.now();
  const calls: Promise<Result>[] = [];
  const all = Math.round((perSecond * forMs) / 1_000);
  while (calls.length < all) {
    const due = Math.min(all, Math.floor(((performance.now() - started) * perSecond) / 1_000) + 1);
    while (calls.length < due) calls.push(call(calls.length));
    await delay(1_000 / perSecond / 2);
  }
  return Promise.all(calls);
}

/** Runs `work` for each item, this many at once. */
export async function together<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length);
  let next = 0;
  const take = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const [item] = items.slice(index, index + 1);
      if (item !== undefined) results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, take));
  return results;
}
