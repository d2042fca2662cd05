/** Ids that the server makes: UUID version 7, so that what is made together lies together. */
import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const RANDOM_BYTES = 16;
const IDS_A_FILL = 256;

/** Asking the system for the randomness of each id by itself took six times as long as all the rest of it. */
const random = new Uint8Array(RANDOM_BYTES * IDS_A_FILL);
let used = random.length;

/** A new id. Those of one millisecond come in no particular order. */
export function newId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += RANDOM_BYTES;
  return v7({ random: random.subarray(used - RANDOM_BYTES, used) });
}
