import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageRequest } from '../provider.ts';
import { refusedFor } from '../test-calls.ts';
import { dashScopeImageModel, type ImageCall } from './image-models.ts';
import { nativeImageBody } from './images.ts';

const PLAIN: ImageRequest = { prompt: 'a cat', images: [], n: 1, extra: {} };
const IMAGE = 'data:image/png;base64,iVBORw0KGgo=';

function accepts(model: string, request: Partial<ImageRequest>): void {
  nativeImageBody({ ...PLAIN, ...request }, model);
}

function refuses(model: string, request: Partial<ImageRequest>, path: string, message: RegExp): void {
  assert.throws(() => nativeImageBody({ ...PLAIN, ...request }, model), refusedFor(path, message), model);
}

const M: ImageCall = 'multimodal-generation/generation';
const G: ImageCall = 'image-generation/generation';
const T: ImageCall = 'text2image/image-synthesis';
const I: ImageCall = 'image2image/image-synthesis';

interface Row {
  readonly models: readonly string[];
  readonly call: ImageCall;
  readonly inputs: readonly [number, number];
  readonly outputs: readonly [number, number];
  readonly good: readonly string[];
  readonly bad: readonly string[];
}

/** The table of DashScope's image models (docs/providers.md), row by row; dated and future names go with their family. */
const ROWS: readonly Row[] = [
  {
    models: ['wanx2.0-t2i-turbo', 'wanx2.1-t2i-turbo', 'wanx2.1-t2i-plus', 'wan2.1-t2i-plus', 'wan2.2-t2i-flash'],
    call: T,
    inputs: [0, 0],
    outputs: [1, 4],
    good: ['1024*1024', '512x1440', '1440*512'],
    bad: ['768*2700', '511*1024', '1K'],
  },
  {
    models: ['wan2.5-t2i-preview'],
    call: T,
    inputs: [0, 0],
    outputs: [1, 4],
    good: ['1280*1280', '768*2700', '1440*1440'],
    bad: ['1024*1024', '1441*1440', '600*3000'],
  },
  {
    models: ['wan2.6-t2i', 'wan2.9-t2i-2027-01-01'],
    call: G,
    inputs: [0, 0],
    outputs: [1, 4],
    good: ['1280*1280'],
    bad: ['512*512'],
  },
  {
    models: ['wan2.6-image'],
    call: G,
    inputs: [1, 4],
    outputs: [1, 4],
    good: ['1K', '2k', '768*768'],
    bad: ['4K', '700*700'],
  },
  {
    models: ['wan2.7-image', 'wan3.0-image'],
    call: G,
    inputs: [0, 9],
    outputs: [1, 4],
    good: ['1K', '2K', '2048*2048', '4096x512'],
    bad: ['4K', '4096*4096', '4100*500'],
  },
  {
    models: ['wan2.7-image-pro'],
    call: G,
    inputs: [0, 9],
    outputs: [1, 4],
    good: ['4K', '4096*4096'],
    bad: ['700*700'],
  },
  {
    models: [
      'qwen-image',
      'qwen-image-plus',
      'qwen-image-plus-2026-01-09',
      'qwen-image-max',
      'qwen-image-max-2025-12-30',
    ],
    call: M,
    inputs: [0, 0],
    outputs: [1, 1],
    good: ['1664*928', '1472*1104', '1328*1328', '1104*1472', '928*1664'],
    bad: ['1024*1024'],
  },
  {
    models: ['qwen-image-2.0', 'qwen-image-2.0-pro', 'qwen-image-3.0', 'qwen-image-3.0-pro', 'qwen-image-4.0'],
    call: M,
    inputs: [0, 3],
    outputs: [1, 6],
    good: ['512*512', '2048*2048'],
    bad: ['511*512', '2049*2048'],
  },
  { models: ['qwen-image-edit'], call: M, inputs: [1, 1], outputs: [1, 1], good: [], bad: ['1024*1024'] },
  {
    models: ['qwen-image-edit-plus', 'qwen-image-edit-plus-2025-10-30', 'qwen-image-edit-max'],
    call: M,
    inputs: [1, 3],
    outputs: [1, 6],
    good: ['512*2048'],
    bad: ['511*1024', '1024*2049'],
  },
  { models: ['z-image-turbo'], call: M, inputs: [0, 0], outputs: [1, 1], good: ['1024*1536'], bad: ['2K'] },
  {
    models: ['wanx2.1-imageedit', 'wan2.1-imageedit'],
    call: I,
    inputs: [1, 1],
    outputs: [1, 4],
    good: [],
    bad: ['1024*1024'],
  },
  {
    models: ['wan2.5-i2i-preview'],
    call: I,
    inputs: [1, 3],
    outputs: [1, 4],
    good: ['1280*1280', '768*768'],
    bad: ['1281*1280'],
  },
  {
    models: ['flux-schnell', 'flux-dev', 'flux-merged'],
    call: T,
    inputs: [0, 0],
    outputs: [1, 4],
    good: ['768*512'],
    bad: ['512*768'],
  },
  { models: ['somebody/new-model'], call: M, inputs: [0, 14], outputs: [1, 12], good: ['7*7', '33*44'], bad: [] },
];

for (const { models, call, inputs, outputs, good, bad } of ROWS) {
  for (const model of models) {
    test(`${model} is called and bounded as documented`, () => {
      assert.equal(dashScopeImageModel(model).call, call);
      const images = Array.from({ length: inputs[0] }, () => IMAGE);
      for (const size of good) accepts(model, { images, size });
      for (const size of bad) refuses(model, { images, size }, 'size', new RegExp(`not made by ${model}`));
      for (const n of outputs) accepts(model, { images, n });
      refuses(model, { images, n: outputs[1] + 1 }, 'n', /must be/);
      refuses(model, { images, n: 0 }, 'n', /must be/);
      accepts(model, { images: Array.from({ length: inputs[1] }, () => IMAGE) });
      refuses(model, { images: Array.from({ length: inputs[1] + 1 }, () => IMAGE) }, 'image', /input images/);
      if (inputs[0] > 0) refuses(model, { images: [] }, 'image', /input images, not 0/);
    });
  }
}

test('the larger sizes of wan2.7-image-pro are for text alone', () => {
  const onlySmall = /not made by wan2.7-image-pro: it takes 1K, 2K;/;
  refuses('wan2.7-image-pro', { size: '4K', images: [IMAGE] }, 'size', onlySmall);
  refuses('wan2.7-image-pro', { size: '4K', extra: { enable_sequential: true } }, 'size', onlySmall);
});

test('a series of wan2.7 may be longer', () => {
  accepts('wan2.7-image', { n: 12, extra: { enable_sequential: true } });
  refuses('wan2.7-image', { n: 13, extra: { enable_sequential: true } }, 'n', /1 to 12/);
  refuses('wan2.6-t2i', { n: 5, extra: { enable_sequential: true } }, 'n', /1 to 4/);
});

test('parameters are sent only to models that take them, n always', () => {
  const full = { negativePrompt: 'blur', promptExtend: false, watermark: true, seed: 7, strength: 0.4 };
  const parametersOf = (model: string, images: string[] = []) =>
    nativeImageBody({ ...PLAIN, ...full, images }, model).parameters;
  assert.deepEqual(parametersOf('qwen-image-plus'), {
    negative_prompt: 'blur',
    prompt_extend: false,
    watermark: true,
    seed: 7,
    n: 1,
  });
  assert.deepEqual(parametersOf('wan2.7-image'), { watermark: true, seed: 7, n: 1 });
  assert.deepEqual(parametersOf('wanx2.1-imageedit', [IMAGE]), { strength: 0.4, watermark: true, seed: 7, n: 1 });
  assert.deepEqual(parametersOf('flux-dev'), { seed: 7, n: 1 });
  assert.deepEqual(nativeImageBody(PLAIN, 'qwen-image-plus').parameters, { n: 1 });
  assert.deepEqual(nativeImageBody(PLAIN, 'z-image-turbo').parameters, { prompt_extend: false, n: 1 });
});

test('the negative prompt stands beside the prompt', () => {
  const { input, parameters } = nativeImageBody({ ...PLAIN, negativePrompt: 'blur' }, 'wan2.2-t2i-flash');
  assert.deepEqual(
    { input, parameters },
    { input: { prompt: 'a cat', negative_prompt: 'blur' }, parameters: { n: 1 } },
  );
});

test('fields of the vendor pass, the gateway’s own do not', () => {
  const extra = { thinking_mode: false, n: 4, size: '9*9', response_format: 'b64_json', stream: true };
  const { parameters } = nativeImageBody({ ...PLAIN, extra, size: '1K' }, 'wan2.7-image');
  assert.deepEqual(parameters, { thinking_mode: false, n: 1, size: '1K' });
});

test('an edit by function takes the one that is named, or the one that fits', () => {
  const inputOf = (request: Partial<ImageRequest>) =>
    nativeImageBody({ ...PLAIN, images: [IMAGE], ...request }, 'wanx2.1-imageedit').input;
  assert.deepEqual(inputOf({}), { function: 'description_edit', prompt: 'a cat', base_image_url: IMAGE });
  assert.deepEqual(inputOf({ mask: 'http://a.example/m.png' }), {
    function: 'description_edit_with_mask',
    prompt: 'a cat',
    base_image_url: IMAGE,
    mask_image_url: 'http://a.example/m.png',
  });
  assert.equal(inputOf({ extra: { function: 'doodle' } }).function, 'doodle');
  refuses('qwen-image-edit', { images: [IMAGE], mask: IMAGE }, 'mask', /is not taken by qwen-image-edit/);
});

test('a seed is checked, and -1 leaves the choice to the model', () => {
  assert.deepEqual(nativeImageBody({ ...PLAIN, seed: -1 }, 'qwen-image').parameters, { n: 1 });
  assert.deepEqual(nativeImageBody({ ...PLAIN, seed: 0 }, 'qwen-image').parameters, { seed: 0, n: 1 });
  for (const seed of [-2, 1.5, 2_147_483_648]) refuses('qwen-image', { seed }, 'seed', /whole number/);
});
