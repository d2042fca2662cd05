import { setTimeout as delay } from 'node:timers/promises';

const ASK_EVERY_MS = 10;

/** Waits until a condition holds; it is asked again and again. @throws after `withinMs`, generous for a busy machine. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 180_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not reached in ${withinMs} ms: ${what}`);
    await delay(ASK_EVERY_MS);
  }
}
