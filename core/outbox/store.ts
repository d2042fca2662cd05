/** Reads and clears the outbox of workflow starts. */
import type { Sequelize } from 'sequelize';
import { z } from 'zod';
import type { Logger } from '../../infra/logger.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import type { WorkflowStart } from '../../workflows/contracts.ts';
import { SEARCH_ATTRIBUTES, TASK_QUEUES, WORKFLOWS } from '../../workflows/contracts.ts';

/** Waits between tries of one start: 1 s doubling to a minute. */
const MAX_BACKOFF_SECONDS = 60;

const startSchema = z.object({
  workflow: z.enum(WORKFLOWS),
  workflowId: z.string(),
  taskQueue: z.enum(TASK_QUEUES),
  input: z.union([
    z.object({ jobId: z.string(), accountId: z.number(), deadlineMs: z.number(), traceId: z.string().exactOptional() }),
    z.object({ orderNo: z.string(), ttlMs: z.number() }),
    z.object({ deliveryId: z.string(), round: z.number() }),
    z.object({ batchId: z.string(), traceId: z.string() }),
  ]),
  title: z.string(),
  searchAttributes: z.partialRecord(
    z.enum(Object.keys(SEARCH_ATTRIBUTES) as (keyof typeof SEARCH_ATTRIBUTES)[]),
    z.union([z.string(), z.number()]),
  ),
  priority: z.number().exactOptional(),
  fairnessKey: z.string().exactOptional(),
  fairnessWeight: z.number().exactOptional(),
  traceparent: z.string().exactOptional(),
});

const due = rowOf({ workflowId: column.text });
const request = rowOf({ start: column.jsonOf(startSchema) });

export class WorkflowOutboxStore {
  readonly #sequelize: Sequelize;
  readonly #log: Logger;

  constructor(sequelize: Sequelize, log: Logger) {
    this.#sequelize = sequelize;
    this.#log = log;
  }

  /** Starts that are due, oldest first. Each is postponed first, so that two relays rarely try the same one. */
  async takeDue(limit: number): Promise<WorkflowStart[]> {
    const rows = await select(
      this.#sequelize,
      (record) => ({ ...due.read(record), read: () => request.read(record).start }),
      'SELECT workflow_id, start FROM workflow_outbox WHERE next_try_at <= NOW(3) ORDER BY next_try_at LIMIT ?',
      [limit],
    );
    if (rows.length === 0) return [];
    await change(
      this.#sequelize,
      `UPDATE workflow_outbox SET tries=tries+1,
              next_try_at=NOW(3) + INTERVAL LEAST(${MAX_BACKOFF_SECONDS}, POW(2, LEAST(tries, 10))) SECOND
        WHERE workflow_id IN (?)`,
      [rows.map((row) => row.workflowId)],
    );
    return rows.flatMap(({ workflowId, read }) => {
      try {
        return read();
      } catch (err) {
        // Another version may have written it. It stays and does not block the others.
        this.#log.error({ err, workflowId }, 'a start in the outbox cannot be read');
        return [];
      }
    });
  }

  /** Forgets a start that Temporal has taken. Idempotent. */
  async remove(workflowIds: readonly string[]): Promise<void> {
    if (workflowIds.length === 0) return;
    await change(this.#sequelize, 'DELETE FROM workflow_outbox WHERE workflow_id IN (?)', [workflowIds]);
  }
}
