/**
 * Submits a job: limits, then hold, row and workflow start in one transaction; the workflow starts in the background.
 */

import type { Admission, KeyLimits } from '../../core/accounts/key-limits.ts';
import type { ModelSource } from '../../core/catalog/model.ts';
import type { Turn } from '../../core/conversations/turn.ts';
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import { claimRequest } from '../../core/ledger/idempotency.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import {
  claimReads,
  dropClaim,
  lookAtClaim,
  ownsClaim,
  type StoredAnswer,
  storeAnswer,
} from '../../core/ledger/operations/claim.ts';
import { decideHold, type HoldOutcome, type HoldRequest, holdReads } from '../../core/ledger/operations/hold.ts';
import { workflowOutbox } from '../../core/outbox/outbox.ts';
import type { WorkflowStarter } from '../../core/outbox/starter.ts';
import type { ImageRequest, SpeechRequest, TranscriptionRequest } from '../../core/providers/provider.ts';
import type { Tags } from '../../core/usage/usage-record.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { presentSpan } from '../../infra/telemetry/spans.ts';
import type { JobType, WorkflowStart } from '../../workflows/contracts.ts';
import { planSpeech, planTranscription, type Recording } from '../inference/audio.ts';
import { openHold } from '../inference/charge.ts';
import { insufficientBalance, type LimitedRequest } from '../inference/hold.ts';
import { imageCapability, planImages } from '../inference/images.ts';
import type { FindKeptTexts } from '../inference/kept-files.ts';
import { type Asked, type Plan, planChat } from '../inference/plan.ts';
import { type ChatRequest, candidatesOf, type ModelName, usableModels } from '../inference/routing.ts';
import { JOB_DEADLINE_MS, type JobPlan, type JobStatus, jobStart } from './job.ts';
import type { JobEvents } from './job-events.ts';
import { countSubmitted, type JobQuota, overQuota, type QuotaRefusal, quotaReads } from './job-limits.ts';
import { endJob } from './job-operations.ts';
import { type NewJob, newJobs } from './job-tables.ts';

export interface SubmissionDeps {
  readonly ledger: Ledger;
  readonly limits: KeyLimits;
  readonly models: ModelSource;
  readonly starter: WorkflowStarter;
  readonly events: Pick<JobEvents, 'publish'>;
  readonly quota: JobQuota;
  readonly findKeptTexts: FindKeptTexts;
  /** @throws {AppError} for an address that webhooks may not call. */
  readonly checkWebhook: (url: string) => void;
}

/** What every type of job is submitted with. */
export interface JobSubmission extends LimitedRequest {
  readonly model: ModelName;
  /** Where something of it is kept under the id before; unset: a new one. */
  readonly jobId?: string;
  /** The request as the client sent it; kept with the job and run from there. */
  readonly request: unknown;
  /** 1 (first) to 5. */
  readonly priority: number;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly webhookUrl: string | null;
  /** The kept conversation that a chat belongs to. */
  readonly turn?: Turn | undefined;
  readonly traceId: string;
  readonly tags?: Tags;
  readonly keyed?: { readonly scope: string; readonly key: string; readonly fingerprint: Uint8Array };
}

/** A request of a transcript without its recording. */
type TranscriptAsked = Pick<TranscriptionRequest, 'fields'>;

/** A caller waits this long for the database. */
const SUBMIT_WAIT_MS = 5_000;
/** A job counts under the limits of its key until it ends. This bounds it where no process learns of the end. */
const LEASE_MS = JOB_DEADLINE_MS + 60_000;

const MEGABYTE = 1024 * 1024;
/** Its column and one packet of the database hold 16 MB. */
const MAX_REQUEST_BYTES = 12 * MEGABYTE;

/** The request as it is kept. @throws {AppError} tooLarge. */
function requestText({ request }: JobSubmission): string {
  const text = JSON.stringify(request);
  if (Buffer.byteLength(text) > MAX_REQUEST_BYTES) {
    const limit = `${MAX_REQUEST_BYTES / MEGABYTE} MB`;
    throw new AppError('tooLarge', `the request of a job may have ${limit}; name images by their addresses`);
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
  async submitChat(submission: JobSubmission, chat: Pick<ChatRequest, 'body' | 'native'>): Promise<string> {
    const texts = await this.#deps.findKeptTexts(chat, submission.caller.userId);
    const { models, asked } = candidatesOf(this.#deps.models, { ...submission, ...chat, texts });
    return this.#submit('chat', submission, planChat(models, asked), asked);
  }

  /** @returns as `submitChat`. @throws {AppError} as a synchronous image call before its call. */
  submitImage(submission: JobSubmission, request: ImageRequest): Promise<string> {
    const models = usableModels(this.#deps.models, submission, imageCapability(request));
    return this.#submit('image', submission, planImages(models, request), undefined);
  }

  /** @returns as `submitChat`. @throws {AppError} as a synchronous call before its call. */
  submitSpeech(submission: JobSubmission, request: SpeechRequest): Promise<string> {
    const models = usableModels(this.#deps.models, submission, 'text-to-speech');
    return this.#submit('speech', submission, planSpeech(models, request), undefined);
  }

  /** @returns as `submitChat`. @throws {AppError} as a synchronous call before its call. */
  submitTranscript(submission: JobSubmission, asked: TranscriptAsked, recording: Recording): Promise<string> {
    const models = usableModels(this.#deps.models, submission, 'speech-to-text');
    return this.#submit('transcript', submission, planTranscription(models, asked, recording), undefined);
  }

  /**
   * Before a recording is read or kept, which costs much more than this. Takes nothing, so `submitTranscript` may still
   * refuse. @param recording as it is or the shortest that it can be.
   * @throws {AppError} for a model that cannot be used, a balance that cannot pay, an address that cannot be called.
   */
  async checkTranscript(
    submission: Pick<JobSubmission, 'model' | 'caller' | 'webhookUrl'>,
    asked: TranscriptAsked,
    recording: Recording,
  ): Promise<void> {
    const { ledger, models, checkWebhook } = this.#deps;
    if (submission.webhookUrl !== null) checkWebhook(submission.webhookUrl);
    const { holdAmount } = planTranscription(usableModels(models, submission, 'speech-to-text'), asked, recording);
    const balance = await ledger.balanceOf(submission.caller.accountId);
    if (balance && balance.available < holdAmount) throw insufficientBalance(balance.available);
  }

  async #submit(type: JobType, submission: JobSubmission, plan: Plan, asked: Asked | undefined): Promise<string> {
    const { ledger, limits, starter, events, checkWebhook } = this.#deps;
    if (submission.webhookUrl !== null) checkWebhook(submission.webhookUrl);
    const request = requestText(submission);
    const jobId = submission.jobId ?? newId();
    const span = presentSpan();
    let start: WorkflowStart | undefined;
    const entry = { id: jobId, leaseMs: LEASE_MS };
    const held = await openHold(
      { ledger, limits },
      submission,
      plan,
      asked,
      entry,
      async (hold, payable, admission) => {
        const rows = this.#rows(type, { ...submission, request }, hold, payable, admission);
        start = { ...rows.start, ...span };
        const outcome = await ledger.run(submitJob({ ...rows, start }), SUBMIT_WAIT_MS);
        if (outcome.kind === 'too-many-live' || outcome.kind === 'storage-full') throw refused(outcome);
        return outcome;
      },
    );
    if (held.kind === 'answered-before') return held.answer.body.toString();
    if (start) starter.kick(start);
    events.publish({ jobId, status: 'PENDING', progress: 0 });
    return jobId;
  }

  #rows(
    type: JobType,
    submission: JobSubmission & { readonly request: string },
    hold: Omit<HoldRequest, 'owner' | 'lifeMs'>,
    plan: Plan,
    admission: Admission | undefined,
  ): Submission {
    const { keyed, caller } = submission;
    const { id: jobId } = hold;
    const [first] = plan.candidates;
    return {
      hold: {
        ...hold,
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
          tags: submission.tags ?? {},
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
      // A repeated submission with the same key gets the first one's job.
      answer: { status: 202, body: Buffer.from(jobId) },
    };
  }
}

export interface Submission {
  readonly hold: HoldRequest;
  readonly job: Omit<NewJob, 'atMs' | 'payloadBytes'>;
  readonly quota: JobQuota;
  readonly start: WorkflowStart;
  /** The answer, kept for a repeated keyed request. */
  readonly answer: StoredAnswer;
}

/** Hold, job and workflow start in one transaction; a keyed request that already has its job gets that job. */
export function submitJob(submission: Submission): Operation<HoldOutcome | QuotaRefusal> {
  const { hold, job, quota } = submission;
  const { userId, request, plan, metadata } = job;
  const payloadBytes = [request, contextOf(plan), metadata ?? ''].reduce(
    (sum, text) => sum + Buffer.byteLength(text),
    0,
  );
  return {
    reads: [...holdReads(hold), ...quotaReads(quota, userId)],
    bytes: 2 * payloadBytes,
    decide: (rows) => {
      const refusal = overQuota(rows, quota, userId, payloadBytes);
      if (refusal && (!hold.claim || lookAtClaim(rows, hold.claim).kind === 'claimed')) return refusal;
      const outcome = decideHold(rows, hold);
      if (outcome.kind !== 'held') return outcome;
      countSubmitted(rows, quota, userId, payloadBytes);
      rows.append(newJobs, { ...job, payloadBytes, atMs: rows.nowMs });
      rows.append(workflowOutbox, { start: submission.start, atMs: rows.nowMs });
      if (hold.claim) storeAnswer(rows, hold.claim, submission.answer);
      return outcome;
    },
    // The client got "unavailable", so the job ends before it begins.
    compensate: (outcome) => (outcome.kind === 'held' ? cancelUnbegun(job, hold) : undefined),
  };
}

/** The only long part of a plan: the conversation that the model gets. */
function contextOf({ turn }: JobPlan): string {
  return turn?.context.map(({ content }) => content).join('') ?? '';
}

/** Ends the job and frees its idempotency key, so that the client's next try makes a new one. */
function cancelUnbegun({ id, userId, accountId }: Submission['job'], request: HoldRequest): Operation<JobStatus> {
  const end = endJob({
    jobId: id,
    userId,
    status: 'CANCELLED',
    errorCode: null,
    errorMessage: 'the submission was not confirmed in time',
    release: { holdId: request.id, accountId, budgetKeyId: request.budget ? request.accessKeyId : null },
  });
  return {
    reads: [...end.reads, ...claimReads(request.claim)],
    decide: (rows) => {
      if (request.claim && ownsClaim(rows, request.claim)) dropClaim(rows, request.claim);
      return end.decide(rows);
    },
  };
}
