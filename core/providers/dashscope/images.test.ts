import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageRequest } from '../provider.ts';
import { API_KEY, failedWith, testContext, testTarget, testTasks } from '../test-calls.ts';
import { type Capture, capture, fieldsOf, replay, requestOf } from '../test-captures.ts';
import { sentJson, type TestOutbound, testOutbound } from '../test-outbound.ts';
import { createDashScopeImages } from './images.ts';

const LIMITS = { firstByteMs: 60_000, idleMs: 10_000, totalMs: 60_000 };
const PLAIN: ImageRequest = { prompt: 'a cat', images: [], n: 1, extra: {} };
const IMAGE = 'data:image/png;base64,iVBORw0KGgo=';

function generate({ outbound }: TestOutbound, model: string, request: Partial<ImageRequest> = {}) {
  const adapter = createDashScopeImages({ outbound, limits: LIMITS, wait: async () => undefined });
  return adapter.generate(testTarget('dashscope', model), { ...PLAIN, ...request }, testTasks(), testContext());
}

function image(url = 'http://127.0.0.1/1.png') {
  return { kind: 'url', url };
}

/** `is_async` is a slip of the vendor's client: it puts its own option into the body. */
function withoutSlip(body: Record<string, unknown>): Record<string, unknown> {
  const parameters = { ...Object(body.parameters) };
  delete parameters.is_async;
  return { ...body, parameters };
}

function assertSentAs(way: TestOutbound, recorded: Capture): void {
  const sent = way.sent[0];
  const request = requestOf(recorded);
  const headers = new Headers(request.headers);
  assert.equal(sent?.method, request.method);
  assert.equal(sent?.path, request.path);
  assert.deepEqual(sentJson(sent), withoutSlip(fieldsOf(recorded)));
  assert.equal(sent?.headers.get('authorization'), `Bearer ${API_KEY}`);
  assert.equal(sent?.headers.get('content-type'), 'application/json');
  assert.equal(sent?.headers.get('x-dashscope-async'), headers.get('x-dashscope-async'));
}

test('a synchronous image is asked for and read as the vendor client does', async () => {
  const recorded = capture('dashscope', 'dashscope_qwen_image_sync');
  const way = replay([recorded]);
  const options = { promptExtend: true, watermark: false, negativePrompt: ' ', size: '1328x1328' };
  assert.deepEqual(await generate(way, 'qwen-image-plus', options), {
    images: [image()],
    usage: undefined,
  });
  assertSentAs(way, recorded);
  assert.equal(way.sent.length, 1);
});

test('a synchronous edit is asked for and read as the vendor client does', async () => {
  const recorded = capture('dashscope', 'dashscope_qwen_image_edit_sync');
  const way = replay([recorded]);
  const edit = { prompt: 'a hat', images: [IMAGE], watermark: false };
  assert.deepEqual((await generate(way, 'qwen-image-edit-plus', edit)).images, [image()]);
  assertSentAs(way, recorded);
});

test('a newer model is asked as another gateway asks it', async () => {
  const recorded = capture('dashscope', 'litellm_dashscope_image');
  const way = replay([recorded]);
  assert.deepEqual((await generate(way, 'qwen-image-3.0', { size: '1024x1024' })).images, [image()]);
  assertSentAs(way, recorded);
});

test('a task is submitted, asked after and read as the vendor client does', async () => {
  const recorded = capture('dashscope', 'dashscope_t2i_call_wait');
  const way = replay([recorded]);
  const options = { promptExtend: true, watermark: false, negativePrompt: 'blur', seed: 7, size: '1024*1024' };
  assert.deepEqual(await generate(way, 'wan2.2-t2i-flash', options), {
    images: [image()],
    actualPrompt: 'pp',
    usage: undefined,
  });
  assertSentAs(way, recorded);
  for (const [index, query] of way.sent.slice(1).entries()) {
    assert.equal(query.method, 'GET');
    assert.equal(query.path, requestOf(recorded, index + 1).path);
    assert.equal(query.headers.get('authorization'), `Bearer ${API_KEY}`);
    assert.equal(query.headers.get('x-dashscope-async'), null);
  }
});

test('a task with messages is submitted and read as the vendor client does', async () => {
  const recorded = capture('dashscope', 'dashscope_wan26_async');
  const way = replay([recorded]);
  assert.deepEqual((await generate(way, 'wan2.6-t2i', { size: '1280*1280' })).images, [image()]);
  assertSentAs(way, recorded);
});

test('edits by a task are submitted as the vendor client does', async () => {
  const finished = capture('dashscope', 'dashscope_t2i_partial').exchanges[1];
  assert.ok(finished);
  const images = capture('dashscope', 'dashscope_i2i_wan25');
  const way = replay([images, { sdk_result: '', exchanges: [finished] }]);
  const edit = { prompt: 'a hat', images: [IMAGE], promptExtend: true, size: '1280*1280' };
  await generate(way, 'wan2.5-i2i-preview', edit);
  assertSentAs(way, images);

  const masked = capture('dashscope', 'dashscope_imageedit_wanx21');
  const maskedWay = replay([masked, { sdk_result: '', exchanges: [finished] }]);
  const mask = { prompt: 'a hat', images: ['http://127.0.0.1/b.png'], mask: 'http://127.0.0.1/m.png' };
  await generate(maskedWay, 'wanx2.1-imageedit', mask);
  assertSentAs(maskedWay, masked);
});

test('several images are found in several choices and in several contents, other content is left', async () => {
  const choice = (...content: object[]) => ({ message: { content } });
  const choices = [
    choice({ image: 'http://a.example/1.png' }, { text: 'thought' }, { reasoning_content: 'x' }),
    choice({ type: 'image', image: 'http://a.example/2.png' }, { image: 'http://a.example/3.png' }),
    {},
    null,
  ];
  const answer = await generate(testOutbound([{ body: JSON.stringify({ output: { choices } }) }]), 'qwen-image-3.0');
  assert.deepEqual(
    answer.images,
    [1, 2, 3].map((number) => image(`http://a.example/${number}.png`)),
  );
  const sync = replay([capture('dashscope', 'dashscope_wan26_sync')]);
  assert.deepEqual((await generate(sync, 'qwen-image-max')).images, [image()]);
});

test('what was delivered counts, whatever failed beside it', async () => {
  const recorded = capture('dashscope', 'dashscope_t2i_partial');
  const way = replay([recorded]);
  assert.deepEqual((await generate(way, 'wan2.2-t2i-flash', { prompt: 'x', n: 2 })).images, [image()]);
  assertSentAs(way, recorded);
});

test('nothing delivered is a failure of the class that the provider names', async () => {
  const output = { task_status: 'SUCCEEDED', results: [{ code: 'DataInspectionFailed', message: 'no' }] };
  const submitted = { body: JSON.stringify({ output: { task_id: 't-1' } }) };
  const all = testOutbound([submitted, { body: JSON.stringify({ output }) }]);
  await assert.rejects(generate(all, 'wan2.2-t2i-flash'), failedWith('content', /^no$/));
  const minimal = replay([capture('dashscope', 'dashscope_t2i_minimal_accepted')]);
  await assert.rejects(generate(minimal, 'wan2.2-t2i-flash'), failedWith('transient', /no image/));
  const empty = replay([capture('dashscope', 'litellm_dashscope_image_empty_choices')]);
  await assert.rejects(generate(empty, 'qwen-image-3.0'), failedWith('transient', /no image/));
});

test('recorded refusals', async () => {
  const expected = {
    dashscope_submit_401: failedWith('account', /^Invalid API-key/, { status: 401, upstreamRequestId: 'r-9' }),
    dashscope_submit_429: failedWith('rate', /rate limit/, { status: 429, code: 'Throttling.RateQuota' }),
    dashscope_call_after_submit_error: failedWith('rate', /rate limit/, { upstreamRequestId: 'r-9' }),
    dashscope_submit_502_html: failedWith('transient', /502/, { status: 502 }),
    litellm_dashscope_image_err_200_InvalidParameter: failedWith('bad-request', /num_images/, { status: 200 }),
    litellm_dashscope_image_err_400_Arrearage: failedWith('account', /good standing/, { status: 400 }),
    litellm_dashscope_image_err_400_DataInspectionFailed: failedWith('content', /inappropriate/),
    litellm_dashscope_image_err_403_AccessDenied: failedWith('model', /asynchronous/, { status: 403 }),
    litellm_dashscope_image_err_429_Throttling_RateQuota: failedWith('rate', /rate limit/),
  };
  for (const [name, check] of Object.entries(expected)) {
    const model = name.startsWith('dashscope') ? 'wan2.2-t2i-flash' : 'qwen-image-3.0';
    await assert.rejects(generate(replay([capture('dashscope', name)]), model), check, name);
  }
});
