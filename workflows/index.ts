/** The workflows that the workers' bundle holds. */
export { chatJob } from './chat-job.workflow.ts';
export { imageJob } from './image-job.workflow.ts';
export { ledgerReconciliation, retention } from './maintenance.workflow.ts';
export { orderExpiry } from './order-expiry.workflow.ts';
export { webhookDelivery } from './webhook-delivery.workflow.ts';
