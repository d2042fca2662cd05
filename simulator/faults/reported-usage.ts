/** The usage a reply reports: the counted one, unless a fault makes it absurd or leaves it out. */
import type { ActiveFaults } from './fault-table.ts';

/** Undefined where the reply must carry no usage. Replaces every number of the object, nested ones too. */
export function reportedUsage(
  usage: Record<string, unknown>,
  faults: ActiveFaults,
): Record<string, unknown> | undefined {
  if (faults.has('no-usage')) return undefined;
  if (faults.has('negative-usage')) return mapNumbers(usage, () => -1_000);
  if (faults.has('zero-usage')) return mapNumbers(usage, () => 0);
  if (faults.has('huge-usage')) return mapNumbers(usage, () => Number.MAX_SAFE_INTEGER);
  if (faults.has('fractional-usage')) return mapNumbers(usage, (count) => count + 0.5);
  if (faults.has('text-usage')) return mapNumbers(usage, () => 'many');
  return usage;
}

function mapNumbers(value: Record<string, unknown>, change: (count: number) => unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (typeof member === 'number') return [name, change(member)];
      return typeof member === 'object' && member !== null ? [name, mapNumbers({ ...member }, change)] : [name, member];
    }),
  );
}
