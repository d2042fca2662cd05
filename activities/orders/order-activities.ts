/** Orders as Temporal's worker calls them. */
import type { OrderOutcome } from '../../workflows/contracts.ts';

export interface OrderActivities {
  /** Cancels an order whose time is over by the database's clock; otherwise says how long it still has. Idempotent. */
  expireOrder(orderNo: string): Promise<OrderOutcome>;
}

export function createOrderActivities(orders: {
  readonly expire: (orderNo: string) => Promise<OrderOutcome>;
}): OrderActivities {
  return { expireOrder: (orderNo) => orders.expire(orderNo) };
}
