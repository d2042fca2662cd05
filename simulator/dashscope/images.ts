/** The image calls: which one a model uses, synchronous replies and submissions of tasks. */
import type { Call } from '../call.ts';
import { EventStream } from '../event-stream.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import type { CountedUsage } from '../journal/call-record.ts';
import { replyJson } from '../reply.ts';
import { dashscopeError } from './errors.ts';
import { type CallName, IMAGE_MODELS, type ImageModel } from './image-models.ts';
import { readImageRequest } from './image-request.ts';
import {
  choicesOutput,
  countMade,
  FAILED_PLACE,
  type ImageResult,
  makeImages,
  metrics,
  urlsOf,
  usageOf,
} from './image-result.ts';
import type { Tasks } from './tasks.ts';

const DEFAULT_TASK_MS = 400;
/** Share of a task's time it waits before it runs. */
const PENDING_SHARE = 0.25;

export async function answerSync(call: Call): Promise<void> {
  const model = findModel(call);
  checkPairing(call, model, 'M');
  const request = readImageRequest(call, 'M', model);
  const stream = call.request.headers['x-dashscope-sse'] === 'enable';
  if (request.parameters.enable_interleave && !stream) {
    throw dashscopeError(
      400,
      'InvalidParameter',
      'enable_interleave requires streaming: set X-DashScope-SSE to enable.',
    );
  }
  const result = call.faults.has('failed-task')
    ? { ok: false as const, ...FAILED_PLACE }
    : makeImages(call, model, request);
  if (!result.ok) throw dashscopeError(400, result.code, result.message);
  if (stream) return streamImages(call, model, result);
  const usage = reportedUsage(usageOf(model, result), counted(countMade(result)), call.faults);
  const output = { ...choicesOutput(result, model.layout, false), ...extraOutput(model, result) };
  const delivery = { usage: counted(countMade(result)), tokens: 0, images: countMade(result) };
  replyJson(call, { output, ...(usage ? { usage } : {}), request_id: call.requestId }, delivery);
}

export async function submitTask(
  call: Call,
  name: CallName,
  tasks: Tasks,
  onSuccess: (images: number) => void,
): Promise<void> {
  const model = findModel(call);
  checkPairing(call, model, name);
  const request = readImageRequest(call, name, model);
  const fails = call.faults.has('failed-task');
  const result: ImageResult = fails ? { ok: false, ...FAILED_PLACE } : makeImages(call, model, request);
  const totalMs = call.faults.get('slow-task') ?? DEFAULT_TASK_MS;
  const task = tasks.add(
    {
      requestId: call.requestId,
      modelAsked: call.modelAsked,
      model,
      result,
      pendingMs: totalMs * PENDING_SHARE,
      runningMs: totalMs * (1 - PENDING_SHARE),
      record: call.record,
      lost: call.faults.has('lost-task'),
    },
    () => onSuccess(countMade(result)),
  );
  const output = { task_status: 'PENDING', task_id: task.id };
  replyJson(call, { output, request_id: call.requestId }, { usage: counted(0), tokens: 0, images: 0 });
}

function findModel(call: Call): ImageModel {
  const model = IMAGE_MODELS[call.model];
  if (model === undefined) throw dashscopeError(400, 'InvalidParameter', 'Model not exist.');
  return model;
}

/** The header and the path must be those of the model; each mistake has its own answer. */
function checkPairing(call: Call, model: ImageModel, name: CallName): void {
  const asynchronous = call.request.headers['x-dashscope-async'] === 'enable';
  if (asynchronous && (model.async === undefined || name === 'M')) {
    throw dashscopeError(403, 'AccessDenied', 'current user api does not support asynchronous calls');
  }
  if (!asynchronous && (model.sync === undefined || name !== 'M')) {
    throw dashscopeError(403, 'AccessDenied', 'current user api does not support synchronous calls');
  }
  if (name !== (asynchronous ? model.async : model.sync)) {
    throw dashscopeError(400, 'InvalidParameter', 'url error, please check url!');
  }
}

function extraOutput(model: ImageModel, result: ImageResult & { ok: true }): Record<string, unknown> {
  // "task_metric", singular: so the vendor writes it here.
  if (model.usage === 'count-and-sides') return { task_metric: metrics(result) };
  if (model.usage === 'input-and-output') return { rewrite_status: result.extended ? 'success' : 'disabled' };
  return { finished: true };
}

/** Native events: no space after the colon, the status as a comment, and no [DONE]. */
async function streamImages(call: Call, model: ImageModel, result: ImageResult & { ok: true }): Promise<void> {
  const usage = counted(countMade(result));
  let id = 0;
  const event = (name: 'result' | 'error', status: number, data: unknown) => {
    id += 1;
    return `id:${id}\nevent:${name}\n:HTTP_STATUS/${status}\ndata:${JSON.stringify(data)}\n\n`;
  };
  const stream = new EventStream(call, usage, () =>
    event('error', 500, call.vendor.errorBody(call.vendor.error('server_error'), call.requestId)),
  );
  const urls = urlsOf(result);
  const send = (content: unknown, finished: boolean, images: number) => {
    const counts = reportedUsage({ ...usageOf(model, result), image_count: images }, counted(images), call.faults);
    const choices = [{ message: { role: 'assistant', content: [content] }, finish_reason: finished ? 'stop' : 'null' }];
    const data = { output: { choices, finished }, ...(counts ? { usage: counts } : {}), request_id: call.requestId };
    return event('result', 200, data);
  };
  for (const [index, url] of urls.entries()) {
    await stream.send(send({ type: 'text', text: `Step ${index + 1}` }, false, index));
    await stream.send(send({ type: 'image', image: url }, index === urls.length - 1, index + 1), { image: true });
  }
  await stream.finish(usage);
}

function counted(images: number): CountedUsage {
  return { promptTokens: 0, completionTokens: 0, reasoningTokens: 0, cachedTokens: 0, images };
}
