/** How a job's workflow is started: what operators see of it, and whose backlog it counts to. Pure. */

import { formatMoney } from '../../core/ledger/money.ts';
import { jobWorkflowId, TASK_QUEUES, type WorkflowName, type WorkflowStart } from '../../workflows/contracts.ts';
import type { JobType } from './job.ts';

/** Jobs end within this time of their submission, one way or the other. */
export const JOB_DEADLINE_MS = 3_600_000;

const WORKFLOW_OF: Readonly<Record<JobType, WorkflowName>> = { chat: 'chatJob', image: 'imageJob' };

export interface JobToStart {
  readonly id: string;
  readonly type: JobType;
  readonly userId: number;
  readonly accountId: number;
  readonly modelName: string;
  readonly providerName: string;
  readonly holdAmount: bigint;
  /** 1 (first) to 5. */
  readonly priority: number;
  readonly traceId: string;
}

/** References and names of the catalog only, never text of the user. */
export function jobStart(job: JobToStart): WorkflowStart {
  const { id, type, userId, modelName, providerName } = job;
  return {
    workflow: WORKFLOW_OF[type],
    workflowId: jobWorkflowId(id),
    taskQueue: TASK_QUEUES.jobs,
    input: { jobId: id, accountId: job.accountId, deadlineMs: JOB_DEADLINE_MS, traceId: job.traceId },
    title: `${type} · ${modelName} · user ${userId} · hold ${formatMoney(job.holdAmount)}`,
    searchAttributes: { Modality: type, UserId: userId, Model: modelName, Provider: providerName },
    ...turnsOf(userId, job.priority),
  };
}

const DEFAULT_PRIORITY = 3;
/** Turns of an urgent job for one of another user. */
const TURNS_OF_URGENT: Readonly<Record<number, number>> = { 1: 3, 2: 2 };

/**
 * Whose turn it is in a backlog. Temporal's priorities are strict over all users, so they only serve those who stand
 * back (4 and 5). Urgent jobs (1 and 2) wait in a line of their own, beside what else their user has waiting: it moves
 * faster than others' by a few times, and cannot keep them from moving.
 */
function turnsOf(userId: number, priority: number): Pick<WorkflowStart, 'priority' | 'fairnessKey' | 'fairnessWeight'> {
  const fairnessWeight = TURNS_OF_URGENT[priority];
  if (fairnessWeight === undefined) return { priority, fairnessKey: `user-${userId}` };
  return { priority: DEFAULT_PRIORITY, fairnessKey: `user-${userId}-${priority}`, fairnessWeight };
}
