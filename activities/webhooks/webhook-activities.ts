/** Deliveries as Temporal runs them: a thin adapter over WebhookSender. No address and no text of a job passes here. */
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { WebhookDeliveryInput, WebhookDeliveryOutcome } from '../../workflows/contracts.ts';
import type { WebhookSender } from './webhook-sender.ts';

export interface WebhookActivities {
  /** One try; throws a retryable failure that says when the next one is due. */
  deliverWebhook(input: WebhookDeliveryInput): Promise<WebhookDeliveryOutcome>;
}

export function createWebhookActivities(sender: WebhookSender): WebhookActivities {
  return {
    async deliverWebhook(input) {
      const outcome = await sender.attempt(input);
      const { attempts } = outcome;
      if (outcome.kind === 'ended') return { status: outcome.status, attempts };
      if (outcome.kind === 'superseded') return { status: 'SUPERSEDED', attempts };
      throw ApplicationFailure.create({
        type: 'NOT_DELIVERED',
        message: `try ${attempts}: ${outcome.reason}; the next one follows in ${outcome.delayMs / 1_000} s`,
        nextRetryDelay: outcome.delayMs,
        category: ApplicationFailureCategory.BENIGN,
      });
    },
  };
}
