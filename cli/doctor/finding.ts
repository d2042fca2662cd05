/** The result of one check, in words for the operator. */
export interface Finding {
  readonly part: string;
  /** `warning`: it works, but not as it should in production. */
  readonly state: 'good' | 'warning' | 'bad';
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Longer than a server takes that is busy, shorter than a person waits. */
export const TIMEOUT_MS = 10_000;

/** Reads the reason of a failed look; never an address with its password. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  if (/DEADLINE_EXCEEDED|UNAVAILABLE|Connection is closed/.test(message)) return 'does not answer';
  return message.replace(/\/\/[^@\s/]*@/g, '//…@').split('\n')[0] ?? '';
}

/**
 * Runs a check; what it throws becomes a bad finding with the given advice, or with the error's own advice if it has
 * some.
 */
export async function look(
  part: string,
  advice: string,
  find: () => Promise<Finding[]>,
  better: (error: unknown) => string | undefined = () => undefined,
): Promise<Finding[]> {
  try {
    return await find();
  } catch (error) {
    return [{ part, state: 'bad', text: reasonOf(error), advice: better(error) ?? advice }];
  }
}

/** How safe a connection is, and as whom, for the end of a finding. */
export function connectionText(encrypted: boolean, user: string): string {
  return `${encrypted ? 'encrypted' : 'not encrypted'}, as ${user}`;
}
