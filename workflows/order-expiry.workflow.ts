import { condition, defineSignal, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { expireOrder } from './activity-proxies.ts';
import { ORDER_SIGNALS, type OrderExpiryInput, type OrderOutcome } from './contracts.ts';

const settled = defineSignal(ORDER_SIGNALS.settled);

/**
 * Cancels an order that was not paid in time. The database decides with its own clock; a signal only says that there
 * may be nothing left to wait for.
 */
export async function orderExpiry(input: OrderExpiryInput): Promise<OrderOutcome> {
  let hinted = false;
  setHandler(settled, () => {
    hinted = true;
  });
  let waitMs = input.ttlMs;
  for (;;) {
    setCurrentDetails(`waits for the payment, at most ${Math.ceil(waitMs / 1000)} s more`);
    await condition(() => hinted, waitMs);
    hinted = false;
    const outcome = await expireOrder(input.orderNo);
    if (outcome.status !== 'PENDING') {
      setCurrentDetails(`the order is ${outcome.status}`);
      return outcome;
    }
    waitMs = Math.max(outcome.remainingMs, 1);
  }
}
