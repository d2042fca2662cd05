/**
 * Puts deliveries right that wait for a try which no workflow will make: one whose workflow Temporal has lost is started
 * again, one whose workflow was cancelled or terminated is ended, so that its owner can have it sent again.
 */
import type { Logger } from '../../infra/logger.ts';
import { formerWebhookWorkflowId, webhookWorkflowId } from '../../workflows/contracts.ts';
import { type Delivery, isOverdue } from './delivery.ts';
import type { DeliveryStore, WaitingDelivery } from './delivery-store.ts';

type StoppedState = 'ended' | 'none';

export interface DeliveryReconcilerDeps {
  readonly deliveries: Pick<DeliveryStore, 'waiting' | 'restart' | 'stop'>;
  /** @throws while Temporal is away. */
  readonly workflowState: (workflowId: string) => Promise<'running' | StoppedState>;
  readonly log: Logger;
}

const BATCH = 100;
const AT_ONCE = 10;
const STOPPED = 'stopped from outside; redeliver sends it again';

export class DeliveryReconciler {
  readonly #deps: DeliveryReconcilerDeps;

  constructor(deps: DeliveryReconcilerDeps) {
    this.#deps = deps;
  }

  /**
   * One round through all that wait; safe from several processes. A delivery that cannot be handled is logged.
   * @returns how many were put right.
   * @throws while Temporal is away.
   */
  async reconcile(): Promise<number> {
    let righted = 0;
    let page: WaitingDelivery[] = [];
    do {
      page = await this.#deps.deliveries.waiting(page.at(-1), BATCH);
      righted += await this.#checkAll(page);
    } while (page.length === BATCH);
    return righted;
  }

  async #checkAll(page: readonly WaitingDelivery[]): Promise<number> {
    let righted = 0;
    for (let from = 0; from < page.length; from += AT_ONCE) {
      const results = await Promise.all(page.slice(from, from + AT_ONCE).map((waiting) => this.#check(waiting)));
      righted += results.filter(Boolean).length;
    }
    return righted;
  }

  async #check(waiting: WaitingDelivery): Promise<boolean> {
    const delivery = this.#read(waiting);
    if (!delivery || !isOverdue(delivery, Date.now())) return false;
    const state = await this.#stateOf(delivery);
    return state !== 'running' && this.#putRight(delivery, state);
  }

  async #stateOf({ id, userId, redeliveries }: Delivery): Promise<'running' | StoppedState> {
    const state = await this.#deps.workflowState(webhookWorkflowId(userId, id, redeliveries));
    return state === 'none' ? this.#deps.workflowState(formerWebhookWorkflowId(id, redeliveries)) : state;
  }

  #read({ id, read }: WaitingDelivery): Delivery | undefined {
    try {
      return read();
    } catch (err) {
      this.#deps.log.error({ err, deliveryId: id }, 'a webhook delivery cannot be read');
      return undefined;
    }
  }

  async #putRight(delivery: Delivery, workflow: StoppedState): Promise<boolean> {
    const { deliveries, log } = this.#deps;
    const about = { deliveryId: delivery.id, round: delivery.redeliveries, workflow };
    try {
      const righted =
        workflow === 'none' ? await deliveries.restart(delivery) : await deliveries.stop(delivery, STOPPED);
      if (righted) log.warn(about, 'a webhook delivery had no running workflow; put right');
      return righted;
    } catch (err) {
      log.error({ ...about, err }, 'a webhook delivery without a running workflow cannot be put right');
      return false;
    }
  }
}
