/** DashScope's native image calls and its compatible chat, as their documentation and clients know them. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, before, beforeEach, test } from 'node:test';
import OpenAI from 'openai';
import { z } from 'zod';
import { imageSize } from '../content/image-size.ts';
import { makePng } from '../images/png.ts';
import { type Simulator, startSimulator } from '../simulator.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());
beforeEach(async () => {
  await fetch(`${simulator.url}/control/reset`, { method: 'POST' });
});

const bodySchema = z.object({
  code: z.string().optional(),
  message: z.string().optional(),
  request_id: z.string(),
  output: z
    .object({
      task_id: z.string(),
      task_status: z.string(),
      code: z.string(),
      submit_time: z.string(),
      finished: z.boolean(),
      task_metrics: z.record(z.string(), z.number()),
      results: z.array(
        z.object({ url: z.string(), orig_prompt: z.string(), actual_prompt: z.string(), code: z.string() }).partial(),
      ),
      choices: z.array(
        z.object({
          finish_reason: z.string(),
          message: z.object({ content: z.array(z.object({ image: z.string(), type: z.string().optional() })) }),
        }),
      ),
    })
    .partial()
    .default({}),
  usage: z.record(z.string(), z.unknown()).optional(),
});

interface Reply {
  status: number;
  body: z.infer<typeof bodySchema>;
}

const PATHS = {
  M: 'multimodal-generation/generation',
  G: 'image-generation/generation',
  T: 'text2image/image-synthesis',
  I: 'image2image/image-synthesis',
};

async function send(path: string, options: RequestInit = {}): Promise<Reply> {
  const response = await fetch(`${simulator.url}/api/v1${path}`, {
    ...options,
    headers: { authorization: 'Bearer sim-test', ...options.headers },
  });
  return { status: response.status, body: bodySchema.parse(await response.json()) };
}

function generate(
  call: keyof typeof PATHS,
  model: string,
  options: { parameters?: object; input?: object; async?: boolean } = {},
): Promise<Reply> {
  const { parameters = {}, async = call !== 'M' } = options;
  const messages = { messages: [{ role: 'user', content: [{ text: 'a cat' }] }] };
  const input = options.input ?? (call === 'M' || call === 'G' ? messages : { prompt: 'a cat' });
  return send(`/services/aigc/${PATHS[call]}`, {
    method: 'POST',
    body: JSON.stringify({ model, input, parameters }),
    headers: async ? { 'x-dashscope-async': 'enable' } : {},
  });
}

async function finished(submitted: Reply): Promise<Reply> {
  assert.equal(submitted.status, 200, JSON.stringify(submitted.body));
  const { task_id } = submitted.body.output;
  for (;;) {
    const reply = await send(`/tasks/${task_id}`);
    const { task_status } = reply.body.output;
    if (task_status !== 'PENDING' && task_status !== 'RUNNING') return reply;
  }
}

const urlsOf = (reply: Reply): string[] => JSON.stringify(reply.body.output).match(/http:[^"]+/g) ?? [];

async function counts(): Promise<Record<string, number>> {
  const response = await fetch(`${simulator.url}/control/counts`);
  const { byKey } = (await response.json()) as { byKey: Record<string, Record<string, number>> };
  return byKey['sim-test'] ?? {};
}

test('a text-to-image task: PENDING, RUNNING, SUCCEEDED with results, four pictures by default', async () => {
  const submitted = await generate('T', 'wan2.2-t2i-flash!slow-task=200');
  assert.deepEqual(Object.keys(submitted.body).sort(), ['output', 'request_id']);
  const seen = new Set<string>();
  const { task_id } = submitted.body.output;
  for (let status = 'PENDING'; status !== 'SUCCEEDED'; seen.add(status)) {
    status = (await send(`/tasks/${task_id}`)).body.output.task_status ?? '';
  }
  assert.deepEqual([...seen], ['PENDING', 'RUNNING', 'SUCCEEDED']);
  const { body } = await send(`/tasks/${task_id}`);
  const output = body.output;
  assert.deepEqual(output.task_metrics, { TOTAL: 4, SUCCEEDED: 4, FAILED: 0 });
  assert.match(String(output.submit_time), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
  const results = output.results ?? [];
  assert.equal(results.length, 4);
  assert.ok(results.every((result) => result.orig_prompt === 'a cat' && result.actual_prompt));
  assert.deepEqual(body.usage, { image_count: 4 });
  const picture = await fetch(results[0]?.url ?? '');
  assert.deepEqual(imageSize(Buffer.from(await picture.arrayBuffer())), { width: 1024, height: 1024 });
});

test('ground truth: pictures count once the task has succeeded, delivered once, looks are counted apart', async () => {
  const done = await finished(await generate('T', 'wan2.2-t2i-plus', { parameters: { n: 2 } }));
  await send(`/tasks/${done.body.output.task_id}`);
  const count = await counts();
  assert.deepEqual([count.calls, count.images, count.deliveredImages], [1, 2, 2]);
  assert.ok((count.otherCalls ?? 0) >= 2);
});

test('a task with messages has choices and no results', async () => {
  const { body } = await finished(await generate('G', 'wan2.6-t2i', { parameters: { n: 2, size: '768*2700' } }));
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

test('synchronous replies, layout and usage by family', async () => {
  const usage = async (model: string, parameters: object, input?: object) => {
    const reply = await generate('M', model, { parameters, ...(input ? { input } : {}) });
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
  assert.deepEqual(await refused(generate('M', 'qwen-image-max', { async: true })), noAsync);
  assert.deepEqual(await refused(generate('M', 'wan2.2-t2i-flash')), noSync);
  assert.deepEqual(await refused(generate('T', 'wan2.2-t2i-flash', { async: false })), noSync);
  assert.deepEqual(await refused(generate('T', 'wan2.6-t2i')), wrongUrl);
  assert.deepEqual(await refused(generate('G', 'qwen-image')), wrongUrl);
  assert.deepEqual(await refused(generate('T', 'no-such-model')), [400, 'InvalidParameter', 'Model not exist.']);
});

test('a wrong size or number is refused at once by a synchronous call, later by a task', async () => {
  const sync = await generate('M', 'qwen-image', { parameters: { n: 2 } });
  assert.deepEqual(
    [sync.status, sync.body.code, sync.body.message],
    [400, 'InvalidParameter', 'num_images_per_prompt must be 1'],
  );
  assert.equal((await generate('M', 'qwen-image', { parameters: { size: '1024*1024' } })).status, 400);
  assert.equal((await generate('M', 'wan2.6-t2i', { parameters: { size: '1024*1024' } })).status, 400);
  assert.equal((await generate('M', 'wan2.6-t2i', { parameters: { size: '1280x1280' } })).status, 400);
  const task = await finished(await generate('T', 'wan2.2-t2i-flash', { parameters: { size: '768*2700' } }));
  assert.equal(task.status, 200);
  const output = task.body.output;
  assert.deepEqual([output.task_status, output.code], ['FAILED', 'InvalidParameter']);
  assert.equal((await counts()).images, 0);
});

test('edits: the pictures a model takes, and their functions', async () => {
  const edit = (input: object) => generate('I', 'wanx2.1-imageedit', { input: { prompt: 'a hat', ...input } });
  const base_image_url = 'https://example.com/base.png';
  const done = await finished(await edit({ function: 'description_edit', base_image_url }));
  assert.equal(urlsOf(done).length, 1);
  assert.equal((await edit({ function: 'none', base_image_url })).status, 400);
  assert.equal((await edit({ function: 'description_edit' })).status, 400);
  assert.equal((await edit({ function: 'description_edit_with_mask', base_image_url })).status, 400);
  assert.equal((await edit({ function: 'doodle', base_image_url: 'iVBORw0KGgo=' })).body.code, 'InvalidURL');
  const i2i = await finished(
    await generate('I', 'wan2.5-i2i-preview', { input: { prompt: 'x', images: [base_image_url] } }),
  );
  assert.equal(urlsOf(i2i).length, 4);
  assert.equal((await generate('M', 'qwen-image-edit')).status, 400);
});

test('partial, failed and lost tasks', async () => {
  const partial = await finished(await generate('T', 'wan2.2-t2i-flash!partial', { parameters: { n: 3 } }));
  const output = partial.body.output;
  assert.equal(output.task_status, 'SUCCEEDED');
  assert.deepEqual(output.task_metrics, { TOTAL: 3, SUCCEEDED: 2, FAILED: 1 });
  assert.equal(output.results?.[1]?.code, 'DataInspectionFailed');
  assert.deepEqual(partial.body.usage, { image_count: 2 });
  const failed = await finished(await generate('T', 'wan2.2-t2i-flash!failed-task'));
  assert.deepEqual([failed.status, failed.body.output.code], [200, 'DataInspectionFailed']);
  const lost = await finished(await generate('T', 'wan2.2-t2i-flash!lost-task'));
  assert.equal(lost.body.output.task_status, 'UNKNOWN');
  assert.equal((await counts()).images, 2);
});

test('cancel while pending only; list', async () => {
  const submitted = await generate('T', 'wan2.2-t2i-flash!slow-task=60000');
  const { task_id } = submitted.body.output;
  const listed = await fetch(`${simulator.url}/api/v1/tasks?status=PENDING&page_no=1&page_size=10`, {
    headers: { authorization: 'Bearer sim-test' },
  });
  assert.ok((await listed.text()).includes(`"task_id":"${task_id}"`));
  assert.equal((await send(`/tasks/${task_id}/cancel`, { method: 'POST' })).status, 200);
  const canceled = await send(`/tasks/${task_id}`);
  assert.equal(canceled.body.output.task_status, 'CANCELED');
  const again = await send(`/tasks/${task_id}/cancel`, { method: 'POST' });
  assert.deepEqual([again.status, again.body.code], [400, 'UnsupportedOperation']);
  const unknown = await send('/tasks/00000000-0000-0000-0000-000000000000');
  assert.equal(unknown.body.output.task_status, 'UNKNOWN');
});

test('interleaved text and pictures come as native events', async () => {
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
  const sync = await generate('M', 'wan2.6-image', { parameters: { enable_interleave: true } });
  assert.equal(sync.status, 400);
});

test('errors in the native form', async () => {
  const errorOf = async (fault: string) => {
    const { status, body } = await generate('T', `wan2.2-t2i-flash!${fault}`);
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

test('compatible chat: thinking, usage null on every chunk, the error form', async () => {
  const client = new OpenAI({ apiKey: 'sim-test', baseURL: `${simulator.url}/compatible-mode/v1`, maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: '介绍长江' }];
  const raw = await fetch(`${simulator.url}/compatible-mode/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sim-test' },
    body: JSON.stringify({ model: 'qwen-plus', messages, stream: true, enable_thinking: true }),
  });
  const chunks = [...(await raw.text()).matchAll(/^data: (\{.*)$/gm)].map((line) => JSON.parse(line[1] ?? ''));
  assert.ok(chunks.every((chunk) => chunk.usage === null && chunk.system_fingerprint === null));
  assert.ok(
    chunks.some((chunk) => chunk.choices[0].delta.reasoning_content && chunk.choices[0].delta.content === null),
  );
  const plain = await client.chat.completions.create({ model: 'qwen-plus', messages });
  assert.equal(plain.usage?.completion_tokens_details?.reasoning_tokens, 0);
  await assert.rejects(client.chat.completions.create({ model: 'qwen3-32b', messages }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, 'invalid_parameter_error');
    assert.match(error.message, /enable_thinking must be set to false/);
    return true;
  });
  await assert.rejects(client.chat.completions.create({ model: 'qwen-plus!overdue', messages }), {
    code: 'Arrearage',
    status: 400,
  });
  await assert.rejects(client.chat.completions.create({ model: 'nothing', messages }), OpenAI.NotFoundError);
});
