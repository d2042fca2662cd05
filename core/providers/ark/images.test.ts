import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageRequest } from '../provider.ts';
import {
  API_KEY,
  failedWith,
  NO_TOKENS,
  refusedFor,
  testAdapters,
  testContext,
  testTarget,
  testTasks,
} from '../test-calls.ts';
import { capture, fieldsOf, replay, requestOf } from '../test-captures.ts';
import { sentJson, type TestOutbound, testOutbound } from '../test-outbound.ts';

const PLAIN: ImageRequest = { prompt: 'x', images: [], n: 1, extra: {} };
const IMAGE = 'http://127.0.0.1/a.png';
const SEEDREAM_3 = 'doubao-seedream-3-0-t2i-250415';
const SEEDREAM_4 = 'doubao-seedream-4-0-250828';
const SEEDREAM_45 = 'doubao-seedream-4-5-251128';
const SEEDREAM_5 = 'doubao-seedream-5-0-260128';
const SEEDEDIT = 'doubao-seededit-3-0-i2i-250628';
const DELIVERED = {
  images: [{ kind: 'url', url: 'http://127.0.0.1/1.jpg' }],
  usage: { ...NO_TOKENS, completionTokens: 16_280 },
};

function generate({ outbound }: TestOutbound, model: string, request: Partial<ImageRequest> = {}) {
  const adapter = testAdapters(outbound).image.ark;
  return adapter.generate(testTarget('ark', model), { ...PLAIN, ...request }, testTasks(), testContext());
}

/** How the answer comes is the gateway's choice, and `url` the vendor's default. */
function withoutFormat({ response_format: _format, ...body }: Record<string, unknown>): Record<string, unknown> {
  return body;
}

test('an image is asked for and read as the vendor client does', async () => {
  const recorded = capture('ark', 'ark_image_t2i');
  const way = replay([recorded]);
  const extra = { sequential_image_generation: 'disabled', response_format: 'b64_json', tools: null };
  assert.deepEqual(await generate(way, SEEDREAM_4, { prompt: 'a cat', size: '2k', extra }), DELIVERED);
  assert.equal(way.sent[0]?.path, requestOf(recorded).path);
  assert.equal(way.sent[0]?.headers.get('authorization'), `Bearer ${API_KEY}`);
  assert.deepEqual(sentJson(way.sent[0]), withoutFormat(fieldsOf(recorded)));
});

test('an edit is asked for as the vendor client does', async () => {
  const recorded = capture('ark', 'ark_image_edit_seededit');
  const way = replay([recorded]);
  const edit = { prompt: 'a hat', images: [IMAGE], size: 'adaptive', watermark: true };
  assert.deepEqual(await generate(way, SEEDEDIT, edit), DELIVERED);
  assert.deepEqual(sentJson(way.sent[0]), withoutFormat(fieldsOf(recorded)));
});

test('several images of several images are one call, as the vendor client makes it', async () => {
  const recorded = capture('ark', 'ark_image_multi_ref_group');
  const way = replay([recorded]);
  const images = [IMAGE, 'data:image/png;base64,iVBORw0KGgo='];
  const extra = { optimize_prompt_options: { mode: 'standard' } };
  assert.deepEqual(await generate(way, SEEDREAM_45, { images, n: 3, size: '2048*2048', extra }), DELIVERED);
  assert.deepEqual(sentJson(way.sent[0]), {
    ...fieldsOf(recorded),
    // The vendor's client sends nulls inside as well, and its default writes a mark into the image.
    optimize_prompt_options: { mode: 'standard' },
    watermark: false,
  });
});

test('seed and guidance go to the models that take them, with the gateway’s defaults', async () => {
  const bodyFor = async (model: string, request: Partial<ImageRequest>) => {
    const way = replay([capture('ark', 'ark_image_t2i')]);
    await generate(way, model, request);
    return sentJson(way.sent[0]);
  };
  const three = { model: SEEDREAM_3, prompt: 'x', watermark: false };
  assert.deepEqual(await bodyFor(SEEDREAM_3, {}), { ...three, seed: -1, guidance_scale: 5.5 });
  assert.deepEqual(await bodyFor(SEEDREAM_3, { seed: 7, strength: 1 }), { ...three, seed: 7, guidance_scale: 10 });
  const given = { seed: 7, strength: 0.5, negativePrompt: 'blur', promptExtend: true };
  const four = { model: SEEDREAM_4, prompt: 'x', watermark: false };
  assert.deepEqual(await bodyFor(SEEDREAM_4, given), four);
  const edit = { model: SEEDEDIT, prompt: 'x', watermark: false, image: IMAGE, seed: 7, guidance_scale: 5.5 };
  assert.deepEqual(await bodyFor(SEEDEDIT, { ...given, images: [IMAGE] }), edit);
});

test('where a call makes one image, more are several calls with seeds of their own', async () => {
  const recorded = capture('ark', 'ark_image_t2i');
  const way = replay([recorded, recorded, recorded]);
  const answer = await generate(way, SEEDREAM_3, { n: 3, seed: 40 });
  assert.equal(answer.images.length, 3);
  assert.equal(answer.usage?.completionTokens, 3 * 16_280);
  const seeds = way.sent.map((call) => Object(sentJson(call)).seed);
  assert.deepEqual(seeds, [40, 41, 42]);
});

test('of several calls the delivered ones count, and when all fail the first shows why', async () => {
  const reply = capture('ark', 'ark_image_t2i').exchanges[0]?.reply;
  const refusal = capture('ark', 'ark_error_400_InputTextSensitiveContentDetected').exchanges[0]?.reply;
  assert.ok(reply && refusal);
  const some = await generate(testOutbound([refusal, reply, new Error('broken')]), SEEDREAM_3, { n: 3 });
  assert.deepEqual(some, DELIVERED);
  const none = generate(testOutbound([refusal, new Error('broken')]), SEEDREAM_3, { n: 2 });
  await assert.rejects(none, failedWith('content', /sensitive/));
});

test('a refused member of a group does not spoil the others', async () => {
  const answer = await generate(replay([capture('ark', 'ark_image_partial')]), SEEDREAM_4, { n: 2 });
  assert.deepEqual(answer, { ...DELIVERED, usage: { ...NO_TOKENS, completionTokens: 16_384 } });
  const error = { code: 'OutputImageSensitiveContentDetected', message: 'no' };
  const all = testOutbound([{ body: JSON.stringify({ data: [{ error }, { error }] }) }]);
  await assert.rejects(generate(all, SEEDREAM_4, { n: 2 }), failedWith('content', /^no$/));
  const whole = testOutbound([
    { body: JSON.stringify({ data: [], error: { code: 'InternalServiceError', message: 'oh' } }) },
  ]);
  await assert.rejects(generate(whole, SEEDREAM_4), failedWith('transient', /^oh$/));
  const empty = replay([capture('ark', 'ark_image_minimal_accepted')]);
  await assert.rejects(generate(empty, SEEDREAM_4), failedWith('transient', /no image/));
});

test('images in base64 are known by their first bytes', async () => {
  const body = JSON.stringify({ data: [{ b64_json: '/9j/4AAQ' }, { b64_json: 'iVBORw0KGgoAAA' }] });
  assert.deepEqual((await generate(testOutbound([{ body }]), SEEDREAM_4, { n: 2 })).images, [
    { kind: 'base64', data: '/9j/4AAQ', mediaType: 'image/jpeg' },
    { kind: 'base64', data: 'iVBORw0KGgoAAA', mediaType: 'image/png' },
  ]);
});

test('what a model cannot do is refused before anything is sent', async () => {
  const way = testOutbound([]);
  const images = (count: number) => Array.from({ length: count }, () => IMAGE);
  const refused: readonly (readonly [string, Partial<ImageRequest>, string, RegExp])[] = [
    [SEEDREAM_45, { size: '1024x1024' }, 'size', /3686400 to 16777216 pixels/],
    [SEEDREAM_45, { size: '1K' }, 'size', /it takes 2K, 4K/],
    [SEEDREAM_5, { size: 'adaptive' }, 'size', /2K, 3K/],
    [SEEDREAM_4, { size: '3K' }, 'size', /1K, 2K, 4K/],
    [SEEDREAM_3, { size: '2K' }, 'size', /sides of 512/],
    [SEEDREAM_3, { size: '2049x1024' }, 'size', /sides of 512/],
    [SEEDEDIT, { size: '1024x1024', images: [IMAGE] }, 'size', /adaptive/],
    [SEEDEDIT, {}, 'image', /takes 1 input images, not 0/],
    [SEEDEDIT, { images: images(2) }, 'image', /takes 1/],
    [SEEDREAM_3, { images: [IMAGE] }, 'image', /takes 0/],
    [SEEDREAM_4, { images: images(15) }, 'image', /0 to 14/],
    [SEEDREAM_4, { images: images(10), n: 6 }, 'n', /at most 15/],
    [SEEDREAM_4, { n: 16 }, 'n', /1 to 15/],
    [SEEDREAM_3, { n: 11 }, 'n', /1 to 10/],
    [SEEDREAM_4, { images: [IMAGE], mask: IMAGE }, 'mask', /is not taken/],
  ];
  for (const [model, request, path, message] of refused) {
    await assert.rejects(
      generate(way, model, request),
      refusedFor(path, message),
      `${model} ${JSON.stringify(request)}`,
    );
  }
  assert.equal(way.sent.length, 0);
});

test('names without doubao- are the same models, and of endpoints nothing is known', async () => {
  const way = replay([capture('ark', 'ark_image_t2i')]);
  await generate(way, 'ep-20260101-abcde', { size: '99x99', seed: 5 });
  const body = { model: 'ep-20260101-abcde', prompt: 'x', size: '99x99', watermark: false };
  assert.deepEqual(sentJson(way.sent[0]), body);
  const abroad = generate(testOutbound([]), 'seedream-4-5-251128', { size: '1024x1024' });
  await assert.rejects(abroad, refusedFor('size', /seedream-4-5/));
});

test('recorded refusals', async () => {
  const expected = {
    ark_error_400_InputTextSensitiveContentDetected: failedWith('content', /sensitive/, { upstreamRequestId: 'r' }),
    ark_error_401_AuthenticationError: failedWith('account', /missing or invalid/, { status: 401 }),
    ark_error_404_ModelNotOpen: failedWith('account', /not activated/, { status: 404, code: 'ModelNotOpen' }),
    ark_error_429_retries: failedWith('rate', /Images Per Minute/, { retryAfterMs: 30_000 }),
    ark_error_500_should_retry_false: failedWith('transient', /internal error/, { status: 500 }),
  };
  for (const [name, check] of Object.entries(expected)) {
    const way = replay([capture('ark', name)]);
    await assert.rejects(generate(way, SEEDREAM_4), check, name);
    assert.equal(way.sent.length, 1);
  }
});
