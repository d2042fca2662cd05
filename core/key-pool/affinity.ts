/**
 * Keeps the calls of one conversation with one key, so that the provider finds the prompt in its cache: weighted
 * rendezvous hashing over the usable keys. A key that goes away moves only its own conversations, and one that comes
 * back gets them again. Its load is bounded (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded
 * Loads"), so that a prompt that everybody sends does not sit on one key.
 */
import { hash } from 'node:crypto';
import type { Weighted } from './weighted-round-robin.ts';

/** A key may carry this many times its share of the calls under way. */
const LOAD_BOUND = 1.25;
/** As many calls at once stay with one key whatever the others carry: a few agents of one conversation. */
const LEAST_BOUND = 8;

/** @param callsOf calls under way with an item in this process. */
export function preferred<Item extends Weighted>(
  items: readonly Item[],
  affinity: string,
  callsOf: (item: Item) => number,
): Item | undefined {
  let weights = 0;
  let calls = 1;
  for (const item of items) {
    weights += item.weight;
    calls += callsOf(item);
  }
  let best: Item | undefined;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const item of items) {
    const bound = Math.max(LEAST_BOUND, Math.ceil((LOAD_BOUND * calls * item.weight) / weights));
    if (callsOf(item) >= bound) continue;
    const score = -item.weight / Math.log(fractionOf(affinity, item.id));
    if (score > bestScore) [best, bestScore] = [item, score];
  }
  return best;
}

/** A number in (0, 1), the same in all processes. */
function fractionOf(affinity: string, id: number): number {
  const digest = hash('sha1', `${id}:${affinity}`, 'buffer');
  return (digest.readUInt32BE(0) + 0.5) / 2 ** 32;
}
