/** What /metrics shows of the work in hand. Read from the tables, so that every process shows the same. */
import { Gauge, type Registry } from 'prom-client';
import type { Sequelize } from 'sequelize';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';
import { JOB_STATUSES } from './job.ts';

const backlogRow = rowOf({
  oldestPending: orNull(column.decimal),
  startsWaiting: column.integer,
  oldestStart: orNull(column.decimal),
  deliveries: column.integer,
});
const byStatus = rowOf({ status: column.oneOf(JOB_STATUSES), jobs: column.integer });

/** Every count is a range of an index. */
const BACKLOG = `
  SELECT (SELECT TIMESTAMPDIFF(MICROSECOND,MIN(updated_at),NOW(3))/1e6 FROM jobs WHERE status='PENDING') AS oldest_pending,
         (SELECT COUNT(*) FROM workflow_outbox) AS starts_waiting,
         (SELECT TIMESTAMPDIFF(MICROSECOND,MIN(created_at),NOW(3))/1e6 FROM workflow_outbox) AS oldest_start,
         (SELECT COUNT(*) FROM webhook_deliveries WHERE status='PENDING') AS deliveries`;
const LIVE = "SELECT status,COUNT(*) AS jobs FROM jobs WHERE status IN ('PENDING','PROCESSING') GROUP BY status";
const ENDED = `
  SELECT status,COUNT(*) AS jobs FROM jobs
   WHERE status IN ('COMPLETED','FAILED','CANCELLED') AND updated_at > NOW(3) - INTERVAL 5 MINUTE GROUP BY status`;

/** While the database is away the values of before are shown. */
export function showJobs(registry: Registry, sequelize: Sequelize): void {
  const registers = [registry];
  const oldestPending = new Gauge({
    name: 'jobs_oldest_pending_seconds',
    help: 'How long the oldest job that no worker has begun waits',
    registers,
  });
  const oldestStart = new Gauge({
    name: 'workflow_starts_oldest_seconds',
    help: 'How long the oldest workflow start waits for Temporal to take it',
    registers,
  });
  const deliveries = new Gauge({
    name: 'webhook_deliveries_pending',
    help: 'Webhook deliveries on their way, most of them between two tries',
    registers,
  });
  new Gauge({
    name: 'workflow_starts_waiting',
    help: 'Workflows that are committed and that Temporal has not taken yet',
    registers,
    async collect() {
      const backlog = await select(sequelize, backlogRow.read, BACKLOG).then(
        ([row]) => row,
        () => undefined,
      );
      if (!backlog) return;
      this.set(backlog.startsWaiting);
      oldestStart.set(backlog.oldestStart ?? 0);
      oldestPending.set(backlog.oldestPending ?? 0);
      deliveries.set(backlog.deliveries);
    },
  });
  showByStatus('jobs_live', 'Jobs that have not ended', ['PENDING', 'PROCESSING'], LIVE);
  showByStatus(
    'jobs_ended_5m',
    'Jobs that ended in the last five minutes',
    ['COMPLETED', 'FAILED', 'CANCELLED'],
    ENDED,
  );

  function showByStatus(name: string, help: string, statuses: readonly string[], sql: string): void {
    new Gauge({
      name,
      help,
      labelNames: ['status'],
      registers,
      async collect() {
        const rows = await select(sequelize, byStatus.read, sql).catch(() => undefined);
        if (!rows) return;
        for (const status of statuses) this.set({ status }, rows.find((row) => row.status === status)?.jobs ?? 0);
      },
    });
  }
}
