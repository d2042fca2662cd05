/** DashScope's image calls: pairings, sizes, layouts, usage, errors. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { makePng } from '../images/png.ts';
import { type Simulator, startSimulator } from '../simulator.ts';
import { counts, finished, generate, PATHS, type Reply, urlsOf } from './test-requests.ts';

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

test('synchronous replies, layout and usage by family', async () => {
  const usage = async (model: string, parameters: object, input?: object) => {
    const reply = await generate(simulator.url, 'M', model, { parameters, ...(input ? { input } : {}) });
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    const { choices } = reply.body.output;
    return { usage: reply.body.usage, layout: (choices ?? []).map((choice) => choice.message.content.length) };
  };
  const qwen = await usage('qwen-image-plus', { size: '1328*1328', n: 1 });
  assert.deepEqual(qwen, { usage: { image_count: 1, width: 1328, height: 1328 }, layout: [1] });
  const wan26 = await usage('wan2.6-t2i', { n: 3 });
  assert.deepEqual(wan26.layout, [1, 1, 1]);
  assert.equal(wan26.usage?.size, '1280*1280');
  const wan27 = await usage('wan2.7-image', {});
  assert.deepEqual([wan27.usage?.image_count, wan27.usage?.size], [1, '2048*2048']);
  assert.ok(Number(wan27.usage?.output_tokens) > 0);
  const image = `data:image/png;base64,${(await makePng(600, 300, 1, '')).toString('base64')}`;
  const edit = { messages: [{ role: 'user', content: [{ image }, { text: 'a hat' }] }] };
  const qwen3 = await usage('qwen-image-3.0', { n: 2 }, edit);
  assert.deepEqual(qwen3.layout, [2]);
  assert.deepEqual(
    [qwen3.usage?.image_count, qwen3.usage?.output_image_count, qwen3.usage?.input_image_count],
    [undefined, 2, 1],
  );
  const editPlus = await usage('qwen-image-edit-plus', {}, edit);
  assert.deepEqual([editPlus.usage?.width, editPlus.usage?.height], [1448, 728]);
});

test('wrong pairings of path, header and model', async () => {
  const refused = async (reply: Promise<Reply>) => {
    const { status, body } = await reply;
    return [status, body.code, body.message];
  };
  const noAsync = [403, 'AccessDenied', 'current user api does not support asynchronous calls'];
  const noSync = [403, 'AccessDenied', 'current user api does not support synchronous calls'];
  const wrongUrl = [400, 'InvalidParameter', 'url error, please check url!'];
  assert.deepEqual(await refused(generate(simulator.url, 'M', 'qwen-image-max', { async: true })), noAsync);
  assert.deepEqual(await refused(generate(simulator.url, 'M', 'wan2.2-t2i-flash')), noSync);
  assert.deepEqual(await refused(generate(simulator.url, 'T', 'wan2.2-t2i-flash', { async: false })), noSync);
  assert.deepEqual(await refused(generate(simulator.url, 'T', 'wan2.6-t2i')), wrongUrl);
  assert.deepEqual(await refused(generate(simulator.url, 'G', 'qwen-image')), wrongUrl);
  assert.deepEqual(await refused(generate(simulator.url, 'T', 'no-such-model')), [
    400,
    'InvalidParameter',
    'Model not exist.',
  ]);
});

test('a wrong size or number is refused at once by a synchronous call, later by a task', async () => {
  const sync = await generate(simulator.url, 'M', 'qwen-image', { parameters: { n: 2 } });
  assert.deepEqual(
    [sync.status, sync.body.code, sync.body.message],
    [400, 'InvalidParameter', 'num_images_per_prompt must be 1'],
  );
  assert.equal((await generate(simulator.url, 'M', 'qwen-image', { parameters: { size: '1024*1024' } })).status, 400);
  assert.equal((await generate(simulator.url, 'M', 'wan2.6-t2i', { parameters: { size: '1024*1024' } })).status, 400);
  assert.equal((await generate(simulator.url, 'M', 'wan2.6-t2i', { parameters: { size: '1280x1280' } })).status, 400);
  const task = await finished(
    simulator.url,
    await generate(simulator.url, 'T', 'wan2.2-t2i-flash', { parameters: { size: '768*2700' } }),
  );
  assert.equal(task.status, 200);
  const output = task.body.output;
  assert.deepEqual([output.task_status, output.code], ['FAILED', 'InvalidParameter']);
  assert.equal((await counts(simulator.url)).images, 0);
});

test('edits: the images a model takes, and their functions', async () => {
  const edit = (input: object) =>
    generate(simulator.url, 'I', 'wanx2.1-imageedit', { input: { prompt: 'a hat', ...input } });
  const base_image_url = 'https://example.com/base.png';
  const done = await finished(simulator.url, await edit({ function: 'description_edit', base_image_url }));
  assert.equal(urlsOf(done).length, 1);
  assert.equal((await edit({ function: 'none', base_image_url })).status, 400);
  assert.equal((await edit({ function: 'description_edit' })).status, 400);
  assert.equal((await edit({ function: 'description_edit_with_mask', base_image_url })).status, 400);
  assert.equal((await edit({ function: 'doodle', base_image_url: 'iVBORw0KGgo=' })).body.code, 'InvalidURL');
  const i2i = await finished(
    simulator.url,
    await generate(simulator.url, 'I', 'wan2.5-i2i-preview', { input: { prompt: 'x', images: [base_image_url] } }),
  );
  assert.equal(urlsOf(i2i).length, 4);
  assert.equal((await generate(simulator.url, 'M', 'qwen-image-edit')).status, 400);
});

test('interleaved text and images come as native events', async () => {
  const response = await fetch(`${simulator.url}/api/v1/services/aigc/${PATHS.M}`, {
    method: 'POST',
    headers: { authorization: 'Bearer sim-test', 'x-dashscope-sse': 'enable' },
    body: JSON.stringify({
      model: 'wan2.6-image',
      input: { messages: [{ role: 'user', content: [{ text: 'a tutorial' }] }] },
      parameters: { enable_interleave: true, max_images: 2, n: 1 },
    }),
  });
  const blocks = (await response.text()).trim().split('\n\n');
  assert.equal(blocks.length, 4);
  assert.match(blocks[0] ?? '', /^id:1\nevent:result\n:HTTP_STATUS\/200\ndata:\{/);
  const last = JSON.parse(blocks[3]?.split('data:')[1] ?? '');
  assert.deepEqual(
    [last.output.finished, last.output.choices[0].finish_reason, last.usage.image_count],
    [true, 'stop', 2],
  );
  const sync = await generate(simulator.url, 'M', 'wan2.6-image', { parameters: { enable_interleave: true } });
  assert.equal(sync.status, 400);
});

test('errors in the native form', async () => {
  const errorOf = async (fault: string) => {
    const { status, body } = await generate(simulator.url, 'T', `wan2.2-t2i-flash!${fault}`);
    assert.equal(typeof body.request_id, 'string');
    return [status, body.code];
  };
  assert.deepEqual(await errorOf('429'), [429, 'Throttling.RateQuota']);
  assert.deepEqual(await errorOf('401'), [401, 'InvalidApiKey']);
  assert.deepEqual(await errorOf('overdue'), [400, 'Arrearage']);
  assert.deepEqual(await errorOf('refused'), [400, 'DataInspectionFailed']);
  assert.deepEqual(await errorOf('quota'), [429, 'Throttling.AllocationQuota']);
  assert.deepEqual(await errorOf('200-error'), [200, 'InternalError']);
});
