/** What /metrics shows of the chores. */
import { Gauge, type Registry } from 'prom-client';
import type { OnRound } from './background-jobs.ts';

export function upkeepMetrics(registry: Registry): OnRound {
  const failing = new Gauge({
    name: 'upkeep_failing',
    help: 'Whether the last round of a chore failed in this process',
    labelNames: ['chore'],
    registers: [registry],
  });
  return (chore, worked) => failing.set({ chore }, worked ? 0 : 1);
}
