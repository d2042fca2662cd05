/** The one owner of the table `webhook_deliveries` (new rows come with their job's end, delivery-table.ts). */
import { QueryTypes, type Sequelize } from 'sequelize';
import { z } from 'zod';
import { utcDateTime } from '../../infra/mysql/literal.ts';
import { insertStarts } from '../workflow-starts/outbox.ts';
import { DELIVERY_STATUSES, type Delivery, type DeliveryStatus, OVERDUE_AFTER_MS } from './delivery.ts';
import { deliveryStart } from './delivery-table.ts';

const COLUMNS = 'id,user_id,job_id,url,status,attempts,redeliveries,last_status,last_error,created_at,updated_at';

const rowSchema = z.object({
  id: z.string(),
  user_id: z.number(),
  job_id: z.string(),
  url: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  attempts: z.number(),
  redeliveries: z.number(),
  last_status: z.number().nullable(),
  last_error: z.string().nullable(),
  created_at: z.date(),
  updated_at: z.date(),
});

const placeSchema = rowSchema.pick({ id: true, updated_at: true });

export interface DeliveryFilter {
  readonly userId: number;
  readonly status?: DeliveryStatus | undefined;
  readonly oldestFirst: boolean;
  readonly limit: number;
  readonly offset: number;
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
    const [row] = await this.#sequelize.query(
      `SELECT ${COLUMNS} FROM webhook_deliveries WHERE id=:id${userId === undefined ? '' : ' AND user_id=:userId'}`,
      { replacements: { id, userId }, type: QueryTypes.SELECT },
    );
    return row && deliveryOf(row);
  }

  /** A user's deliveries by their creation, and how many there are. */
  async list(filter: DeliveryFilter): Promise<{ deliveries: Delivery[]; total: number }> {
    const where = `user_id=:userId${filter.status === undefined ? '' : ' AND status=:status'}`;
    const order = filter.oldestFirst ? 'ASC' : 'DESC';
    const replacements = { ...filter };
    const [rows, [count]] = await Promise.all([
      this.#sequelize.query(
        `SELECT ${COLUMNS} FROM webhook_deliveries WHERE ${where} ORDER BY id ${order} LIMIT :limit OFFSET :offset`,
        { replacements, type: QueryTypes.SELECT },
      ),
      this.#sequelize.query<{ total: number | string }>(
        `SELECT COUNT(*) AS total FROM webhook_deliveries WHERE ${where}`,
        { replacements, type: QueryTypes.SELECT },
      ),
    ]);
    return { deliveries: rows.map(deliveryOf), total: Number(count?.total ?? 0) };
  }

  /** Whether another delivery to this address was answered with "gone" and none has come through since. */
  async isGone(delivery: Pick<Delivery, 'id' | 'userId' | 'url'>): Promise<boolean> {
    const rows = await this.#sequelize.query(
      `SELECT id FROM webhook_deliveries
        WHERE user_id=:userId AND status='DISABLED' AND url=:url AND id<>:id LIMIT 1`,
      { replacements: { ...delivery }, type: QueryTypes.SELECT },
    );
    return rows.length > 0;
  }

  /** Notes a try, while the delivery is pending in this round. */
  async note(id: string, round: number, tried: Tried): Promise<void> {
    await this.#sequelize.query(
      `UPDATE webhook_deliveries SET status=:status, attempts=attempts+1, last_status=:lastStatus,
              last_error=:lastError, updated_at=NOW(3)
        WHERE id=:id AND status='PENDING' AND redeliveries=:round`,
      { replacements: { id, round, ...tried } },
    );
  }

  /** An address that took a message is not gone any more. */
  async reopen(userId: number, url: string): Promise<void> {
    await this.#sequelize.query(
      `UPDATE webhook_deliveries SET status='FAILED' WHERE user_id=? AND status='DISABLED' AND url=?`,
      { replacements: [userId, url] },
    );
  }

  /**
   * Begins another round: the row and the start of its workflow in one transaction.
   * @returns the number of the round; undefined when the delivery is on its way already.
   */
  beginRound(delivery: Delivery): Promise<number | undefined> {
    const { id, userId, redeliveries } = delivery;
    const round = redeliveries + 1;
    return this.#sequelize.transaction(async (transaction) => {
      const [, changed] = await this.#sequelize.query(
        `UPDATE webhook_deliveries SET status='PENDING', attempts=0, redeliveries=:round, updated_at=NOW(3)
          WHERE id=:id AND status<>'PENDING' AND redeliveries=:redeliveries`,
        { replacements: { id, round, redeliveries }, type: QueryTypes.UPDATE, transaction },
      );
      if (changed === 0) return undefined;
      const start = deliveryStart(id, userId, round);
      await this.#sequelize.query(insertStarts([{ start, atMs: Date.now() }]), { transaction });
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
    const rows = await this.#sequelize.query(
      `SELECT ${COLUMNS} FROM webhook_deliveries
        WHERE status='PENDING' AND updated_at >= :at AND updated_at < NOW(3) - INTERVAL :seconds SECOND
          AND (updated_at > :at OR id > :id)
        ORDER BY updated_at, id LIMIT :limit`,
      {
        replacements: {
          at: utcDateTime(last?.updatedAt.getTime() ?? 0),
          id: last?.id ?? '',
          seconds: OVERDUE_AFTER_MS / 1_000,
          limit,
        },
        type: QueryTypes.SELECT,
      },
    );
    return rows.map((row) => {
      const { id, updated_at: updatedAt } = placeSchema.parse(row);
      return { id, updatedAt, read: () => deliveryOf(row) };
    });
  }

  /**
   * Starts the workflow of the present round again, with the tries that are left.
   * @returns false when its start still waits in the outbox, or the delivery is not as it was read any more.
   */
  restart({ id, userId, redeliveries, updatedAt }: Delivery): Promise<boolean> {
    const start = deliveryStart(id, userId, redeliveries);
    return this.#sequelize.transaction(async (transaction) => {
      const waiting = await this.#sequelize.query('SELECT 1 FROM workflow_outbox WHERE workflow_id=?', {
        replacements: [start.workflowId],
        type: QueryTypes.SELECT,
        transaction,
      });
      if (waiting.length > 0) return false;
      const [, changed] = await this.#sequelize.query(
        `UPDATE webhook_deliveries SET updated_at=NOW(3)
          WHERE id=:id AND status='PENDING' AND redeliveries=:redeliveries AND updated_at=:seen`,
        {
          replacements: { id, redeliveries, seen: utcDateTime(updatedAt.getTime()) },
          type: QueryTypes.UPDATE,
          transaction,
        },
      );
      if (changed === 0) return false;
      await this.#sequelize.query(insertStarts([{ start, atMs: Date.now(), forRelay: true }]), { transaction });
      return true;
    });
  }

  /** Ends a delivery that nobody tries any more. @returns false when it is not pending in this round. */
  async stop({ id, redeliveries }: Delivery, reason: string): Promise<boolean> {
    const [, changed] = await this.#sequelize.query(
      `UPDATE webhook_deliveries SET status='FAILED', last_error=:reason, updated_at=NOW(3)
        WHERE id=:id AND status='PENDING' AND redeliveries=:redeliveries`,
      { replacements: { id, redeliveries, reason }, type: QueryTypes.UPDATE },
    );
    return changed > 0;
  }

  /** Removes at most `limit` deliveries that ended before `days` days. @returns how many. */
  async removeOlderThan(days: number, limit: number): Promise<number> {
    return this.#sequelize.query(
      `DELETE FROM webhook_deliveries WHERE status<>'PENDING' AND updated_at < NOW(3) - INTERVAL :days DAY LIMIT :limit`,
      { replacements: { days, limit }, type: QueryTypes.BULKDELETE },
    );
  }
}

function deliveryOf(row: object): Delivery {
  const read = rowSchema.parse(row);
  return {
    id: read.id,
    userId: read.user_id,
    jobId: read.job_id,
    url: read.url,
    status: read.status,
    attempts: read.attempts,
    redeliveries: read.redeliveries,
    lastStatus: read.last_status,
    lastError: read.last_error,
    createdAt: read.created_at,
    updatedAt: read.updated_at,
  };
}
