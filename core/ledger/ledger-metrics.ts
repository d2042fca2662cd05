/** What /metrics shows of the ledger: its commit queue, and what the last reconciliation found. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CommitQueue } from './commit-queue/commit-queue.ts';
import type { LeaseEvents } from './leases/lease-book.ts';
import { formatMoney } from './money.ts';
import type { Reconciliation } from './reconcile.ts';

const BATCH_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** Metrics of the commit queue, updated after each batch. */
export function createQueueMetrics(registry: Registry) {
  const operations = new Counter({
    name: 'ledger_operations_total',
    help: 'Operations of the commit queue that were committed',
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'ledger_batch_seconds',
    help: 'Time of one batch of the commit queue, from its first packet to its COMMIT',
    buckets: BATCH_BUCKETS_SECONDS,
    registers: [registry],
  });
  return (count: number, milliseconds: number): void => {
    operations.inc(count);
    seconds.observe(milliseconds / 1_000);
  };
}

/** Metrics of leases. @param left money that is leased and not yet charged, in nano-units. */
export function createLeaseMetrics(registry: Registry, left: () => bigint): LeaseEvents {
  const calls = new Counter({
    name: 'ledger_calls_total',
    help: 'Calls without an idempotency key that were paid for, by what paid: a lease (no hold was needed) or a hold',
    labelNames: ['paid_by'],
    registers: [registry],
  });
  const recalls = new Counter({
    name: 'ledger_lease_recalls_total',
    help: 'Leases that were given back because somebody asked for them',
    registers: [registry],
  });
  new Gauge({
    name: 'ledger_leased',
    help: 'Money that this process has leased and not yet charged, in units of the currency',
    registers: [registry],
    collect() {
      this.set(Number(formatMoney(left())));
    },
  });
  const [byLease, byHold] = [calls.labels('lease'), calls.labels('hold')];
  return {
    admitted: (way) => (way === 'lease' ? byLease : byHold).inc(),
    recalled: () => recalls.inc(),
  };
}

/** @param last reads the last reconciliation; a failure shows the values of before. */
export function showLedger(
  registry: Registry,
  queue: CommitQueue,
  last: () => Promise<Pick<Reconciliation, 'finishedAt' | 'breaches'> | undefined>,
): void {
  new Gauge({
    name: 'ledger_queue_operations',
    help: 'Operations that wait for their batch in this process',
    registers: [registry],
    collect() {
      this.set(queue.queued);
    },
  });
  const finished = new Gauge({
    name: 'ledger_reconciliation_timestamp_seconds',
    help: 'When the last reconciliation ended',
    registers: [registry],
  });
  new Gauge({
    name: 'ledger_reconciliation_breaches',
    help: 'Breaches of invariants that the last reconciliation found; anything above 0 needs a person',
    registers: [registry],
    async collect() {
      const result = await last().catch(() => undefined);
      if (!result) return;
      this.set(result.breaches);
      finished.set(result.finishedAt.getTime() / 1_000);
    },
  });
}
