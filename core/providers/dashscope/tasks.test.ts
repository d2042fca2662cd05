import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamFailure } from '../failure.ts';
import type { ImageAnswer } from '../provider.ts';
import { failedWith, testContext, testTarget, testTasks } from '../test-calls.ts';
import { capture } from '../test-captures.ts';
import { testOutbound, type WrittenAnswer } from '../test-outbound.ts';
import { createDashScopeImages } from './images.ts';

const TOTAL_MS = 60_000;
const SUBMITTED = status('PENDING');
const DONE = json({ output: { task_status: 'SUCCEEDED', results: [{ url: 'http://a.example/1.png' }] } });

function json(body: object, more: Partial<WrittenAnswer> = {}): WrittenAnswer {
  return { ...more, body: JSON.stringify(body) };
}

function status(word: string): WrittenAnswer {
  return json({ output: { task_id: 't-1', task_status: word } });
}

/** A task whose provider answers as written, on a clock that only its own pauses move. */
function run(
  answers: readonly (WrittenAnswer | Error)[],
  options: { taskId?: string; abortAfter?: number; callOffAfter?: number } = {},
) {
  const way = testOutbound(answers);
  const caller = new AbortController();
  const owner = new AbortController();
  const context = {
    ...testContext(caller.signal),
    ...(options.callOffAfter === undefined ? {} : { calledOff: owner.signal, isCancelled: () => owner.signal.aborted }),
  };
  const tasks = testTasks(options.taskId);
  const pauses: number[] = [];
  let clockMs = 0;
  const adapter = createDashScopeImages({
    outbound: way.outbound,
    limits: { firstByteMs: TOTAL_MS, idleMs: TOTAL_MS, totalMs: TOTAL_MS },
    nowMs: () => clockMs,
    wait: async (ms, signal) => {
      pauses.push(ms);
      clockMs += ms;
      if (pauses.length === options.abortAfter) caller.abort();
      if (pauses.length === options.callOffAfter) owner.abort();
      signal.throwIfAborted();
    },
  });
  const request = { prompt: 'x', images: [], n: 1, extra: {} };
  const result: Promise<ImageAnswer> = adapter.generate(
    testTarget('dashscope', 'wan2.2-t2i-flash'),
    request,
    tasks,
    context,
  );
  const calls = () => way.sent.map(({ method, path }) => `${method} ${path}`);
  return { result, calls, pauses, tasks, context };
}

const SUBMIT = 'POST /api/v1/services/aigc/text2image/image-synthesis';
const QUERY = 'GET /api/v1/tasks/t-1';
const CANCEL = 'POST /api/v1/tasks/t-1/cancel';

test('pauses double from one second to five, and every query shows that the call is alive', async () => {
  const waiting = ['PENDING', 'RUNNING', 'SUSPENDED', 'SOMETHING_NEW', 'RUNNING'].map(status);
  const { result, pauses, context, calls } = run([SUBMITTED, ...waiting, DONE]);
  assert.equal((await result).images.length, 1);
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 5_000, 5_000]);
  assert.equal(context.heartbeats.length, 6);
  assert.match(context.heartbeats.at(-1) ?? '', /t-1: RUNNING/);
  assert.deepEqual(calls(), [SUBMIT, ...Array(6).fill(QUERY)]);
});

test('the store is written before the submit and before the first query', async () => {
  const { result, tasks } = run([SUBMITTED, DONE]);
  await result;
  assert.deepEqual(tasks.recorded, ['before submit', 'submitted t-1']);
});

test('a task of an earlier run is gone on with and never submitted again', async () => {
  const { result, tasks, calls } = run([status('RUNNING'), DONE], { taskId: 't-1' });
  assert.equal((await result).images.length, 1);
  assert.deepEqual(calls(), [QUERY, QUERY]);
  assert.deepEqual(tasks.recorded, []);
});

test('nothing is submitted when the store forbids it', async () => {
  const way = testOutbound([]);
  const adapter = createDashScopeImages({
    outbound: way.outbound,
    limits: { firstByteMs: TOTAL_MS, idleMs: TOTAL_MS, totalMs: TOTAL_MS },
  });
  const forbidden = new Error('an earlier run may have submitted');
  const tasks = { ...testTasks(), beforeSubmit: () => Promise.reject(forbidden) };
  const request = { prompt: 'x', images: [], n: 1, extra: {} };
  const target = testTarget('dashscope', 'wan2.2-t2i-flash');
  await assert.rejects(adapter.generate(target, request, tasks, testContext()), forbidden);
  assert.equal(way.sent.length, 0);
});

test('rate limits, 5xx, broken connections and senseless answers of a query mean to ask again', async () => {
  const recorded = capture('dashscope', 'dashscope_poll_503_then_429').exchanges.map(({ reply }) => reply);
  const noStatus = capture('dashscope', 'dashscope_task_no_status').exchanges.map(({ reply }) => reply);
  const broken = Object.assign(new Error('socket'), { code: 'ECONNRESET' });
  const slow = Object.assign(new Error('slow'), { code: 'UND_ERR_HEADERS_TIMEOUT' });
  const { result, calls } = run([SUBMITTED, ...recorded, broken, slow, { body: '<html>' }, ...noStatus, DONE]);
  assert.equal((await result).images.length, 1);
  assert.equal(calls().length, 8);
});

test('a wait that the provider asks for is kept, within reason', async () => {
  const busy = (seconds: number) =>
    json({ code: 'Throttling' }, { status: 429, headers: { 'retry-after': `${seconds}` } });
  const { result, pauses } = run([SUBMITTED, busy(9), busy(3_600), busy(0), DONE]);
  await result;
  assert.deepEqual(pauses, [9_000, 30_000, 4_000]);
});

test('a query that is refused for good ends the wait', async () => {
  const refused = json({ code: 'InvalidApiKey', message: 'Invalid API-key provided.' }, { status: 401 });
  const { result, calls } = run([SUBMITTED, refused]);
  await assert.rejects(result, failedWith('account', /Invalid API-key/));
  assert.deepEqual(calls(), [SUBMIT, QUERY]);
});

test('a failed task has the class of its code, under status 200', async () => {
  const [, failed] = capture('dashscope', 'dashscope_t2i_failed_task').exchanges.map(({ reply }) => reply);
  assert.ok(failed);
  const expected = { status: 200, code: 'DataInspectionFailed', upstreamRequestId: 'r-2' };
  await assert.rejects(run([SUBMITTED, failed]).result, failedWith('content', /^Output data may contain/, expected));
  const late = json({ output: { task_status: 'FAILED', code: 'InternalError.Timeout', message: 'late' } });
  await assert.rejects(run([SUBMITTED, late]).result, failedWith('transient', /^late$/));
  await assert.rejects(run([SUBMITTED, status('FAILED')]).result, failedWith('transient', /without a readable reason/));
});

test('a task that is cancelled or unknown is lost', async () => {
  const [unknown] = capture('dashscope', 'dashscope_task_unknown').exchanges.map(({ reply }) => reply);
  assert.ok(unknown);
  await assert.rejects(run([unknown], { taskId: 't-1' }).result, failedWith('transient', /does not know the task/));
  await assert.rejects(run([SUBMITTED, status('CANCELED')]).result, failedWith('transient', /cancelled/));
});

test('a submit without a task id is a failure, of the class that is named', async () => {
  await assert.rejects(run([json({ output: {} })]).result, failedWith('transient', /no task id/));
  const refusal = json({ code: 'Throttling', message: 'busy' });
  await assert.rejects(run([refusal]).result, failedWith('rate', /^busy$/, { status: 200 }));
});

test('a task that does not end in time is given up and cancelled', async () => {
  const [cancelled] = capture('dashscope', 'dashscope_task_cancel_ok').exchanges.map(({ reply }) => reply);
  assert.ok(cancelled);
  // One, two, four and then five seconds of pause fill a minute with fourteen queries.
  const running = Array.from({ length: 14 }, () => status('RUNNING'));
  const { result, pauses, calls } = run([SUBMITTED, ...running, cancelled]);
  await assert.rejects(result, failedWith('timeout', /did not finish the task in time/));
  assert.equal(
    pauses.reduce((sum, ms) => sum + ms, 0),
    TOTAL_MS,
  );
  assert.equal(calls().at(-1), CANCEL);
});

test('a caller who leaves has the task cancelled, and a refusal of that changes nothing', async () => {
  const refusals = ['dashscope_task_cancel_ok', 'dashscope_task_cancel_refused'];
  for (const name of refusals) {
    const [reply] = capture('dashscope', name).exchanges.map((exchange) => exchange.reply);
    assert.ok(reply);
    const { result, calls } = run([SUBMITTED, status('PENDING'), reply], { abortAfter: 1 });
    await assert.rejects(result, failedWith('cancelled', /left/), name);
    assert.deepEqual(calls(), [SUBMIT, QUERY, CANCEL]);
  }
  const broken = run([SUBMITTED, status('PENDING'), new Error('no connection')], { abortAfter: 1 });
  await assert.rejects(broken.result, (error) => error instanceof UpstreamFailure && error.failure === 'cancelled');
});

test('a task that is called off is asked to be cancelled once, and then only its provider says how it ended', async () => {
  const replyOf = (name: string) => {
    const [exchange] = capture('dashscope', name).exchanges;
    assert.ok(exchange);
    return exchange.reply;
  };
  const refused = replyOf('dashscope_task_cancel_refused');
  const late = run([SUBMITTED, status('RUNNING'), refused, status('RUNNING'), DONE], { callOffAfter: 1 });
  assert.equal((await late.result).images.length, 1);
  assert.deepEqual(late.calls(), [SUBMIT, QUERY, CANCEL, QUERY, QUERY]);
  const lost = new Error('no connection');
  const unclear = run([SUBMITTED, status('PENDING'), lost, DONE], { callOffAfter: 1 });
  assert.equal((await unclear.result).images.length, 1, 'an answer that was lost is no cancel');
  const early = run([SUBMITTED, status('PENDING'), replyOf('dashscope_task_cancel_ok'), status('CANCELED')], {
    callOffAfter: 1,
  });
  await assert.rejects(early.result, failedWith('cancelled', /called off/, { status: 200 }));
});
