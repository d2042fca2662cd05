/** How calls went: how many, how many failed, and how long they took, by day, model or access key. Pure. */
import type { USAGE_GROUPS } from './statistics.ts';
import type { UsageRecord } from './usage-record.ts';

export type CallOutcome = Pick<
  UsageRecord,
  'day' | 'modelId' | 'modelIdentifier' | 'accessKeyId' | 'isSuccess' | 'latencyMs'
>;

export interface Performance {
  readonly day?: string;
  readonly modelId?: number | null;
  readonly modelIdentifier?: string;
  readonly accessKeyId?: number | null;
  readonly requests: number;
  readonly failures: number;
  /** Of calls that succeeded; half of them and 95 of 100 took at most as long. null where none did. */
  readonly latencyP50Ms: number | null;
  readonly latencyP95Ms: number | null;
}

type Group = (typeof USAGE_GROUPS)[number];

const NAMES: Readonly<Record<Group, (call: CallOutcome) => Partial<Performance>>> = {
  day: ({ day }) => ({ day }),
  model: ({ modelId, modelIdentifier }) => ({ modelId, modelIdentifier }),
  accessKey: ({ accessKeyId }) => ({ accessKeyId }),
};
const KEYS: Readonly<Record<Group, (call: CallOutcome) => string>> = {
  day: ({ day }) => day,
  model: ({ modelId, modelIdentifier }) => `${modelId} ${modelIdentifier}`,
  accessKey: ({ accessKeyId }) => String(accessKeyId),
};

/** Days in their order; models and keys with the most calls first. */
export function performanceBy(groupBy: Group, calls: readonly CallOutcome[]): Performance[] {
  const groups = Map.groupBy(calls, KEYS[groupBy]);
  const found = [...groups.values()].map(([first, ...rest]) => (first ? performanceOf(groupBy, [first, ...rest]) : []));
  const order = (a: Performance, b: Performance) =>
    groupBy === 'day' ? (a.day ?? '').localeCompare(b.day ?? '') : b.requests - a.requests;
  return found.flat().sort(order);
}

function performanceOf(groupBy: Group, calls: readonly [CallOutcome, ...CallOutcome[]]): Performance {
  const latencies = calls.filter(({ isSuccess }) => isSuccess).map(({ latencyMs }) => latencyMs);
  latencies.sort((a, b) => a - b);
  return {
    ...NAMES[groupBy](calls[0]),
    requests: calls.length,
    failures: calls.length - latencies.length,
    latencyP50Ms: rank(latencies, 0.5),
    latencyP95Ms: rank(latencies, 0.95),
  };
}

/** The nearest rank: the smallest value that is not below this share of all. */
function rank(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
