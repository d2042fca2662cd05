/** How long something took, in the unit that people think in. */
const SECOND_MS = 1_000;

export function durationText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  return `${(ms / SECOND_MS).toLocaleString(undefined, { maximumFractionDigits: ms < 10 * SECOND_MS ? 2 : 1 })} s`;
}
