import { ApplicationFailure, setCurrentDetails } from '@temporalio/workflow';
import { checkLedger, removeExpired } from './activity-proxies.ts';
import type { LedgerCheck, Removed } from './contracts.ts';

/** Every night: checks the ledger's invariants. A breach fails the workflow, as an unexpected error. */
export async function ledgerReconciliation(): Promise<LedgerCheck> {
  const result = await checkLedger();
  setCurrentDetails(result.breaches === 0 ? 'the books agree' : `${result.breaches} breaches: ${result.broken}`);
  if (result.breaches === 0) return result;
  throw ApplicationFailure.create({
    type: 'LEDGER_BREACH',
    message: `${result.breaches} breaches of ${result.broken.join(', ')}; the newest row of reconciliations names them`,
    nonRetryable: true,
  });
}

/** Every night: removes what has expired. */
export async function retention(): Promise<Removed> {
  const removed = await removeExpired();
  setCurrentDetails(
    `removed ${removed.usageDocuments} usage documents, ${removed.outboxPartitions} days of the outbox, ${removed.webhookDeliveries} webhook deliveries, payloads of ${removed.jobPayloads ?? 0} jobs, ${removed.pictures ?? 0} images`,
  );
  return removed;
}
