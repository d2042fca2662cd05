/** What /metrics shows of the work in hand. Read from the tables, so that every process shows the same. */
import { Gauge, type Registry } from 'prom-client';
import { QueryTypes, type Sequelize } from 'sequelize';
import { z } from 'zod';
import { JOB_STATUSES } from './job.ts';

const count = z.coerce.number();
/** MariaDB gives sums and differences as text. */
const seconds = z.coerce.number().nullable();
const backlogSchema = z.object({
  oldestPending: seconds,
  startsWaiting: count,
  oldestStart: seconds,
  deliveries: count,
});
const byStatus = z.array(z.object({ status: z.enum(JOB_STATUSES), jobs: count }));

/** Every count is a range of an index. */
const BACKLOG = `
  SELECT (SELECT TIMESTAMPDIFF(MICROSECOND,MIN(updated_at),NOW(3))/1e6 FROM jobs WHERE status='PENDING') AS oldestPending,
         (SELECT COUNT(*) FROM workflow_outbox) AS startsWaiting,
         (SELECT TIMESTAMPDIFF(MICROSECOND,MIN(created_at),NOW(3))/1e6 FROM workflow_outbox) AS oldestStart,
         (SELECT COUNT(*) FROM webhook_deliveries WHERE status='PENDING') AS deliveries`;
const LIVE = "SELECT status,COUNT(*) AS jobs FROM jobs WHERE status IN ('PENDING','PROCESSING') GROUP BY status";
const ENDED = `
  SELECT status,COUNT(*) AS jobs FROM jobs
   WHERE status IN ('COMPLETED','FAILED','CANCELLED') AND updated_at > NOW(3) - INTERVAL 5 MINUTE GROUP BY status`;

/** While the database is away the values of before are shown. */
export function showJobs(registry: Registry, sequelize: Sequelize): void {
  const registers = [registry];
  const select = (sql: string) => sequelize.query(sql, { type: QueryTypes.SELECT });
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
      const backlog = await select(BACKLOG).then(
        ([row]) => backlogSchema.parse(row),
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
        const rows = await select(sql).then(
          (found) => byStatus.parse(found),
          () => undefined,
        );
        if (!rows) return;
        for (const status of statuses) this.set({ status }, rows.find((row) => row.status === status)?.jobs ?? 0);
      },
    });
  }
}
