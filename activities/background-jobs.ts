/**
 * What has to run as long as any worker runs. Each round may run in several processes at the same time. Only the
 * reconcilers need Temporal; all others need the databases alone and go on while Temporal is away.
 */
import type { HoldSweeper } from '../core/ledger/sweeper.ts';
import type { WorkflowStarter } from '../core/outbox/starter.ts';
import type { UsageRelay } from '../core/usage/usage-relay.ts';
import type { BatchReconciler } from './batches/batch-recovery.ts';
import type { JobReconciler, JobSweeper } from './jobs/job-recovery.ts';
import type { Orders } from './orders/orders.ts';
import type { DeliveryReconciler } from './webhooks/delivery-reconciler.ts';

export interface BackgroundJob {
  readonly name: string;
  readonly everyMs: number;
  /** One round. @returns true when there is more to do at once. */
  readonly round: () => Promise<boolean>;
}

export interface BackgroundJobDeps {
  readonly starter: WorkflowStarter;
  readonly holdSweeper: HoldSweeper;
  readonly jobSweeper: JobSweeper;
  readonly jobReconciler: JobReconciler;
  readonly batchReconciler: BatchReconciler;
  readonly deliveryReconciler: DeliveryReconciler;
  readonly orders: Orders;
  readonly usageRelay: UsageRelay;
}

const OVERDUE_ORDERS = 100;

export function backgroundJobs(deps: BackgroundJobDeps): BackgroundJob[] {
  const { starter, holdSweeper, jobSweeper, jobReconciler, batchReconciler, deliveryReconciler, orders, usageRelay } =
    deps;
  const once = async (work: Promise<unknown>): Promise<boolean> => {
    await work;
    return false;
  };
  return [
    { name: 'workflow starts', everyMs: 1_000, round: async () => (await starter.relay()) > 0 },
    { name: 'usage log', everyMs: 500, round: async () => (await usageRelay.relay()) > 0 },
    { name: 'holds of dead processes', everyMs: 2_000, round: () => once(holdSweeper.sweep()) },
    { name: 'overdue jobs', everyMs: 10_000, round: async () => (await jobSweeper.sweep()) > 0 },
    { name: 'jobs and their workflows', everyMs: 20_000, round: () => once(jobReconciler.reconcile()) },
    { name: 'batches and their workflows', everyMs: 20_000, round: () => once(batchReconciler.reconcile()) },
    {
      name: 'webhook deliveries and their workflows',
      everyMs: 60_000,
      round: () => once(deliveryReconciler.reconcile()),
    },
    { name: 'overdue orders', everyMs: 10_000, round: async () => (await orders.expireOverdue(OVERDUE_ORDERS)) > 0 },
  ];
}
