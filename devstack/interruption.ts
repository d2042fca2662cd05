/** Ctrl-C, a termination or the loss of the process that started this one, as one AbortSignal. */

/** What the signal is aborted with. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Aborts at the first signal. A second one calls `onSecond`, for those who do not want to wait.
 * To be called once, by the program's entry.
 */
export function listenForInterruption(onSecond: () => void): AbortSignal {
  const controller = new AbortController();
  const interrupt = (reason: string) => {
    if (controller.signal.aborted) onSecond();
    else controller.abort(new Interrupted(reason));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal));
  if (process.channel) {
    process.once('disconnect', () => interrupt('the starting process is gone'));
    // The listener would keep this process alive by itself.
    process.channel.unref();
  }
  // A terminal that was closed must not end the stop half way.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return controller.signal;
}

/** Waits until the signal is aborted, and keeps the process alive for as long. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  const alive = setInterval(() => undefined, 60_000);
  try {
    if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
  } finally {
    clearInterval(alive);
  }
}
