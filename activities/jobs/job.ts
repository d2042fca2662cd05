/** What a job is: its kinds and states, what is decided when it is submitted, and how its workflow is started. Pure. */
import { z } from 'zod';
import { admissionSchema } from '../../core/accounts/key-limits.ts';
import { turnSchema } from '../../core/conversations/turn.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import {
  JOB_KINDS,
  type JobIdentity,
  type JobType,
  jobWorkflowId,
  TASK_QUEUES,
  type WorkflowStart,
} from '../../workflows/contracts.ts';

export const JOB_STATUSES = ['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];
/** `Object.keys` of a constant gives its own keys. */
export const JOB_TYPES = Object.keys(JOB_KINDS) as JobType[];

/** A provider may be called this often for one job; the count is kept in its row, across crashes. */
export const MAX_PROVIDER_CALLS = 3;

export function isLive(status: JobStatus): boolean {
  return status === 'PENDING' || status === 'PROCESSING';
}

/** Decided at submission and kept with the job, so that every run calls under the same limits and prices. */
export const jobPlanSchema = z.object({
  /** Candidates in routing order: the frozen price version and the output limit of each. */
  candidates: z.array(z.object({ priceId: z.number(), maxTokens: z.number() })),
  /** True when the hold was taken from the access key's budget. */
  budgeted: z.boolean(),
  traceId: z.string(),
  /** What the client said of who asks, for the usage log. */
  tags: z.record(z.string(), z.string()).default({}),
  /** Provider of the first candidate, for what operators see. */
  providerName: z.string().default(''),
  /** How it is counted under the limits of its access key, when that has any. */
  admission: admissionSchema.exactOptional(),
  /** The kept conversation that a chat belongs to. */
  turn: turnSchema.exactOptional(),
});
export type JobPlan = z.infer<typeof jobPlanSchema>;

/** Jobs end within this time of their submission, one way or the other. */
export const JOB_DEADLINE_MS = 3_600_000;

export interface JobToStart extends JobIdentity {
  readonly accountId: number;
  readonly modelName: string;
  readonly providerName: string;
  readonly holdAmount: bigint;
  /** 1 (first) to 5. */
  readonly priority: number;
  readonly traceId: string;
}

/**
 * What operators see of a job, and whose backlog it counts to. References and names of the catalog only, never text of the user.
 * @param workflowId of a job whose row has one.
 */
export function jobStart(job: JobToStart, workflowId = jobWorkflowId(job)): WorkflowStart {
  const { id, type, userId, modelName, providerName } = job;
  return {
    workflow: JOB_KINDS[type].workflow,
    workflowId,
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
 * Whose turn it is in a backlog. Temporal's priorities are strict over all users, so they only serve jobs that let
 * others go first (4 and 5). Urgent jobs (1 and 2) wait in a queue of their own, beside their user's other jobs: it moves
 * a few times faster than those of others, and cannot stop them.
 */
function turnsOf(userId: number, priority: number): Pick<WorkflowStart, 'priority' | 'fairnessKey' | 'fairnessWeight'> {
  const fairnessWeight = TURNS_OF_URGENT[priority];
  if (fairnessWeight === undefined) return { priority, fairnessKey: `user-${userId}` };
  return { priority: DEFAULT_PRIORITY, fairnessKey: `user-${userId}-${priority}`, fairnessWeight };
}
