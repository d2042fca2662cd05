/** The usage a reply reports: the counted one, unless a fault makes it absurd or leaves it out. */
import type { CountedUsage } from '../journal/call-record.ts';
import type { Json } from './fault.ts';
import { type ActiveFaults, played } from './fault-table.ts';

/** Undefined where the reply must carry no usage. Replaces every number of the object, nested ones too. */
export function reportedUsage(usage: Json, counted: CountedUsage, faults: ActiveFaults): Json | undefined {
  const reported = asVendor(usage, counted, faults);
  if (reported === undefined) return undefined;
  if (faults.has('no-usage')) return undefined;
  if (faults.has('negative-usage')) return mapNumbers(reported, () => -1_000);
  if (faults.has('zero-usage')) return mapNumbers(reported, () => 0);
  if (faults.has('huge-usage')) return mapNumbers(reported, () => Number.MAX_SAFE_INTEGER);
  if (faults.has('fractional-usage')) return mapNumbers(reported, (count) => count + 0.5);
  if (faults.has('text-usage')) return mapNumbers(reported, () => 'many');
  return reported;
}

function asVendor(usage: Json, counted: CountedUsage, faults: ActiveFaults): Json | undefined {
  let reported: Json | undefined = usage;
  for (const { fault, value } of played(faults)) {
    if (fault.usage && reported) reported = fault.usage(reported, counted, value);
  }
  return reported;
}

function mapNumbers(value: Json, change: (count: number) => unknown): Json {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (typeof member === 'number') return [name, change(member)];
      return typeof member === 'object' && member !== null ? [name, mapNumbers({ ...member }, change)] : [name, member];
    }),
  );
}
