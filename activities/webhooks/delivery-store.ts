/** The one owner of the table `webhook_deliveries` (new rows come with their job's end, delivery-table.ts). */
import type { Sequelize, Transaction } from 'sequelize';
import { insertStarts } from '../../core/outbox/outbox.ts';
import { utcDateTime } from '../../infra/mysql/literal.ts';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { change, count, exists, select } from '../../infra/mysql/statements.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import { formerWebhookWorkflowId } from '../../workflows/contracts.ts';
import { DELIVERY_STATUSES, type Delivery, type DeliveryStatus, OVERDUE_AFTER_MS } from './delivery.ts';
import { deliveryStart } from './delivery-table.ts';

const delivery = rowOf({
  id: column.text,
  userId: column.integer,
  jobId: column.text,
  url: column.text,
  status: column.oneOf(DELIVERY_STATUSES),
  attempts: column.integer,
  redeliveries: column.integer,
  lastStatus: orNull(column.integer),
  lastError: orNull(column.text),
  createdAt: column.time,
  updatedAt: column.time,
});

const place = rowOf({ id: column.text, updatedAt: column.time });

export interface DeliveryFilter {
  readonly userId: number;
  readonly jobId?: string | undefined;
  readonly status?: DeliveryStatus | undefined;
  readonly oldestFirst: boolean;
  readonly limit: number;
  readonly offset: number;
}

export interface AllDeliveriesFilter {
  readonly userId?: number | undefined;
  readonly jobId?: string | undefined;
  readonly status?: DeliveryStatus | undefined;
  /** Only deliveries with a smaller id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** A pending delivery of any user that may be overdue. */
export interface WaitingDelivery {
  readonly id: string;
  readonly updatedAt: Date;
  /** @throws when the row is not a delivery's. */
  readonly read: () => Delivery;
}

/** What a try has come to. */
export interface Tried {
  readonly status: DeliveryStatus;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

export class DeliveryStore {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /** The delivery, of this user if one is named. */
  async find(id: string, userId?: number): Promise<Delivery | undefined> {
    const [found] = await select(
      this.#sequelize,
      delivery.read,
      `SELECT ${delivery.columns} FROM webhook_deliveries WHERE id=:id${userId === undefined ? '' : ' AND user_id=:userId'}`,
      { id, userId },
    );
    return found;
  }

  /** A user's deliveries by their creation, and how many there are. */
  async list(filter: DeliveryFilter): Promise<{ deliveries: Delivery[]; total: number }> {
    const { jobId, status } = filter;
    const where = `user_id=:userId${jobId === undefined ? '' : ' AND job_id=:jobId'}${status === undefined ? '' : ' AND status=:status'}`;
    const order = filter.oldestFirst ? 'ASC' : 'DESC';
    const replacements = { ...filter };
    const page = `SELECT ${delivery.columns} FROM webhook_deliveries WHERE ${where} ORDER BY id ${order} LIMIT :limit OFFSET :offset`;
    const [deliveries, total] = await Promise.all([
      select(this.#sequelize, delivery.read, page, replacements),
      count(this.#sequelize, `SELECT COUNT(*) AS total FROM webhook_deliveries WHERE ${where}`, replacements),
    ]);
    return { deliveries, total };
  }

  /** Deliveries of all users, newest first: by the index of the user, the job or the status, or the primary key. */
  async listAll(filter: AllDeliveriesFilter): Promise<Delivery[]> {
    const { userId, jobId, status, before } = filter;
    const conditions = [
      ...(userId === undefined ? [] : ['user_id=:userId']),
      ...(jobId === undefined ? [] : ['job_id=:jobId']),
      ...(status === undefined ? [] : ['status=:status']),
      ...(before === undefined ? [] : ['id < :before']),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const sql = `SELECT ${delivery.columns} FROM webhook_deliveries ${where} ORDER BY id DESC LIMIT :limit`;
    return await select(this.#sequelize, delivery.read, sql, { ...filter });
  }

  /** Whether another delivery to this address was answered with "gone" and none has come through since. */
  async isGone({ id, userId, url }: Pick<Delivery, 'id' | 'userId' | 'url'>): Promise<boolean> {
    return await exists(
      this.#sequelize,
      `SELECT id FROM webhook_deliveries
        WHERE user_id=:userId AND status='DISABLED' AND url=:url AND id<>:id LIMIT 1`,
      { id, userId, url },
    );
  }

  /** Notes a try, while the delivery is pending in this round. */
  async note(id: string, round: number, tried: Tried): Promise<void> {
    await change(
      this.#sequelize,
      `UPDATE webhook_deliveries SET status=:status, attempts=attempts+1, last_status=:lastStatus,
              last_error=:lastError, updated_at=NOW(3)
        WHERE id=:id AND status='PENDING' AND redeliveries=:round`,
      { id, round, ...tried },
    );
  }

  /** An address that took a message is not gone any more. */
  async reopen(userId: number, url: string): Promise<void> {
    const sql = `UPDATE webhook_deliveries SET status='FAILED' WHERE user_id=? AND status='DISABLED' AND url=?`;
    await change(this.#sequelize, sql, [userId, url]);
  }

  /**
   * Begins another round: the row and the start of its workflow in one transaction.
   * @param also what is written with it.
   * @returns the number of the round; undefined when the delivery is on its way already.
   */
  beginRound(
    { id, userId, redeliveries }: Delivery,
    also: (transaction: Transaction) => Promise<void>,
  ): Promise<number | undefined> {
    const round = redeliveries + 1;
    return inTransaction(this.#sequelize, async (transaction) => {
      const changed = await change(
        this.#sequelize,
        `UPDATE webhook_deliveries SET status='PENDING', attempts=0, redeliveries=:round, updated_at=NOW(3)
          WHERE id=:id AND status<>'PENDING' AND redeliveries=:redeliveries`,
        { id, round, redeliveries },
        transaction,
      );
      if (changed === 0) return undefined;
      const start = deliveryStart(id, userId, round);
      await change(this.#sequelize, insertStarts([{ start, atMs: Date.now() }]), undefined, transaction);
      await also(transaction);
      return round;
    });
  }

  /**
   * Pending deliveries that have not changed for as long as makes one overdue, in the order of their index: the longest
   * unchanged first, those after `last`.
   */
  async waiting(
    last: Pick<WaitingDelivery, 'id' | 'updatedAt'> | undefined,
    limit: number,
  ): Promise<WaitingDelivery[]> {
    return await select(
      this.#sequelize,
      (record) => ({ ...place.read(record), read: () => delivery.read(record) }),
      `SELECT ${delivery.columns} FROM webhook_deliveries
        WHERE status='PENDING' AND updated_at >= :at AND updated_at < NOW(3) - INTERVAL :seconds SECOND
          AND (updated_at > :at OR id > :id)
        ORDER BY updated_at, id LIMIT :limit`,
      {
        at: utcDateTime(last?.updatedAt.getTime() ?? 0),
        id: last?.id ?? '',
        seconds: OVERDUE_AFTER_MS / 1_000,
        limit,
      },
    );
  }

  /**
   * Starts the workflow of the present round again, with the tries that are left.
   * @returns false when its start still waits in the outbox, or the delivery is not as it was read any more.
   */
  restart({ id, userId, redeliveries, updatedAt }: Delivery): Promise<boolean> {
    const start = deliveryStart(id, userId, redeliveries);
    return inTransaction(this.#sequelize, async (transaction) => {
      const waiting = 'SELECT 1 FROM workflow_outbox WHERE workflow_id IN (?)';
      const workflowIds = [start.workflowId, formerWebhookWorkflowId(id, redeliveries)];
      if (await exists(this.#sequelize, waiting, [workflowIds], transaction)) return false;
      const changed = await change(
        this.#sequelize,
        `UPDATE webhook_deliveries SET updated_at=NOW(3)
          WHERE id=:id AND status='PENDING' AND redeliveries=:redeliveries AND updated_at=:seen`,
        { id, redeliveries, seen: utcDateTime(updatedAt.getTime()) },
        transaction,
      );
      if (changed === 0) return false;
      await change(
        this.#sequelize,
        insertStarts([{ start, atMs: Date.now(), forRelay: true }]),
        undefined,
        transaction,
      );
      return true;
    });
  }

  /** Ends a delivery that nobody tries any more. @returns false when it is not pending in this round. */
  async stop({ id, redeliveries }: Delivery, reason: string): Promise<boolean> {
    const changed = await change(
      this.#sequelize,
      `UPDATE webhook_deliveries SET status='FAILED', last_error=:reason, updated_at=NOW(3)
        WHERE id=:id AND status='PENDING' AND redeliveries=:redeliveries`,
      { id, redeliveries, reason },
    );
    return changed > 0;
  }

  /** Removes at most `limit` deliveries that ended before `days` days. @returns how many. */
  async removeOlderThan(days: number, limit: number): Promise<number> {
    const sql = `DELETE FROM webhook_deliveries WHERE status<>'PENDING' AND updated_at < NOW(3) - INTERVAL :days DAY LIMIT :limit`;
    return await change(this.#sequelize, sql, { days, limit });
  }
}
