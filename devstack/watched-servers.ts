/** The servers of one `npm start`: if one dies, it is reported and started again on the same port and data. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PartName } from './part.ts';
import { PART_NAMES } from './parts.ts';
import type { Stack } from './stack.ts';

const LOOK_EVERY_MS = 1_000;

/** Watches until `signal` aborts. Servers that the user named are not ours to start. */
export async function watchServers(stack: Stack, say: (text: string) => void, signal: AbortSignal): Promise<void> {
  const ours = PART_NAMES.filter((name) => stack.part(name).pid !== undefined);
  const stopped = () => undefined;
  while (!signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(stopped);
    for (const name of ours) {
      if (!signal.aborted && stack.part(name).pid === undefined) await startAgain(stack, name, say, signal);
    }
  }
}

async function startAgain(
  stack: Stack,
  name: PartName,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  say(`${name} has ended. Starting it again …`);
  try {
    await stack.part(name).start(signal);
    say(`${name} is back.`);
  } catch (error) {
    if (!signal.aborted) say(error instanceof Error ? error.message : String(error));
  }
}
