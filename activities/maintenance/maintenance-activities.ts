/** Scheduled maintenance of the data, as Temporal runs it. */

import type { Conversations } from '../../core/conversations/conversations.ts';
import type { KeptResponses } from '../../core/conversations/kept-responses.ts';
import type { Reconciliation } from '../../core/ledger/reconcile.ts';
import type { Retained } from '../../core/usage/retention.ts';
import type { LedgerCheck, Removed } from '../../workflows/contracts.ts';
import type { RemovedOfJobs } from '../jobs/job-retention.ts';
import type { DeliveryStore } from '../webhooks/delivery-store.ts';

export interface MaintenanceActivities {
  /** Checks the ledger's invariants and keeps the result. */
  checkLedger(): Promise<LedgerCheck>;
  /** Removes what has expired. Safe to run again. */
  removeExpired(): Promise<Removed>;
}

export interface MaintenanceDeps {
  readonly reconcile: () => Promise<Reconciliation>;
  /** @returns undefined when another process is doing it. */
  readonly retainUsage: () => Promise<Retained | undefined>;
  readonly deliveries: DeliveryStore;
  readonly removePayloads: () => Promise<RemovedOfJobs>;
  readonly removeExpiredFiles: () => Promise<void>;
  readonly conversations: Pick<Conversations, 'removeDeleted'>;
  readonly keptResponses: Pick<KeptResponses, 'removeExpired'>;
}

/** Owners ask for a message again within days, not months. */
const DELIVERY_DAYS = 30;
const DELETE_AT_ONCE = 1_000;
/** With all their messages. */
const CONVERSATIONS_AT_ONCE = 50;
const RESPONSES_AT_ONCE = 500;

export function createMaintenanceActivities(deps: MaintenanceDeps): MaintenanceActivities {
  const { reconcile, retainUsage, deliveries, removePayloads, removeExpiredFiles, conversations, keptResponses } = deps;
  return {
    async checkLedger() {
      const { breaches, invariants } = await reconcile();
      const broken = invariants.filter((invariant) => invariant.breaches > 0).map((invariant) => invariant.name);
      return { breaches, broken };
    },
    async removeExpired() {
      const usage = await retainUsage();
      let webhookDeliveries = 0;
      for (;;) {
        const removed = await deliveries.removeOlderThan(DELIVERY_DAYS, DELETE_AT_ONCE);
        webhookDeliveries += removed;
        if (removed < DELETE_AT_ONCE) break;
      }
      const ofJobs = await removePayloads();
      await removeExpiredFiles();
      while ((await conversations.removeDeleted(CONVERSATIONS_AT_ONCE)) === CONVERSATIONS_AT_ONCE);
      while ((await keptResponses.removeExpired(RESPONSES_AT_ONCE)) === RESPONSES_AT_ONCE);
      return {
        usageDocuments: usage?.deletedDocuments ?? 0,
        outboxPartitions: usage?.droppedPartitions ?? 0,
        webhookDeliveries,
        ...ofJobs,
      };
    },
  };
}
