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
import { type Capture, capture, fieldsOf, replay, requestOf } from '../test-captures.ts';
import { type SentCall, sentJson, type TestOutbound, testOutbound } from '../test-outbound.ts';

const PLAIN: ImageRequest = { prompt: 'a cat', images: [], n: 1, extra: {} };
const GPT_IMAGE = 'gpt-image-1.5';
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const IMAGE = `data:image/png;base64,${PNG}`;

function generate({ outbound }: TestOutbound, model: string, request: Partial<ImageRequest> = {}) {
  const adapter = testAdapters(outbound).image.openai;
  return adapter.generate(testTarget('openai', model), { ...PLAIN, ...request }, testTasks(), testContext());
}

interface Part {
  readonly text?: string;
  readonly type?: string;
  readonly bytes?: string;
}

/** The parts of a sent form by name; the order of parts means nothing. */
async function partsOf(call: SentCall | undefined): Promise<Record<string, Part[]>> {
  assert.ok(call);
  const form = await new Response(new Uint8Array(call.body), { headers: call.headers }).formData();
  const parts: Record<string, Part[]> = {};
  for (const [name, value] of form) {
    const part =
      typeof value === 'string'
        ? { text: value }
        : { type: value.type, bytes: Buffer.from(await value.arrayBuffer()).toString('base64') };
    parts[name] = [...(parts[name] ?? []), part];
  }
  return parts;
}

/** Names of the parts, with the media type of each file, as the recording has them. */
function recordedParts(recorded: Capture): string[] {
  const text = requestOf(recorded).body_text ?? '';
  const names = text.matchAll(/name="([^"]+)"(?:; filename="[^"]+"\r\nContent-Type: ([\w/]+))?/g);
  return Array.from(names, ([, name, type]) => (type === undefined ? `${name}` : `${name} ${type}`)).sort();
}

function sentParts(parts: Record<string, Part[]>): string[] {
  const named = Object.entries(parts).flatMap(([name, list]) =>
    list.map(({ type }) => (type === undefined ? name : `${name} ${type}`)),
  );
  return named.sort();
}

test('an image is asked for and read as the vendor client does', async () => {
  const recorded = capture('openai', 'openai_images_generate');
  const way = replay([recorded]);
  const answer = await generate(way, GPT_IMAGE, { size: '1024*1024', extra: { quality: 'low' } });
  assert.deepEqual(answer, {
    images: [{ kind: 'base64', data: 'aGk=', mediaType: 'image/png' }],
    facts: {
      ...{ background: 'opaque', created: 1, output_format: 'png', quality: 'low', size: '1024x1024' },
      usage: {
        ...{ input_tokens: 10, output_tokens: 196, total_tokens: 206 },
        input_tokens_details: { image_tokens: 0, text_tokens: 10 },
        output_tokens_details: { image_tokens: 196, text_tokens: 0 },
      },
    },
    usage: { ...NO_TOKENS, promptTokens: 10, completionTokens: 196 },
  });
  assert.equal(way.sent[0]?.path, requestOf(recorded).path);
  assert.equal(way.sent[0]?.headers.get('authorization'), `Bearer ${API_KEY}`);
  assert.deepEqual(sentJson(way.sent[0]), fieldsOf(recorded));
});

test('one image to edit is a part of the name that the vendor client gives it', async () => {
  const recorded = capture('openai', 'openai_images_edit_one');
  const way = replay([recorded]);
  await generate(way, GPT_IMAGE, { prompt: 'hat', images: [IMAGE], mask: IMAGE, size: '1024x1024' });
  assert.equal(way.sent[0]?.path, requestOf(recorded).path);
  const parts = await partsOf(way.sent[0]);
  assert.deepEqual(sentParts(parts), recordedParts(recorded));
  assert.deepEqual(parts.prompt, [{ text: 'hat' }]);
  assert.deepEqual(parts.n, [{ text: '1' }]);
  assert.deepEqual(parts.image, [{ type: 'image/png', bytes: PNG }]);
});

test('several images to edit are parts of another name', async () => {
  const recorded = capture('openai', 'node_openai_images_edit_many');
  const way = replay([recorded]);
  const answer = await generate(way, GPT_IMAGE, { prompt: 'hat', images: [IMAGE, IMAGE], mask: IMAGE });
  assert.deepEqual(answer.images, [{ kind: 'base64', data: PNG, mediaType: 'image/png' }]);
  assert.deepEqual(sentParts(await partsOf(way.sent[0])), recordedParts(recorded));
});

test('fields of an edit become texts', async () => {
  const way = replay([capture('openai', 'openai_images_edit_one')]);
  const extra = { input_fidelity: 'high', flag: false, list: [1], response_format: 'b64_json' };
  await generate(way, GPT_IMAGE, { images: [IMAGE], extra });
  const { image: _image, ...texts } = await partsOf(way.sent[0]);
  assert.deepEqual(texts, {
    input_fidelity: [{ text: 'high' }],
    flag: [{ text: 'false' }],
    list: [{ text: '[1]' }],
    model: [{ text: GPT_IMAGE }],
    prompt: [{ text: 'a cat' }],
    n: [{ text: '1' }],
  });
});

test('an image behind an address is fetched and sent as bytes', async () => {
  const reply = capture('openai', 'openai_images_edit_one').exchanges[0]?.reply;
  assert.ok(reply);
  const image = { headers: { 'content-type': 'application/octet-stream' }, body: 'GIF89a…' };
  const way = testOutbound([image, reply]);
  await generate(way, GPT_IMAGE, { images: ['https://a.example/p.jpg'] });
  assert.equal(way.sent[0]?.path, '/p.jpg');
  assert.equal(way.sent[0]?.headers.get('authorization'), null);
  const bytes = Buffer.from('GIF89a…').toString('base64');
  assert.deepEqual((await partsOf(way.sent[1])).image, [{ type: 'image/gif', bytes }]);
});

test('an address that gives no image is the caller’s mistake, and nothing is sent', async () => {
  const broken = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  const page = { headers: { 'content-type': 'image/png' }, body: '<html>' };
  for (const [answer, message] of [
    [{ status: 404, body: '' }, /answers 404/],
    [{ status: 302, headers: { location: 'http://10.0.0.1/' }, body: '' }, /answers 302/],
    [page, /gives no PNG, JPEG/],
    [broken, /could not be read/],
  ] as const) {
    const way = testOutbound([answer]);
    const edit = generate(way, GPT_IMAGE, { images: ['https://a.example/p'] });
    await assert.rejects(edit, refusedFor('image', message));
    assert.equal(way.sent.length, 1);
  }
});

test('OpenAI’s own models get OpenAI’s fields, others get all that was given', async () => {
  const given = { seed: 7, negativePrompt: 'blur', promptExtend: true, watermark: false, strength: 0.5, size: 'auto' };
  const bodyFor = async (model: string) => {
    const way = replay([capture('openai', 'openai_images_generate')]);
    await generate(way, model, { ...given, extra: { response_format: 'url', stream: true, partial_images: 2 } });
    return sentJson(way.sent[0]);
  };
  assert.deepEqual(await bodyFor(GPT_IMAGE), { model: GPT_IMAGE, prompt: 'a cat', n: 1 });
  assert.deepEqual(await bodyFor('Qwen/Qwen-Image'), {
    model: 'Qwen/Qwen-Image',
    prompt: 'a cat',
    n: 1,
    seed: 7,
    negative_prompt: 'blur',
    prompt_extend: true,
    watermark: false,
    strength: 0.5,
  });
});

test('replies of others are read: addresses, data URLs, a rewritten prompt, failed members', async () => {
  const url = await generate(replay([capture('openai', 'openai_images_no_created')]), 'x');
  assert.deepEqual(url.images, [{ kind: 'url', url: 'http://127.0.0.1/1.png' }]);
  const data = [
    { error: { code: 'x', message: 'no' } },
    { url: 'data:image/webp;base64,UklGRg', revised_prompt: 'a fine cat' },
    { b64_json: 'R0lGODlh' },
    {},
    null,
  ];
  const body = JSON.stringify({ data, usage: { input_tokens: -1, output_tokens: 'many' } });
  assert.deepEqual(await generate(testOutbound([{ body }]), 'x', { n: 3 }), {
    images: [
      { kind: 'base64', data: 'UklGRg', mediaType: 'image/webp' },
      { kind: 'base64', data: 'R0lGODlh', mediaType: 'image/gif' },
    ],
    actualPrompt: 'a fine cat',
    facts: {},
    usage: { ...NO_TOKENS, isPartial: true, impossible: '[-1,"many"]' },
  });
});

test('no image is a failure of the provider, also under a good status', async () => {
  for (const name of ['openai_images_minimal_accepted', 'openai_images_wrong_content_type']) {
    await assert.rejects(generate(replay([capture('openai', name)]), 'x'), failedWith('transient', /no image/), name);
  }
  await assert.rejects(generate(testOutbound([{ body: '<html>' }]), 'x'), failedWith('transient', /no JSON object/));
  const refusal = JSON.stringify({ error: { code: 'moderation_blocked', message: 'no' } });
  await assert.rejects(generate(testOutbound([{ body: refusal }]), 'x'), failedWith('content', /^no$/));
});
