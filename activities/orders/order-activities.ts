/** Orders as Temporal's worker calls them. */
import { ApplicationFailure } from '@temporalio/common';
import { AppError } from '../../infra/errors.ts';
import type { OrderOutcome } from '../../workflows/contracts.ts';
import type { Orders } from './orders.ts';

export interface OrderActivities {
  /**
   * Cancels an order whose time is over by the database's clock; otherwise says how long it still has. Idempotent.
   * Fails for good when there is no such order (the database is another one than the workflow was made with).
   */
  expireOrder(orderNo: string): Promise<OrderOutcome>;
}

export function createOrderActivities(orders: Pick<Orders, 'expire'>): OrderActivities {
  return {
    async expireOrder(orderNo) {
      try {
        return await orders.expire(orderNo);
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== 'notFound') throw error;
        throw ApplicationFailure.create({ type: 'NOT_FOUND', message: error.message, nonRetryable: true });
      }
    },
  };
}
