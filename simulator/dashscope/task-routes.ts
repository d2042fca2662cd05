/** Looking at a task, cancelling it, listing tasks. Any key sees all tasks, as the keys of one account do. */
import type { Call } from '../call.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import { replyJson } from '../reply.ts';
import { dashscopeError } from './errors.ts';
import { choicesOutput, countMade, type ImageResult, resultsOutput, usageOf } from './image-result.ts';
import { statusOf, type Task, type Tasks, taskTime } from './tasks.ts';

export async function fetchTask(call: Call, tasks: Tasks): Promise<void> {
  const { task: id = '' } = call.pathParams;
  const task = tasks.find(id);
  const request_id = call.requestId;
  if (task === undefined) {
    replyJson(call, { request_id, output: { task_id: id, task_status: 'UNKNOWN' } });
    return;
  }
  const status = statusOf(task);
  const output = { task_id: task.id, task_status: status, ...times(task, status) };
  if (task.canceled || !task.result.ok || status !== 'SUCCEEDED') {
    replyJson(call, { request_id, output: { ...output, ...(status === 'FAILED' ? failure(task.result) : {}) } });
    return;
  }
  const { model, result } = task;
  const layout =
    model.async === 'G'
      ? { finished: true, ...choicesOutput(result, model.layout, true) }
      : resultsOutput(model, result);
  const none = { promptTokens: 0, completionTokens: 0, reasoningTokens: 0, cachedTokens: 0, images: 0 };
  const usage = reportedUsage(
    model.async === 'G' ? usageOf(model, result) : { image_count: countMade(result) },
    none,
    call.faults,
  );
  const images = task.delivered ? 0 : countMade(result);
  task.delivered = true;
  const body = { request_id, output: { ...output, ...layout }, ...(usage ? { usage } : {}) };
  replyJson(call, body, { usage: none, tokens: 0, images });
}

export async function cancelTask(call: Call, tasks: Tasks): Promise<void> {
  const task = tasks.find(call.pathParams.task ?? '');
  if (task === undefined || statusOf(task) !== 'PENDING') {
    const message = 'Failed to cancel the task, please confirm if the task is in PENDING status.';
    throw dashscopeError(400, 'UnsupportedOperation', message);
  }
  task.canceled = true;
  replyJson(call, { request_id: call.requestId });
}

export async function listTasks(call: Call, tasks: Tasks): Promise<void> {
  const pageNo = Number(call.query.get('page_no') ?? 1);
  const pageSize = Number(call.query.get('page_size') ?? 10);
  const status = call.query.get('status');
  const model = call.query.get('model_name');
  const found = tasks
    .list()
    .filter((task) => (status === null || statusOf(task) === status) && (model === null || task.modelAsked === model));
  replyJson(call, {
    total: found.length,
    total_page: Math.ceil(found.length / pageSize),
    page_no: pageNo,
    page_size: pageSize,
    data: found.slice((pageNo - 1) * pageSize, pageNo * pageSize).map(listed),
    request_id: call.requestId,
  });
}

function listed(task: Task): Record<string, unknown> {
  const startMs = task.submittedAtMs + task.pendingMs;
  return {
    task_id: task.id,
    status: statusOf(task),
    model_name: task.modelAsked,
    gmt_create: task.submittedAtMs,
    start_time: startMs,
    end_time: startMs + task.runningMs,
    region: 'simulator',
    request_id: task.requestId,
  };
}

function times(task: Task, status: string): Record<string, string> {
  const scheduledMs = task.submittedAtMs + task.pendingMs;
  return {
    submit_time: taskTime(task.submittedAtMs),
    ...(status === 'PENDING' || status === 'CANCELED' ? {} : { scheduled_time: taskTime(scheduledMs) }),
    ...(status === 'SUCCEEDED' || status === 'FAILED' ? { end_time: taskTime(scheduledMs + task.runningMs) } : {}),
  };
}

/** A failed task is reported with status 200. */
function failure(result: ImageResult): Record<string, unknown> {
  if (result.ok) return {};
  return { code: result.code, message: result.message, task_metrics: { TOTAL: 1, SUCCEEDED: 0, FAILED: 1 } };
}
