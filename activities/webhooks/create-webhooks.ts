/** Builds the webhooks capability from its parts. */
import type { Sequelize } from 'sequelize';
import type { Vault } from '../../infra/crypto.ts';
import type { Logger } from '../../infra/logger.ts';
import { createAddressCheck, type Outbound, type OutboundConfig } from '../../infra/outbound.ts';
import type { WorkflowStarter } from '../workflow-starts/starter.ts';
import { DeliveryStore } from './delivery-store.ts';
import { SecretStore } from './secret-store.ts';
import { type SenderParts, WebhookSender } from './webhook-sender.ts';
import { Webhooks } from './webhooks.ts';

export interface WebhooksGround {
  readonly sequelize: Sequelize;
  readonly vault: Vault;
  readonly outbound: Outbound;
  readonly config: OutboundConfig;
  readonly starter: WorkflowStarter;
  readonly jobOf: SenderParts['jobOf'];
  readonly log: Logger;
}

export function createWebhooks({ sequelize, vault, outbound, config, starter, jobOf, log }: WebhooksGround) {
  const deliveries = new DeliveryStore(sequelize);
  const secrets = new SecretStore(sequelize, vault);
  return {
    webhooks: new Webhooks({ deliveries, secrets, starter, mayBeCalled: createAddressCheck(config) }),
    webhookSender: new WebhookSender({ deliveries, secrets, outbound, jobOf, log }),
    webhookDeliveries: deliveries,
    /** Seals the stored secrets under the newest key version. @returns how many were sealed. */
    resealWebhookSecrets: () => secrets.reseal(),
  };
}
