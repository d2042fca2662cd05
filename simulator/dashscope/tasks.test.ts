/** DashScope's asynchronous tasks. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, before, beforeEach, test } from 'node:test';
import { imageSize } from '../content/image-size.ts';
import { type Simulator, startSimulator } from '../simulator.ts';
import { counts, finished, generate, send } from './test-requests.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());
beforeEach(async () => {
  await fetch(`${simulator.url}/control/reset`, { method: 'POST' });
  await fetch(`${simulator.url}/control/faults`, {
    method: 'POST',
    body: JSON.stringify({ fault: 'slow-task', value: 80, vendor: 'dashscope' }),
  });
});

test('a text-to-image task: PENDING, RUNNING, SUCCEEDED with results, four images by default', async () => {
  const submitted = await generate(simulator.url, 'T', 'wan2.2-t2i-flash!slow-task=2000');
  assert.deepEqual(Object.keys(submitted.body).sort(), ['output', 'request_id']);
  const seen = new Set<string>();
  const { task_id } = submitted.body.output;
  for (let status = 'PENDING'; status !== 'SUCCEEDED'; seen.add(status)) {
    status = (await send(simulator.url, `/tasks/${task_id}`)).body.output.task_status ?? '';
  }
  assert.deepEqual([...seen], ['PENDING', 'RUNNING', 'SUCCEEDED']);
  const { body } = await send(simulator.url, `/tasks/${task_id}`);
  const output = body.output;
  assert.deepEqual(output.task_metrics, { TOTAL: 4, SUCCEEDED: 4, FAILED: 0 });
  assert.match(String(output.submit_time), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
  const results = output.results ?? [];
  assert.equal(results.length, 4);
  assert.ok(results.every((result) => result.orig_prompt === 'a cat' && result.actual_prompt));
  assert.deepEqual(body.usage, { image_count: 4 });
  const image = await fetch(results[0]?.url ?? '');
  assert.deepEqual(imageSize(Buffer.from(await image.arrayBuffer())), { width: 1024, height: 1024 });
});

test('ground truth: images count once the task has succeeded, delivered once, looks are counted apart', async () => {
  const done = await finished(
    simulator.url,
    await generate(simulator.url, 'T', 'wan2.2-t2i-plus', { parameters: { n: 2 } }),
  );
  await send(simulator.url, `/tasks/${done.body.output.task_id}`);
  const count = await counts(simulator.url);
  assert.deepEqual([count.calls, count.images, count.deliveredImages], [1, 2, 2]);
  assert.ok((count.otherCalls ?? 0) >= 2);
});

test('a task with messages has choices and no results', async () => {
  const { body } = await finished(
    simulator.url,
    await generate(simulator.url, 'G', 'wan2.6-t2i', { parameters: { n: 2, size: '768*2700' } }),
  );
  const output = body.output;
  assert.equal(output.finished, true);
  assert.equal(output.results, undefined);
  const choices = output.choices ?? [];
  assert.equal(choices.length, 2);
  assert.equal(choices[0]?.message.content[0]?.type, 'image');
  assert.deepEqual(body.usage, {
    image_count: 2,
    size: '768*2700',
    input_tokens: 0,
    output_tokens: 0,
    total_tokens: 0,
  });
});

test('partial, failed and lost tasks', async () => {
  const partial = await finished(
    simulator.url,
    await generate(simulator.url, 'T', 'wan2.2-t2i-flash!partial', { parameters: { n: 3 } }),
  );
  const output = partial.body.output;
  assert.equal(output.task_status, 'SUCCEEDED');
  assert.deepEqual(output.task_metrics, { TOTAL: 3, SUCCEEDED: 2, FAILED: 1 });
  assert.equal(output.results?.[1]?.code, 'DataInspectionFailed');
  assert.deepEqual(partial.body.usage, { image_count: 2 });
  const failed = await finished(simulator.url, await generate(simulator.url, 'T', 'wan2.2-t2i-flash!failed-task'));
  assert.deepEqual([failed.status, failed.body.output.code], [200, 'DataInspectionFailed']);
  const lost = await finished(simulator.url, await generate(simulator.url, 'T', 'wan2.2-t2i-flash!lost-task'));
  assert.equal(lost.body.output.task_status, 'UNKNOWN');
  assert.equal((await counts(simulator.url)).images, 2);
});

test('cancel while pending only; list', async () => {
  const submitted = await generate(simulator.url, 'T', 'wan2.2-t2i-flash!slow-task=60000');
  const { task_id } = submitted.body.output;
  const listed = await fetch(`${simulator.url}/api/v1/tasks?status=PENDING&page_no=1&page_size=10`, {
    headers: { authorization: 'Bearer sim-test' },
  });
  assert.ok((await listed.text()).includes(`"task_id":"${task_id}"`));
  assert.equal((await send(simulator.url, `/tasks/${task_id}/cancel`, { method: 'POST' })).status, 200);
  const canceled = await send(simulator.url, `/tasks/${task_id}`);
  assert.equal(canceled.body.output.task_status, 'CANCELED');
  const again = await send(simulator.url, `/tasks/${task_id}/cancel`, { method: 'POST' });
  assert.deepEqual([again.status, again.body.code], [400, 'UnsupportedOperation']);
  const unknown = await send(simulator.url, '/tasks/00000000-0000-0000-0000-000000000000');
  assert.equal(unknown.body.output.task_status, 'UNKNOWN');
});
