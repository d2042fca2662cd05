import { ApplicationFailureCategory } from '@temporalio/common';
import { ApplicationFailure, setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import { deliverWebhook } from './activity-proxies.ts';
import type { WebhookDeliveryInput, WebhookDeliveryOutcome } from './contracts.ts';

/**
 * Sends the webhook of a job's end: one activity whose tries are up to hours apart. Not delivered = a failed workflow.
 */
export async function webhookDelivery(input: WebhookDeliveryInput): Promise<WebhookDeliveryOutcome> {
  setCurrentDetails('sends; the pending activity shows the tries so far and when the next one is due');
  const outcome = await deliverWebhook(input);
  upsertMemo({ status: outcome.status, attempts: outcome.attempts });
  setCurrentDetails(`${outcome.status.toLowerCase()} after ${outcome.attempts} tries`);
  if (outcome.status === 'DELIVERED' || outcome.status === 'SUPERSEDED') return outcome;
  throw ApplicationFailure.create({
    type: outcome.status,
    message: `the webhook was not delivered; POST /v1/webhooks/deliveries/${input.deliveryId}/redeliver sends it again`,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
  });
}
