/** What a job is: its states and the decisions that were made when it was submitted. */
import { z } from 'zod';
import { admissionSchema } from '../../core/accounts/key-limits.ts';
import { turnSchema } from '../../core/conversations/turn.ts';

export const JOB_STATUSES = ['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];
export const JOB_TYPES = ['chat', 'image'] as const;
export type JobType = (typeof JOB_TYPES)[number];

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
  /** Provider of the first candidate, for what operators see. */
  providerName: z.string().default(''),
  /** How it is counted under the limits of its access key, when that has any. */
  admission: admissionSchema.exactOptional(),
  /** The kept conversation that a chat belongs to. */
  turn: turnSchema.exactOptional(),
});
export type JobPlan = z.infer<typeof jobPlanSchema>;
