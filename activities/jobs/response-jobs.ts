/**
 * Responses that are asked for in the background: chat jobs whose request and result are in OpenAI's Responses form. The
 * job is the truth of such a response, from its beginning to the removal of its payloads.
 */
import { z } from 'zod';
import type { KeptResponse } from '../../core/conversations/kept-responses.ts';
import { AppError, codeOf } from '../../infra/errors.ts';
import { type JsonObject as Json, parseJson } from '../../infra/json-object.ts';
import type { Logger } from '../../infra/logger.ts';
import { ResponseAnswer, requestIdIn, responseIdOf } from '../inference/responses/answer.ts';
import { type AskedResponse, askedResponse } from '../inference/responses/asked.ts';
import { placedItems, type ResponsesInput, responsesInput } from '../inference/responses/request.ts';
import { modelOf, type Responses, withIds } from '../inference/responses/responses.ts';
import type { JobView } from './job-view.ts';
import type { Jobs } from './jobs.ts';
import { MAX_RESULT_BYTES } from './result-bound.ts';
import type { JobSubmission, JobSubmissions } from './submissions.ts';

/** The request of such a job, as it is kept with it. */
const storedSchema = z.object({
  response: z.object({
    /** As the client wrote it, without its input. */
    body: z.looseObject({}),
    /** All items that the model reads: those of earlier responses, then the new ones. */
    items: z.array(z.unknown()),
    /** How many of them are new. */
    newItems: z.number(),
    earlier: z.array(z.string()),
    earlierSize: z.number(),
    createdAtMs: z.number(),
  }),
});

export interface ResponseRequest {
  readonly input: ResponsesInput;
  readonly asked: AskedResponse;
  readonly kept: Pick<KeptResponse, 'earlier' | 'earlierSize'>;
}

/** @returns undefined for the request of another chat job. */
export function responseRequestOf(stored: unknown): ResponseRequest | undefined {
  const read = storedSchema.safeParse(stored);
  if (!read.success) return undefined;
  const { body, items, newItems, earlier, earlierSize, createdAtMs } = read.data.response;
  const all = responsesInput({ ...body, input: items }, createdAtMs);
  const input = { ...all, items: items.slice(items.length - newItems) };
  return { input, asked: askedResponse(all, placedItems(items)), kept: { earlier, earlierSize } };
}

/** A result that its row can take: one that is too long is kept without what it said. */
export function responseResult(response: Json): string {
  const text = JSON.stringify(response);
  if (Buffer.byteLength(text) <= MAX_RESULT_BYTES) return text;
  const incomplete_details = { reason: 'max_output_tokens' };
  return JSON.stringify({ ...response, status: 'incomplete', incomplete_details, output: [], truncated: true });
}

interface ResponseJobDeps {
  readonly jobs: Pick<Jobs, 'get' | 'follow' | 'cancel' | 'removePayloads'>;
  readonly submissions: Pick<JobSubmissions, 'submitChat'>;
  readonly responses: () => Pick<Responses, 'prepared'>;
}

export class ResponseJobs {
  readonly #deps: ResponseJobDeps;

  constructor(deps: ResponseJobDeps) {
    this.#deps = deps;
  }

  /** @returns the job's id, an earlier one for a repeated keyed request. @throws {AppError} as a response before its call. */
  async submit(input: ResponsesInput, submission: Omit<JobSubmission, 'model' | 'request'>): Promise<string> {
    return this.#deps.responses().prepared(submission.caller, input, ({ items, earlier }) => {
      const request = {
        response: {
          ...{ body: input.rest, items: items.map(({ item }) => item), newItems: input.items.length },
          ...{ earlier: earlier.ids, earlierSize: earlier.size, createdAtMs: input.createdAt * 1_000 },
        },
      };
      const asked = { ...submission, model: modelOf(input), request };
      return this.#deps.submissions.submitChat(asked, askedResponse(input, items));
    });
  }

  /** As it is now. @throws {AppError} notFound. */
  async find(userId: number, responseId: string): Promise<Json> {
    return viewOf(await this.#job(userId, responseId));
  }

  /** Its new items. @throws {AppError} notFound. */
  async inputItems(userId: number, responseId: string): Promise<readonly unknown[]> {
    const job = await this.#job(userId, responseId);
    return withIds(requestOf(job)?.input.items ?? [], job.id.replaceAll('-', ''));
  }

  /** As it is kept, once it has ended; undefined when it has not or there is none. */
  async kept(userId: number, responseId: string): Promise<KeptResponse | undefined> {
    const id = requestIdIn(responseId);
    const job = await this.#job(userId, responseId).catch((error: unknown) => {
      if (error instanceof AppError && error.kind === 'notFound') return undefined;
      throw error;
    });
    const request = job && requestOf(job);
    if (id === undefined || !job || !request || job.status !== 'COMPLETED' || job.result === null) return undefined;
    const call = id.replaceAll('-', '');
    return {
      ...{ id: call, userId, ...request.kept },
      input: JSON.stringify(withIds(request.input.items, call)),
      response: job.result,
    };
  }

  /** Resolves when it has ended or the client has left. @throws {AppError} notFound. */
  async ended(userId: number, responseId: string, signal: AbortSignal): Promise<void> {
    for await (const _ of this.#deps.jobs.follow(jobIdOf(responseId), userId, signal));
  }

  /** @throws {AppError} notFound. */
  async cancel(userId: number, responseId: string, log: Logger): Promise<Json> {
    await this.#job(userId, responseId);
    return viewOf(await this.#deps.jobs.cancel(jobIdOf(responseId), userId, log, () => undefined));
  }

  /** @throws {AppError} notFound; illegalState while it lives. */
  async remove(userId: number, responseId: string): Promise<void> {
    await this.#job(userId, responseId);
    await this.#deps.jobs.removePayloads(jobIdOf(responseId), userId);
  }

  async #job(userId: number, responseId: string): Promise<JobView> {
    const job = await this.#deps.jobs.get(jobIdOf(responseId), userId, () => undefined);
    if (requestOf(job) === undefined && !isCancelledChat(job)) throw noSuchResponse();
    return job;
  }
}

function requestOf({ type, request }: JobView): ResponseRequest | undefined {
  return type === 'chat' && request !== null ? responseRequestOf(parseJson(request)) : undefined;
}

/** The request of a cancelled job is not kept, so nothing says in which form it was. */
function isCancelledChat({ type, status, request }: JobView): boolean {
  return type === 'chat' && status === 'CANCELLED' && (request === null || parseJson(request) === null);
}

const FORGOTTEN = responsesInput({ input: '-', background: true }, 0);

function jobIdOf(responseId: string): string {
  const id = requestIdIn(responseId);
  if (id === undefined) throw noSuchResponse();
  return id;
}

function noSuchResponse(): AppError {
  return new AppError('notFound', 'there is no such response');
}

/** Of OpenAI's, by which its clients know whether the same request may do better. */
function failureCode({ errorCode }: JobView): string {
  if (errorCode === codeOf('tooManyRequests')) return 'rate_limit_exceeded';
  const isOfRequest = errorCode === codeOf('invalidParameter') || errorCode === codeOf('modelIncapable');
  return isOfRequest ? 'invalid_prompt' : 'server_error';
}

const resultSchema = z.looseObject({ id: z.string() });

function viewOf(job: JobView): Json {
  const input = requestOf(job)?.input ?? { ...FORGOTTEN, createdAt: Math.floor(job.createdAt.getTime() / 1_000) };
  const pending = new ResponseAnswer(input, job.id, input.model ?? job.modelName);
  const result = resultSchema.safeParse(job.result === null ? undefined : parseJson(job.result)).data;
  switch (job.status) {
    case 'PENDING':
      return pending.pending('queued');
    case 'PROCESSING':
      return pending.pending('in_progress');
    case 'COMPLETED':
      return result ?? pending.fail({ code: 'server_error', message: 'its result is gone' }).response;
    case 'FAILED':
      return pending.fail({ code: failureCode(job), message: job.errorMessage ?? 'the response failed' }).response;
    case 'CANCELLED':
      return { ...(result ?? pending.pending('cancelled')), id: responseIdOf(job.id), status: 'cancelled' };
  }
}
