/** Builds the webhooks capability from its dependencies. */
import type { Sequelize } from 'sequelize';
import type { AuditLog } from '../../core/accounts/audit-log.ts';
import type { WorkflowStarter } from '../../core/outbox/starter.ts';
import type { Config } from '../../infra/config.ts';
import type { Vault } from '../../infra/crypto.ts';
import type { Logger } from '../../infra/logger.ts';
import { createAddressCheck, createOutbound } from '../../infra/outbound.ts';
import { DeliveryReconciler, type DeliveryReconcilerDeps } from './delivery-reconciler.ts';
import { DeliveryStore } from './delivery-store.ts';
import { SecretStore } from './secret-store.ts';
import { type SenderDeps, WebhookSender } from './webhook-sender.ts';
import { Webhooks } from './webhooks.ts';

export interface WebhookServiceDeps {
  readonly sequelize: Sequelize;
  readonly vault: Vault;
  readonly config: Pick<Config, 'WEBHOOK_PRIVATE_HOSTS'>;
  readonly starter: WorkflowStarter;
  readonly audit: AuditLog;
  readonly jobOf: SenderDeps['jobOf'];
  readonly workflowState: DeliveryReconcilerDeps['workflowState'];
  readonly log: Logger;
}

export function createWebhooks({
  sequelize,
  vault,
  config,
  starter,
  audit,
  jobOf,
  workflowState,
  log,
}: WebhookServiceDeps) {
  // Any user names these addresses: what administrators let providers have is not for them.
  const reach = { OUTBOUND_PRIVATE_HOSTS: config.WEBHOOK_PRIVATE_HOSTS, SIMULATOR_URL: '' };
  const outbound = createOutbound(reach);
  const deliveries = new DeliveryStore(sequelize);
  const secrets = new SecretStore(sequelize, vault);
  return {
    webhooks: new Webhooks({ deliveries, secrets, starter, audit, mayBeCalled: createAddressCheck(reach) }),
    webhookSender: new WebhookSender({ deliveries, secrets, outbound, jobOf, log }),
    webhookDeliveries: deliveries,
    deliveryReconciler: new DeliveryReconciler({ deliveries, workflowState, log }),
    closeWebhooks: () => outbound.close(),
  };
}
