/** Reads of orders; every change goes through the money lane. */
import { QueryTypes, type Sequelize } from 'sequelize';
import { z } from 'zod';
import { ORDER_STATUSES, type Order, type OrderStatus } from './order.ts';

const rowSchema = z.object({
  id: z.number(),
  order_no: z.string(),
  user_id: z.number(),
  account_id: z.number(),
  amount: z.string(),
  currency: z.string(),
  status: z.enum(ORDER_STATUSES),
  reason: z.string().nullable(),
  paid_at: z.date().nullable(),
  paid_late: z.number(),
  refunded: z.string().nullable(),
  expires_at: z.date(),
  created_at: z.date(),
  updated_at: z.date(),
});

const COLUMNS = Object.keys(rowSchema.shape).join(',');

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
    const [row] = await this.#sequelize.query(`SELECT ${COLUMNS} FROM orders WHERE order_no=:orderNo${owner}`, {
      replacements: { orderNo, userId },
      type: QueryTypes.SELECT,
    });
    return row && orderOf(row);
  }

  /** One page, newest first unless asked otherwise, and how many there are in all. */
  async page(filter: OrderFilter): Promise<{ records: Order[]; total: number }> {
    const conditions = ['1=1'];
    if (filter.userId !== undefined) conditions.push('user_id=:userId');
    if (filter.status !== undefined) conditions.push('status=:status');
    const where = conditions.join(' AND ');
    const direction = filter.sortOrder === 'asc' ? 'ASC' : 'DESC';
    const order = [...new Set([SORT_COLUMNS[filter.sortBy ?? 'id'], 'id'])].map((column) => `${column} ${direction}`);
    const replacements = {
      userId: filter.userId,
      status: filter.status,
      limit: filter.pageSize,
      offset: (filter.pageNum - 1) * filter.pageSize,
    };
    const [rows, [count]] = await Promise.all([
      this.#sequelize.query(
        `SELECT ${COLUMNS} FROM orders WHERE ${where} ORDER BY ${order.join(',')} LIMIT :limit OFFSET :offset`,
        { replacements, type: QueryTypes.SELECT },
      ),
      this.#sequelize.query<{ total: number | string }>(`SELECT COUNT(*) AS total FROM orders WHERE ${where}`, {
        replacements,
        type: QueryTypes.SELECT,
      }),
    ]);
    return { records: rows.map(orderOf), total: Number(count?.total ?? 0) };
  }

  /** Orders that are PENDING although their time was over `graceMs` ago by the database's clock, oldest first. */
  async overdue(graceMs: number, limit: number): Promise<string[]> {
    const rows = await this.#sequelize.query<{ order_no: string }>(
      `SELECT order_no FROM orders
        WHERE status='PENDING' AND expires_at <= NOW(3) - INTERVAL :grace MICROSECOND
        ORDER BY expires_at LIMIT :limit`,
      { replacements: { grace: graceMs * 1000, limit }, type: QueryTypes.SELECT },
    );
    return rows.map((row) => row.order_no);
  }
}

function orderOf(row: object): Order {
  const order = rowSchema.parse(row);
  return {
    id: order.id,
    orderNo: order.order_no,
    userId: order.user_id,
    accountId: order.account_id,
    amount: BigInt(order.amount),
    currency: order.currency,
    status: order.status,
    reason: order.reason,
    paidAt: order.paid_at,
    paidLate: order.paid_late === 1,
    refunded: order.refunded === null ? null : BigInt(order.refunded),
    expiresAt: order.expires_at,
    createdAt: order.created_at,
    updatedAt: order.updated_at,
  };
}
