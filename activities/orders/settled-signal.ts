/** Tells an order's workflow that the database has decided. A hint: the workflow looks at the row by itself as well. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from 'pino';
import { ORDER_SIGNALS } from '../../workflows/contracts.ts';
import type { Order } from './order.ts';

/** Returns at once. */
export type SignalSettled = (order: Pick<Order, 'orderNo' | 'workflowId'>) => void;

const SIGNAL_DEADLINE_MS = 2_000;

/** @returns sends the hint in the background; never throws. A workflow that no longer runs needs no hint. */
export function settledSignal(client: Client, log: Logger): SignalSettled {
  return ({ orderNo, workflowId }) => {
    client
      .withDeadline(Date.now() + SIGNAL_DEADLINE_MS, () =>
        client.workflow.getHandle(workflowId).signal(ORDER_SIGNALS.settled),
      )
      .catch((err: unknown) => {
        if (!(err instanceof WorkflowNotFoundError))
          log.warn({ err, orderNo }, 'order: its workflow was not signalled');
      });
  };
}
