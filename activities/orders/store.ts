/** Reads of orders; every change goes through the commit queue. */
import type { Sequelize } from 'sequelize';
import { invalid } from '../../infra/errors.ts';
import { afterPlace, orderOf, type Place } from '../../infra/mysql/keyset.ts';
import { utcDateTime } from '../../infra/mysql/literal.ts';
import { column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { count, select } from '../../infra/mysql/statements.ts';
import { ORDER_STATUSES, type Order, type OrderStatus } from './order.ts';
import { PAYMENT_EVENT_OUTCOMES } from './payment-event-table.ts';
import { PAYMENT_NOTICE_KINDS } from './providers/payment-provider.ts';

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
  outcome: column.oneOf(PAYMENT_EVENT_OUTCOMES),
  receivedAt: column.time,
  kind: orNull(column.oneOf(PAYMENT_NOTICE_KINDS)),
  amount: orNull(column.bigint),
  currency: orNull(column.text),
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
  /** Id of an order: those after it, uncounted. */
  readonly cursor?: number | undefined;
}

/** One more than a page has, if there are more. */
export interface OrderPage {
  readonly records: Order[];
  readonly total: number | undefined;
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

  /**
   * One page, newest first unless asked otherwise, and how many there are in all. Rows are read once an index has found
   * the page.
   * @throws {AppError} invalidParameter for a cursor that is no order of the list.
   */
  async page(filter: OrderFilter): Promise<OrderPage> {
    const { userId, status, cursor, pageSize, pageNum, sortBy = 'id', sortOrder } = filter;
    const conditions = ['1=1'];
    if (userId !== undefined) conditions.push('user_id=:userId');
    if (status !== undefined) conditions.push('status=:status');
    const direction = sortOrder === 'asc' ? 'ASC' : 'DESC';
    const sorting = { column: SORT_COLUMNS[sortBy], id: 'id', direction } as const;
    const place = cursor === undefined ? undefined : await this.#place(cursor, sortBy, userId);
    const where = conditions.join(' AND ');
    const after = place === undefined ? '' : ` AND ${afterPlace(sorting, place)}`;
    const by = orderOf(sorting);
    const ids = `SELECT id FROM orders WHERE ${where}${after} ORDER BY ${by} LIMIT :limit OFFSET :offset`;
    const page = `SELECT ${COLUMNS} FROM orders JOIN (${ids}) page USING (id) ORDER BY ${by}`;
    const offset = place === undefined ? (pageNum - 1) * pageSize : 0;
    const replacements = { userId, status, limit: pageSize + 1, offset };
    const [records, total] = await Promise.all([
      select(this.#sequelize, order.read, page, replacements),
      place === undefined
        ? count(this.#sequelize, `SELECT COUNT(*) AS total FROM orders WHERE ${where}`, replacements)
        : undefined,
    ]);
    return { records, total };
  }

  /** Only among the orders that the list may show: where another user's stands is nobody else's business. */
  async #place(id: number, sortBy: OrderSortKey, userId: number | undefined): Promise<Place> {
    const owner = userId === undefined ? '' : ' AND user_id=:userId';
    const sql = `SELECT ${COLUMNS} FROM orders WHERE id=:id${owner}`;
    const [found] = await select(this.#sequelize, order.read, sql, { id, userId });
    if (found === undefined) throw invalid([{ path: 'cursor', message: 'is no order of this list' }]);
    const { amount, createdAt } = found;
    return { id, value: { id, amount, createdAt: utcDateTime(createdAt.getTime()) }[sortBy] };
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
