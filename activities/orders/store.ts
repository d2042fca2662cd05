/** Reads of orders; every change goes through the commit queue. */
import type { Sequelize } from 'sequelize';
import { column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { count, select } from '../../infra/mysql/statements.ts';
import { ORDER_STATUSES, type Order, type OrderStatus } from './order.ts';

const order = rowOf({
  id: column.integer,
  orderNo: column.text,
  workflowId: column.text,
  userId: column.integer,
  accountId: column.integer,
  amount: column.bigint,
  currency: column.text,
  status: column.oneOf(ORDER_STATUSES),
  reason: orNull(column.text),
  paidAt: orNull(column.time),
  paidLate: column.flag,
  refunded: orNull(column.bigint),
  expiresAt: column.time,
  createdAt: column.time,
  updatedAt: column.time,
});
const event = rowOf({
  provider: column.text,
  eventId: column.text,
  outcome: column.text,
  receivedAt: column.time,
});
/** An order of an earlier version has the id that was made then. */
const COLUMNS = order.columns.replace('workflow_id', "COALESCE(workflow_id,CONCAT('order:',order_no)) AS workflow_id");
export type PaymentEventView = ReadRow<typeof event>;
/** A provider that repeats itself with new ids. */
const MOST_EVENTS = 1_000;

const refund = rowOf({ transferId: column.text, amount: column.bigint, createdAt: column.time });
/** `amount` in nano-units. */
export type RefundView = ReadRow<typeof refund>;

const overdueOrder = rowOf({ orderNo: column.text });

export const ORDER_SORT_KEYS = ['id', 'createdAt', 'amount'] as const;
type OrderSortKey = (typeof ORDER_SORT_KEYS)[number];

/** The only texts that reach ORDER BY. */
const SORT_COLUMNS: Record<OrderSortKey, string> = { id: 'id', createdAt: 'created_at', amount: 'amount' };

export interface OrderFilter {
  readonly userId?: number | undefined;
  readonly status?: OrderStatus | undefined;
  readonly sortBy?: OrderSortKey | undefined;
  readonly sortOrder?: 'asc' | 'desc' | undefined;
  readonly pageNum: number;
  readonly pageSize: number;
}

export class OrderStore {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /** The order; with `userId` only if it is this user's. */
  async find(orderNo: string, userId?: number): Promise<Order | undefined> {
    const owner = userId === undefined ? '' : ' AND user_id=:userId';
    const sql = `SELECT ${COLUMNS} FROM orders WHERE order_no=:orderNo${owner}`;
    const [found] = await select(this.#sequelize, order.read, sql, { orderNo, userId });
    return found;
  }

  /** One page, newest first unless asked otherwise, and how many there are in all. */
  async page(filter: OrderFilter): Promise<{ records: Order[]; total: number }> {
    const conditions = ['1=1'];
    if (filter.userId !== undefined) conditions.push('user_id=:userId');
    if (filter.status !== undefined) conditions.push('status=:status');
    const where = conditions.join(' AND ');
    const direction = filter.sortOrder === 'asc' ? 'ASC' : 'DESC';
    const by = [...new Set([SORT_COLUMNS[filter.sortBy ?? 'id'], 'id'])]
      .map((name) => `${name} ${direction}`)
      .join(',');
    const replacements = {
      userId: filter.userId,
      status: filter.status,
      limit: filter.pageSize,
      offset: (filter.pageNum - 1) * filter.pageSize,
    };
    const page = `SELECT ${COLUMNS} FROM orders WHERE ${where} ORDER BY ${by} LIMIT :limit OFFSET :offset`;
    const [records, total] = await Promise.all([
      select(this.#sequelize, order.read, page, replacements),
      count(this.#sequelize, `SELECT COUNT(*) AS total FROM orders WHERE ${where}`, replacements),
    ]);
    return { records, total };
  }

  /** What payment providers said of an order, oldest first; by the index of its number. */
  async events(orderNo: string): Promise<PaymentEventView[]> {
    const sql = `SELECT ${event.columns} FROM payment_events WHERE order_no=? ORDER BY received_at, provider, event_id LIMIT ${MOST_EVENTS}`;
    return await select(this.#sequelize, event.read, sql, [orderNo]);
  }

  /** Refunds of an order, oldest first: of parts by its number, of the rest under its number. */
  async refunds(orderNo: string): Promise<RefundView[]> {
    const sql = `SELECT transfer_id, amount, created_at FROM partial_refunds WHERE order_no=:orderNo
      UNION ALL SELECT id, -amount, created_at FROM transfers WHERE id=:orderNo AND kind='refund'
      ORDER BY created_at, transfer_id`;
    return await select(this.#sequelize, refund.read, sql, { orderNo });
  }

  /** Orders that are PENDING although their time was over `graceMs` ago by the database's clock, oldest first. */
  async overdue(graceMs: number, limit: number): Promise<string[]> {
    const rows = await select(
      this.#sequelize,
      overdueOrder.read,
      `SELECT order_no FROM orders
        WHERE status='PENDING' AND expires_at <= NOW(3) - INTERVAL :grace MICROSECOND
        ORDER BY expires_at LIMIT :limit`,
      { grace: graceMs * 1000, limit },
    );
    return rows.map(({ orderNo }) => orderNo);
  }
}
