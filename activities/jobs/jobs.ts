/** Jobs as their owner uses them: submit, look, wait, cancel. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { v7 as uuidv7 } from 'uuid';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { jobWorkflowId, TASK_QUEUES, type WorkflowName, type WorkflowStart } from '../../workflows/contracts.ts';
import type { AccessKeyCaller } from '../accounts/caller.ts';
import { claimRequest } from '../billing/idempotency.ts';
import type { Ledger } from '../billing/ledger.ts';
import { formatMoney } from '../billing/money.ts';
import type { StoredAnswer } from '../billing/operations/claim.ts';
import { candidatesOf, type ModelName } from '../inference/candidates.ts';
import type { ModelSource } from '../inference/model.ts';
import { type Plan, planChat } from '../inference/plan.ts';
import type { ChatBody } from '../inference/providers/provider.ts';
import { holdOf, reserve } from '../inference/reservation.ts';
import type { WorkflowStarter } from '../workflow-starts/starter.ts';
import { isLive, type JobPlan, type JobType } from './job.ts';
import type { JobEvents } from './job-events.ts';
import { cancelJob, submitJob } from './job-operations.ts';
import type { JobFilter, JobStore, JobView } from './store.ts';

export interface JobParts {
  readonly ledger: Ledger;
  readonly models: ModelSource;
  readonly store: JobStore;
  readonly starter: WorkflowStarter;
  readonly events: JobEvents;
  /** Asks Temporal to cancel a workflow; a hint, the row has decided. */
  readonly cancelWorkflow: (workflowId: string) => Promise<void>;
  readonly log: Logger;
}

export interface JobSubmission {
  readonly caller: AccessKeyCaller;
  readonly model: ModelName;
  /** The request as the client sent it; kept with the job and run from there. */
  readonly request: unknown;
  /** The same in OpenAI's words. */
  readonly body: ChatBody;
  readonly priority: number;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly webhookUrl: string | null;
  readonly traceId: string;
  readonly keyed?: { readonly scope: string; readonly key: string; readonly fingerprint: Uint8Array };
}

/** Jobs end within this time of their submission, one way or the other. */
const JOB_DEADLINE_MS = 3_600_000;
/** While Redis is away nobody is woken: the row is read this often. */
const WAIT_POLL_MS = 2_000;

export class Jobs {
  readonly #parts: JobParts;

  constructor(parts: JobParts) {
    this.#parts = parts;
  }

  /**
   * Takes the hold and writes the job in one transaction; its workflow starts in the background.
   * @returns the job's id, an earlier one for a repeated keyed request.
   * @throws {AppError} as a synchronous chat before its call.
   */
  async submitChat(submission: JobSubmission): Promise<string> {
    const { ledger, starter } = this.#parts;
    const jobId = uuidv7();
    const { models, asked } = candidatesOf(this.#parts.models, submission);
    let start: WorkflowStart | undefined;
    const reservation = await reserve(ledger, submission.caller, planChat(models, asked), asked, (plan) => {
      const [first] = plan.candidates;
      start = startOf('chatJob', 'chat', jobId, submission, plan);
      const jobPlan: JobPlan = {
        candidates: plan.candidates.map((candidate) => ({
          priceId: candidate.price.id,
          maxTokens: candidate.maxTokens,
        })),
        budgeted: submission.caller.budget !== null,
        traceId: submission.traceId,
      };
      const { keyed, caller } = submission;
      return ledger.run(
        submitJob({
          hold: {
            ...holdOf(caller, plan, ledger.day()),
            id: jobId,
            owner: 'job',
            lifeMs: JOB_DEADLINE_MS,
            ...(keyed ? { claim: claimRequest(keyed.scope, keyed.key, keyed.fingerprint, jobId) } : {}),
          },
          job: {
            id: jobId,
            type: 'chat',
            userId: caller.userId,
            accountId: caller.accountId,
            accessKeyId: caller.accessKeyId,
            modelId: first?.modelId ?? null,
            modelName: first?.modelIdentifier ?? '',
            request: JSON.stringify(submission.request),
            plan: jobPlan,
            priority: submission.priority,
            metadata: submission.metadata,
            webhookUrl: submission.webhookUrl,
            deadlineMs: JOB_DEADLINE_MS,
          },
          start,
          answer: answerOf(jobId),
        }),
        SUBMIT_WAIT_MS,
      );
    });
    if (reservation.kind === 'answered') return reservation.answer.body.toString();
    if (start) starter.kick(start);
    return jobId;
  }

  /** @throws {AppError} notFound, also for another user's job. */
  async get(jobId: string, userId: number): Promise<JobView> {
    const job = await this.#parts.store.find(jobId, userId);
    if (!job) throw new AppError('notFound', 'there is no such job');
    return job;
  }

  /** The job when it has ended, or as it is when the time is over or the caller has left. */
  async wait(jobId: string, userId: number, waitMs: number, signal: AbortSignal): Promise<JobView> {
    const until = performance.now() + waitMs;
    for (;;) {
      const woken = this.#nextEvent(jobId, Math.min(WAIT_POLL_MS, until - performance.now()), signal);
      const job = await this.get(jobId, userId);
      if (!isLive(job.status) || performance.now() >= until || signal.aborted) {
        woken.stop();
        return job;
      }
      await woken.promise;
    }
  }

  list(filter: JobFilter): Promise<{ jobs: JobView[]; total: number }> {
    return this.#parts.store.list(filter);
  }

  /** Cancels a job that has not ended; what a provider already did is charged. Idempotent. */
  async cancel(jobId: string, userId: number): Promise<JobView> {
    const job = await this.get(jobId, userId);
    const { ledger, events, cancelWorkflow, log } = this.#parts;
    const status = await ledger.run(
      cancelJob(jobId, {
        holdId: jobId,
        accountId: job.accountId,
        budgetKeyId: job.budgeted ? job.accessKeyId : null,
      }),
      SUBMIT_WAIT_MS,
    );
    events.publish({ jobId, status, progress: job.progress });
    if (isLive(status) || status === 'CANCELLED') {
      cancelWorkflow(jobWorkflowId(jobId)).catch((err: unknown) => {
        if (!(err instanceof WorkflowNotFoundError)) log.warn({ err, jobId }, 'cancel not sent to Temporal');
      });
    }
    return this.get(jobId, userId);
  }

  #nextEvent(jobId: string, waitMs: number, signal: AbortSignal): { promise: Promise<void>; stop: () => void } {
    let stop: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => {
      const timer = setTimeout(() => stop(), Math.max(0, waitMs));
      const unlisten = this.#parts.events.listen(jobId, () => stop());
      const onAbort = () => stop();
      signal.addEventListener('abort', onAbort, { once: true });
      stop = () => {
        clearTimeout(timer);
        unlisten();
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
    });
    return { promise, stop: () => stop() };
  }
}

const SUBMIT_WAIT_MS = 5_000;

/** What a repeated keyed submission is told: the first one's job. */
function answerOf(jobId: string): StoredAnswer {
  return { status: 202, body: Buffer.from(jobId) };
}

function startOf(
  workflow: WorkflowName,
  type: JobType,
  jobId: string,
  submission: JobSubmission,
  plan: Plan,
): WorkflowStart {
  const { userId, accountId } = submission.caller;
  const [first] = plan.candidates;
  const model = first?.modelIdentifier ?? '';
  return {
    workflow,
    workflowId: jobWorkflowId(jobId),
    taskQueue: TASK_QUEUES.jobs,
    input: { jobId, accountId, deadlineMs: JOB_DEADLINE_MS },
    title: `${type} · ${model} · user ${userId} · hold ${formatMoney(plan.holdAmount)}`,
    searchAttributes: { Modality: type, UserId: userId, Model: model, Provider: first?.providerName ?? '' },
    priority: submission.priority,
    fairnessKey: `user-${userId}`,
  };
}
