/** Webhooks as their owner uses them: secrets, the log of deliveries, sending one again. */

import type { AuditLog, By } from '../../core/accounts/audit-log.ts';
import type { WorkflowStarter } from '../../core/outbox/starter.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { presentSpan } from '../../infra/telemetry/spans.ts';
import type { Delivery } from './delivery.ts';
import type { DeliveryFilter, DeliveryStore } from './delivery-store.ts';
import { deliveryStart } from './delivery-table.ts';
import type { SecretStore, WebhookSecret } from './secret-store.ts';

export interface WebhookDeps {
  readonly deliveries: Pick<DeliveryStore, 'find' | 'list' | 'beginRound'>;
  readonly secrets: Pick<SecretStore, 'list' | 'rotate'>;
  readonly starter: Pick<WorkflowStarter, 'kick'>;
  readonly audit: Pick<AuditLog, 'record'>;
  /** False for an address that may not be called, as far as that is known without a DNS lookup. */
  readonly mayBeCalled: (url: string) => boolean;
}

/** Each is a workflow, free to its user. */
const MAX_REDELIVERIES = 50;

export class Webhooks {
  readonly #deps: WebhookDeps;

  constructor(deps: WebhookDeps) {
    this.#deps = deps;
  }

  /** Refuses an address at submission. @throws {AppError} invalidParameter naming `webhookUrl`. */
  checkAddress(url: string): void {
    if (this.#deps.mayBeCalled(url)) return;
    throw invalid([
      {
        path: 'webhookUrl',
        message: 'must be an http or https address of a public host, on port 80, 443, 8080 or 8443',
      },
    ]);
  }

  secrets(userId: number): Promise<WebhookSecret[]> {
    return this.#deps.secrets.list(userId);
  }

  /** Replaces the signing secret. The plain secret is in this answer only. */
  rotateSecret(userId: number): Promise<{ id: number; secret: string }> {
    return this.#deps.secrets.rotate(userId);
  }

  deliveries(filter: DeliveryFilter): Promise<{ deliveries: Delivery[]; total: number }> {
    return this.#deps.deliveries.list(filter);
  }

  /**
   * Sends a delivery again, with all its tries.
   * @param who its owner, only for a delivery of this user's; or an administrator, in the audit log.
   * @throws {AppError} notFound; illegalState while it is being delivered, or was sent again too often.
   */
  async redeliver(id: string, who: number | By): Promise<Delivery> {
    const { deliveries, starter, audit } = this.#deps;
    const owner = typeof who === 'number' ? who : undefined;
    const delivery = await this.#get(id, owner);
    const { userId, jobId, status } = delivery;
    if (delivery.redeliveries >= MAX_REDELIVERIES) {
      throw new AppError('illegalState', `a delivery is sent again at most ${MAX_REDELIVERIES} times`);
    }
    const round = await deliveries.beginRound(delivery, async (transaction) => {
      if (typeof who === 'number') return;
      const states = { before: { userId, jobId, status }, after: { status: 'PENDING' } };
      const target = { targetKind: 'webhook-delivery', targetId: id } as const;
      await audit.record({ ...who, action: 'webhooks.redeliver', ...target, ...states }, transaction);
    });
    if (round === undefined) throw new AppError('illegalState', 'this delivery is still on its way');
    starter.kick({ ...deliveryStart(id, userId, round), ...presentSpan() });
    return this.#get(id, owner);
  }

  async #get(id: string, userId: number | undefined): Promise<Delivery> {
    const delivery = await this.#deps.deliveries.find(id, userId);
    if (!delivery) throw new AppError('notFound', 'there is no such delivery');
    return delivery;
  }
}
