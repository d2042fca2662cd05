/** Whether each dependency answers, and how fast. */

export interface DependencyHealth {
  readonly ok: boolean;
  readonly latencyMs: number;
  readonly error?: string;
}

const WAIT_MS = 1_500;

/** Asks all at once, each within 1.5 s; never throws. */
export async function healthOf(
  checks: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<Record<string, DependencyHealth>> {
  const asked = Object.entries(checks).map(async ([name, check]) => [name, await timed(check)] as const);
  return Object.fromEntries(await Promise.all(asked));
}

async function timed(check: () => Promise<unknown>): Promise<DependencyHealth> {
  const started = performance.now();
  const latencyMs = () => Math.round((performance.now() - started) * 10) / 10;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), WAIT_MS);
  });
  try {
    await Promise.race([check(), late]);
    return { ok: true, latencyMs: latencyMs() };
  } catch {
    // The cause can name hosts and users; it belongs to the log of the part itself.
    return { ok: false, latencyMs: latencyMs(), error: 'does not answer' };
  } finally {
    clearTimeout(timer);
  }
}
