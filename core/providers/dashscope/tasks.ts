/**
 * Asynchronous tasks: submitted once, asked after until they end. Who wants one no more has it cancelled, which the
 * provider does for tasks that still wait (PENDING) only; any other goes on and is paid for.
 */
import { isJsonObject, type JsonObject, textOf } from '../../../infra/json-object.ts';
import { transportFailure, UpstreamFailure } from '../failure.ts';
import type { CallContext, TaskStore } from '../provider.ts';
import { type NativeCall, type NativeTarget, refusedInside, type SendNative } from './native-call.ts';

/** Resolves after so many milliseconds, rejects when the signal aborts. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

export interface TaskDeps {
  readonly send: SendNative;
  readonly wait: Wait;
  /** From the start until the result; then the task is given up. */
  readonly totalMs: number;
  readonly nowMs: () => number;
}

const CALLED_OFF = 'the task was called off at the provider';
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5_000;
/** A provider's own wish may be longer. */
const LONGEST_ASKED_PAUSE_MS = 30_000;
const SHORT_CALL = { firstByteMs: 15_000, idleMs: 15_000, totalMs: 30_000 };
const CANCEL_CALL = { firstByteMs: 3_000, idleMs: 3_000, totalMs: 3_000 };

/** @returns the answer of the query that found the task finished. @throws {UpstreamFailure} */
export async function runTask(
  deps: TaskDeps,
  target: NativeTarget,
  submission: NativeCall,
  tasks: TaskStore,
  context: CallContext,
): Promise<JsonObject> {
  const endMs = deps.nowMs() + deps.totalMs;
  const taskId = tasks.taskId ?? (await submit(deps, target, submission, tasks, context.signal));
  try {
    return await finished(deps, target, taskId, endMs, context);
  } catch (error) {
    // Not to be waited for by anybody: what it still makes would be paid for in vain.
    const ended = error instanceof UpstreamFailure && (error.failure === 'cancelled' || error.failure === 'timeout');
    if (ended && (context.isCancelled?.() ?? true)) await cancel(deps.send, target, taskId, context);
    throw error;
  }
}

async function submit(
  { send }: TaskDeps,
  target: NativeTarget,
  submission: NativeCall,
  tasks: TaskStore,
  signal: AbortSignal,
): Promise<string> {
  await tasks.beforeSubmit();
  const headers = { ...submission.headers, 'x-dashscope-async': 'enable' };
  const body = await send(target, { ...submission, headers }, signal);
  const taskId = textOf(isJsonObject(body.output) ? body.output.task_id : undefined);
  if (taskId === undefined) {
    if (textOf(body.code) !== undefined) throw refusedInside(body, target.apiKey);
    throw new UpstreamFailure('transient', 'the provider gave no task id', { status: 200 });
  }
  await tasks.submitted(taskId);
  return taskId;
}

async function finished(
  { send, wait, nowMs }: TaskDeps,
  target: NativeTarget,
  taskId: string,
  endMs: number,
  context: CallContext,
): Promise<JsonObject> {
  const query: NativeCall = { method: 'GET', path: `/tasks/${encodeURIComponent(taskId)}`, limits: SHORT_CALL };
  let pauseMs = FIRST_PAUSE_MS;
  let state = 'submitted';
  let calledOff = false;
  for (;;) {
    if (!calledOff && context.calledOff?.aborted) {
      calledOff = true;
      await cancel(send, target, taskId, context);
    }
    context.heartbeat(`provider task ${taskId}: ${state}`);
    const leftMs = endMs - nowMs();
    if (leftMs <= 0)
      throw new UpstreamFailure('timeout', 'the provider did not finish the task in time', { status: 0 });
    const asked = await pollOf(send, target, query, context.signal);
    if (asked.kind === 'answer') {
      state = statusOf(asked.body) ?? state;
      if (state === 'SUCCEEDED') return asked.body;
      if (calledOff && state === 'CANCELED') throw new UpstreamFailure('cancelled', CALLED_OFF, { status: 200 });
      throwIfLost(state, asked.body, target);
    } else state = asked.reason;
    const woken = calledOff || !context.calledOff ? [context.signal] : [context.signal, context.calledOff];
    await wait(Math.min(Math.max(pauseMs, asked.pauseMs), leftMs), AbortSignal.any(woken)).catch((error: unknown) => {
      if (context.signal.aborted || !context.calledOff?.aborted) throw transportFailure(error, context.signal);
    });
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

type Poll =
  | { readonly kind: 'answer'; readonly body: JsonObject; readonly pauseMs: 0 }
  | { readonly kind: 'failed'; readonly reason: string; readonly pauseMs: number };

/** A query may be repeated, so rate limits, 5xx and broken connections only mean to ask again. @throws {UpstreamFailure} */
async function pollOf(send: SendNative, target: NativeTarget, query: NativeCall, signal: AbortSignal): Promise<Poll> {
  try {
    return { kind: 'answer', body: await send(target, query, signal), pauseMs: 0 };
  } catch (error) {
    if (!(error instanceof UpstreamFailure) || signal.aborted) throw error;
    const { failure, details, message } = error;
    if (failure !== 'rate' && failure !== 'transient' && failure !== 'timeout') throw error;
    return { kind: 'failed', reason: message, pauseMs: Math.min(details.retryAfterMs ?? 0, LONGEST_ASKED_PAUSE_MS) };
  }
}

function statusOf(body: JsonObject): string | undefined {
  return isJsonObject(body.output) ? textOf(body.output.task_status) : undefined;
}

/** PENDING, RUNNING, SUSPENDED and words to come mean to go on. */
function throwIfLost(status: string, body: JsonObject, target: NativeTarget): void {
  switch (status) {
    case 'FAILED':
      throw refusedInside(
        isJsonObject(body.output) ? { request_id: body.request_id, ...body.output } : body,
        target.apiKey,
      );
    case 'CANCELED':
      throw new UpstreamFailure('transient', 'the task was cancelled at the provider', { status: 200 });
    case 'UNKNOWN':
      throw new UpstreamFailure('transient', 'the provider does not know the task any more', { status: 200 });
  }
}

/** A refusal or a lost answer is no news: how the task stands is asked all the same. */
async function cancel(send: SendNative, target: NativeTarget, taskId: string, { log }: CallContext): Promise<void> {
  const path = `/tasks/${encodeURIComponent(taskId)}/cancel`;
  try {
    await send(target, { method: 'POST', path, limits: CANCEL_CALL });
  } catch (error) {
    log().info({ taskId, err: error }, 'a task at the provider could not be cancelled');
  }
}
