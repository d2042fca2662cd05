/** The workflows that the workers' bundle holds. */
export { batch } from './batch.workflow.ts';
export {
  carryOut as chatJob,
  carryOut as imageJob,
  carryOut as speechJob,
  carryOut as transcriptJob,
} from './job.workflow.ts';
export { ledgerReconciliation, retention } from './maintenance.workflow.ts';
export { orderExpiry } from './order-expiry.workflow.ts';
export { webhookDelivery } from './webhook-delivery.workflow.ts';
