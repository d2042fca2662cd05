/** Taking a job in: hold, row and workflow start in one transaction; the workflow starts in the background. */
import type { Admission, KeyLimits } from '../../core/accounts/key-limits.ts';
import type { ModelSource } from '../../core/catalog/model.ts';
import type { Turn } from '../../core/conversations/turn.ts';
import { claimRequest } from '../../core/ledger/idempotency.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import type { WorkflowStarter } from '../../core/outbox/starter.ts';
import type { ChatBody, ImageRequest } from '../../core/providers/provider.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { presentSpan } from '../../infra/telemetry/spans.ts';
import type { WorkflowStart } from '../../workflows/contracts.ts';
import { holdOf, type LimitedRequest, reserve, underLimits } from '../inference/hold.ts';
import { imageCapability, planImages } from '../inference/images.ts';
import { type Asked, type Plan, planChat } from '../inference/plan.ts';
import { candidatesOf, type ModelName, usableModels } from '../inference/routing.ts';
import type { JobType } from './job.ts';
import { type Submission, submitJob } from './job-operations.ts';
import type { JobQuota, QuotaRefusal } from './job-quota.ts';
import { JOB_DEADLINE_MS, jobStart } from './job-start.ts';

export interface SubmissionDeps {
  readonly ledger: Ledger;
  readonly limits: KeyLimits;
  readonly models: ModelSource;
  readonly starter: WorkflowStarter;
  readonly quota: JobQuota;
  /** @throws {AppError} for an address that will not be called. */
  readonly checkWebhook: (url: string) => void;
}

/** What every type of job is submitted with. */
export interface JobSubmission extends LimitedRequest {
  readonly model: ModelName;
  /** The request as the client sent it; kept with the job and run from there. */
  readonly request: unknown;
  /** 1 (first) to 5. */
  readonly priority: number;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly webhookUrl: string | null;
  /** The kept conversation that a chat belongs to. */
  readonly turn?: Turn | undefined;
  readonly traceId: string;
  readonly keyed?: { readonly scope: string; readonly key: string; readonly fingerprint: Uint8Array };
}

/** How long a caller waits while the database is away. */
const SUBMIT_WAIT_MS = 5_000;
/** A job counts under the limits of its key until it has ended; this is for one whose end nobody could tell. */
const LEASE_MS = JOB_DEADLINE_MS + 60_000;

const MEGABYTE = 1024 * 1024;
/** Its column and one packet of the database hold 16 MB. */
const MAX_REQUEST_BYTES = 12 * MEGABYTE;

/** The request as it is kept. @throws {AppError} tooLarge. */
function requestText({ request }: JobSubmission): string {
  const text = JSON.stringify(request);
  if (Buffer.byteLength(text) > MAX_REQUEST_BYTES) {
    const limit = `${MAX_REQUEST_BYTES / MEGABYTE} MB`;
    throw new AppError('tooLarge', `the request of a job may have ${limit}; name pictures by their addresses`);
  }
  return text;
}

const LIVE_RETRY_SECONDS = 5;
const STORAGE_RETRY_SECONDS = 3_600;

function refused({ kind, limit }: QuotaRefusal): AppError {
  if (kind === 'too-many-live') {
    const message = `at most ${limit} jobs of one user may wait or run (JOBS_LIVE_PER_USER)`;
    return new AppError('tooManyRequests', message, { retryAfterSeconds: LIVE_RETRY_SECONDS });
  }
  const message = `requests and results of one user's jobs may have ${limit} bytes (JOB_STORAGE_PER_USER); DELETE /v1/async/jobs/{jobId} removes those of a job that has ended`;
  return new AppError('tooManyRequests', message, { retryAfterSeconds: STORAGE_RETRY_SECONDS });
}

export class JobSubmissions {
  readonly #deps: SubmissionDeps;

  constructor(deps: SubmissionDeps) {
    this.#deps = deps;
  }

  /**
   * @returns the job's id, an earlier one for a repeated keyed request.
   * @throws {AppError} as a synchronous chat before its call.
   */
  submitChat(submission: JobSubmission, body: ChatBody): Promise<string> {
    const { models, asked } = candidatesOf(this.#deps.models, { ...submission, body });
    return this.#submit('chat', submission, planChat(models, asked), asked);
  }

  /** @returns as `submitChat`. @throws {AppError} as a synchronous image call before its call. */
  submitImage(submission: JobSubmission, request: ImageRequest): Promise<string> {
    const models = usableModels(this.#deps.models, submission, imageCapability(request));
    return this.#submit('image', submission, planImages(models, request), undefined);
  }

  async #submit(type: JobType, submission: JobSubmission, plan: Plan, asked: Asked | undefined): Promise<string> {
    const { ledger, limits, starter, checkWebhook } = this.#deps;
    if (submission.webhookUrl !== null) checkWebhook(submission.webhookUrl);
    const request = requestText(submission);
    const jobId = newId();
    const span = presentSpan();
    let start: WorkflowStart | undefined;
    const take = (admission: Admission | undefined) =>
      reserve(ledger, submission.caller, plan, asked, async (payable) => {
        const rows = this.#rows(type, jobId, { ...submission, request }, payable, admission);
        start = { ...rows.start, ...span };
        const outcome = await ledger.run(submitJob({ ...rows, start }), SUBMIT_WAIT_MS);
        if (outcome.kind === 'too-many-live' || outcome.kind === 'storage-full') throw refused(outcome);
        return outcome;
      });
    const entry = { id: jobId, tokens: plan.tokenBound, leaseMs: LEASE_MS };
    const reservation = await underLimits(limits, submission, entry, take, ({ kind }) => kind === 'held');
    if (reservation.kind === 'answered') return reservation.answer.body.toString();
    if (start) starter.kick(start);
    return jobId;
  }

  #rows(
    type: JobType,
    jobId: string,
    submission: JobSubmission & { readonly request: string },
    plan: Plan,
    admission: Admission | undefined,
  ): Submission {
    const { keyed, caller } = submission;
    const [first] = plan.candidates;
    return {
      hold: {
        ...holdOf(caller, plan, this.#deps.ledger.day()),
        id: jobId,
        owner: 'job',
        lifeMs: JOB_DEADLINE_MS,
        ...(keyed ? { claim: claimRequest(keyed.scope, keyed.key, keyed.fingerprint, jobId) } : {}),
      },
      job: {
        id: jobId,
        type,
        userId: caller.userId,
        accountId: caller.accountId,
        accessKeyId: caller.accessKeyId,
        modelId: first?.modelId ?? null,
        providerId: first?.providerId ?? null,
        modelName: first?.modelIdentifier ?? '',
        request: submission.request,
        plan: {
          candidates: plan.candidates.map(({ price, maxTokens }) => ({ priceId: price.id, maxTokens })),
          budgeted: caller.budget !== null,
          traceId: submission.traceId,
          ...(admission ? { admission } : {}),
          ...(submission.turn ? { turn: submission.turn } : {}),
          providerName: first?.providerName ?? '',
        },
        priority: submission.priority,
        metadata: submission.metadata === null ? null : JSON.stringify(submission.metadata),
        webhookUrl: submission.webhookUrl,
        deadlineMs: JOB_DEADLINE_MS,
      },
      quota: this.#deps.quota,
      start: jobStart({
        id: jobId,
        type,
        userId: caller.userId,
        accountId: caller.accountId,
        modelName: first?.modelIdentifier ?? '',
        providerName: first?.providerName ?? '',
        holdAmount: plan.holdAmount,
        priority: submission.priority,
        traceId: submission.traceId,
      }),
      // What a repeated keyed submission is told: the first one's job.
      answer: { status: 202, body: Buffer.from(jobId) },
    };
  }
}
