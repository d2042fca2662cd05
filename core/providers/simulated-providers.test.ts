/**
 * The adapters over real sockets against the simulator, which is held against the vendors' own clients and shares no
 * code with them.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { createOutbound, type Outbound } from '../../infra/outbound.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { FailureClass } from './failure.ts';
import type { ImageRequest, ProviderKind, UpstreamTarget } from './provider.ts';
import { failedWith, testAdapters, testContext, testTasks } from './test-calls.ts';
import { readUsage } from './usage.ts';
import type { Adapters } from './vendors.ts';

const KINDS: readonly ProviderKind[] = ['openai', 'dashscope', 'ark'];
const PATHS: Readonly<Record<ProviderKind, string>> = {
  openai: '/v1',
  dashscope: '/api/v1',
  ark: '/api/v3',
  anthropic: '/anthropic',
};
const BODY = { messages: [{ role: 'user', content: '猫 and dog' }], max_tokens: 12 };
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const IMAGE = `data:image/png;base64,${PNG}`;

let simulator: Simulator;
let outbound: Outbound;
let adapters: Adapters;

before(async () => {
  simulator = await startSimulator();
  outbound = createOutbound({ OUTBOUND_PRIVATE_HOSTS: [], SIMULATOR_URL: simulator.url });
  adapters = withLimits({});
});

after(async () => {
  await simulator.close();
  await outbound.close();
});

function withLimits(limits: { totalMs?: number; firstByteMs?: number; idleMs?: number }): Adapters {
  const { totalMs = 20_000, firstByteMs = 10_000, idleMs = 10_000 } = limits;
  const config = {
    UPSTREAM_TOTAL_TIMEOUT: totalMs,
    UPSTREAM_FIRST_BYTE_TIMEOUT: firstByteMs,
    UPSTREAM_IDLE_TIMEOUT: idleMs,
  };
  return testAdapters(outbound, config);
}

function target(kind: ProviderKind, model: string): UpstreamTarget {
  return { kind, urlBase: simulator.url + PATHS[kind], apiKey: 'sim-a', model };
}

function complete(kind: ProviderKind, model: string, by: Adapters = adapters, signal?: AbortSignal) {
  return by.chat[kind].complete(target(kind, model), BODY, testContext(signal));
}

async function streamed(kind: ProviderKind, model: string, by: Adapters = adapters, chunks: string[] = []) {
  for await (const chunk of await by.chat[kind].stream(target(kind, model), BODY, testContext()))
    chunks.push(chunk.data);
  return chunks;
}

function image(kind: ProviderKind, model: string, request: Partial<ImageRequest> = {}, signal?: AbortSignal) {
  const full = { prompt: 'a cat', images: [], n: 1, extra: {}, ...request };
  return adapters.image[kind].generate(target(kind, model), full, testTasks(), testContext(signal));
}

type Case = readonly [kind: ProviderKind, model: string, request: Partial<ImageRequest>, delivered: number];

const IMAGES: readonly Case[] = [
  ['openai', 'gpt-image-1.5', { size: '1024*1024', n: 2 }, 2],
  ['openai', 'sim-image', { size: '512x512' }, 1],
  ['openai', 'gpt-image-1.5', { images: [IMAGE] }, 1],
  ['openai', 'gpt-image-1.5', { images: [IMAGE, IMAGE], mask: IMAGE }, 1],
  ['dashscope', 'wan2.2-t2i-flash', { size: '1024x1024', n: 2, seed: 3 }, 2],
  ['dashscope', 'wan2.5-t2i-preview', {}, 1],
  ['dashscope', 'wan2.6-t2i', { size: '1280*1280', n: 2 }, 2],
  ['dashscope', 'wan2.6-image', { images: [IMAGE] }, 1],
  ['dashscope', 'wan2.7-image', { size: '1k' }, 1],
  ['dashscope', 'qwen-image-plus', { size: '1664*928', promptExtend: false, watermark: false }, 1],
  ['dashscope', 'qwen-image-3.0', { n: 3 }, 3],
  ['dashscope', 'qwen-image-edit-plus', { images: [IMAGE], n: 2 }, 2],
  ['dashscope', 'wanx2.1-imageedit', { images: [IMAGE] }, 1],
  ['dashscope', 'wan2.5-i2i-preview', { images: [IMAGE] }, 1],
  ['ark', 'doubao-seedream-4-0-250828', { size: '2k', n: 3 }, 3],
  ['ark', 'doubao-seedream-4-5-251128', { images: [IMAGE, IMAGE], size: '2048*2048' }, 1],
  ['ark', 'doubao-seedream-3-0-t2i-250415', { n: 2, seed: 5, strength: 0.4 }, 2],
  ['ark', 'doubao-seededit-3-0-i2i-250628', { images: [IMAGE], strength: 1 }, 1],
];

const IMAGE_MODELS: readonly (readonly [ProviderKind, string])[] = [
  ['openai', 'gpt-image-1.5'],
  ['dashscope', 'wan2.2-t2i-flash'],
  ['dashscope', 'qwen-image-3.0'],
  ['ark', 'doubao-seedream-4-0-250828'],
];

/** Images are only counted in the name of a test. */
function described({ images = [], mask, ...request }: Partial<ImageRequest>): string {
  return JSON.stringify({ ...request, images: images.length, masked: mask !== undefined });
}

// Most of the time is waiting: for tasks, and for deadlines that the HTTP client looks at once a second.
describe('adapters against the simulator', { concurrency: true }, () => {
  for (const kind of KINDS) {
    test(`${kind}: a chat, whole and streamed, says and counts the same`, async () => {
      const { completion, usage } = await complete(kind, 'sim-chat');
      assert.ok(usage && usage.promptTokens > 0 && usage.completionTokens > 0);
      const chunks = (await streamed(kind, 'sim-chat')).map((chunk) => JSON.parse(chunk));
      const text = chunks.map(({ choices }) => choices[0]?.delta?.content ?? '').join('');
      assert.partialDeepStrictEqual(completion, { choices: [{ message: { content: text } }] });
      assert.deepEqual(readUsage(chunks.at(-1).usage, chunks.at(-1).service_tier), usage);
    });

    test(`${kind}: vectors of texts, in either encoding`, async () => {
      const embed = (encoding: 'float' | 'base64', model = 'sim-embedding') =>
        adapters.embedding[kind].embed(
          target(kind, model),
          { input: ['猫', 'dog'], encoding, extra: {} },
          testContext(),
        );
      const { list, usage } = await embed('float');
      assert.ok(usage && usage.promptTokens > 0);
      const vectors = z
        .array(z.object({ embedding: z.array(z.number()).length(1_536) }))
        .length(2)
        .parse(list.data);
      const encoded = z.array(z.object({ embedding: z.string() })).parse((await embed('base64')).list.data);
      for (const [index, { embedding }] of encoded.entries()) {
        const floats = Float32Array.from(vectors[index]?.embedding ?? []);
        assert.equal(embedding, Buffer.from(floats.buffer).toString('base64'));
      }
      await assert.rejects(embed('float', 'sim-embedding!partial'), failedWith('transient', /1 vectors for 2 texts/));
      await assert.rejects(embed('float', 'sim-chat'), failedWith('model', /./));
    });

    test(`${kind}: each refusal has its class`, async () => {
      const expected: Readonly<Record<string, FailureClass>> = {
        '400': 'bad-request',
        '401': 'account',
        overdue: 'account',
        quota: 'account',
        '404': 'model',
        refused: 'content',
        '429': 'rate',
        '429-bare': 'rate',
        '500': 'transient',
        '502-html': 'transient',
        '200-error': 'transient',
        reset: 'transient',
        malformed: 'transient',
        'no-choices': 'transient',
      };
      for (const [fault, failure] of Object.entries(expected)) {
        await assert.rejects(complete(kind, `sim-chat!${fault}`), failedWith(failure, /./), fault);
      }
    });

    test(`${kind}: the wait that a rate limit names is kept`, async () => {
      await assert.rejects(complete(kind, 'sim-chat!429=7'), failedWith('rate', /./, { retryAfterMs: 7_000 }));
    });

    test(`${kind}: a broken stream delivers what came and then fails`, async () => {
      for (const fault of ['cut=2', 'clean-cut=2', 'error-in-stream=2']) {
        const chunks: string[] = [];
        const broken = streamed(kind, `sim-chat!${fault}`, adapters, chunks);
        await assert.rejects(broken, failedWith('transient', /./), fault);
        assert.ok(chunks.length >= 2, `${fault}: ${chunks.length} chunks`);
      }
    });

    test(`${kind}: a usage that makes no sense is none`, async () => {
      const usageWith = async (fault: string) => (await complete(kind, `sim-chat!${fault}`)).usage;
      for (const fault of ['negative-usage', 'huge-usage', 'fractional-usage', 'text-usage']) {
        const usage = await usageWith(fault);
        assert.match(usage?.impossible ?? '', /^\[.+,.+\]$/, fault);
      }
      assert.equal(await usageWith('no-usage'), undefined);
      assert.ok(((await usageWith('cached=3'))?.cachedTokens ?? 0) > 0);
    });

    test(`${kind}: a provider that is silent before or inside an answer runs into its deadline`, async () => {
      const hasty = withLimits({ firstByteMs: 50, idleMs: 50 });
      await assert.rejects(complete(kind, 'sim-chat!hang', hasty), failedWith('timeout', /in time/));
      await assert.rejects(streamed(kind, 'sim-chat!slow-chunks=5000', hasty), failedWith('timeout', /in time/));
      const brief = withLimits({ totalMs: 200, idleMs: 150 });
      await assert.rejects(streamed(kind, 'sim-chat!slow-chunks=60', brief), failedWith('timeout', /in time/));
    });

    test(`${kind}: a caller who leaves ends the call`, async () => {
      const caller = new AbortController();
      const call = complete(kind, 'sim-chat!hang', adapters, caller.signal);
      caller.abort();
      await assert.rejects(call, failedWith('cancelled', /left/));
    });
  }

  for (const [kind, model, request, delivered] of IMAGES) {
    test(`${kind}: ${model} delivers ${delivered} of ${described(request)}`, async () => {
      const { images } = await image(kind, model, request);
      assert.equal(images.length, delivered);
      for (const image of images) {
        if (image.kind === 'base64') assert.match(image.data, /^iVBORw0KGgo/);
        else assert.match(image.url, /^http:.*png/);
      }
    });
  }

  for (const [kind, model] of IMAGE_MODELS) {
    test(`${kind}: refusals of ${model} have their class`, async () => {
      const expected: Readonly<Record<string, FailureClass>> = {
        '400': 'bad-request',
        '401': 'account',
        '404': 'model',
        refused: 'content',
        '429': 'rate',
        '500': 'transient',
        '502-html': 'transient',
        reset: 'transient',
        'no-choices': 'transient',
      };
      for (const [fault, failure] of Object.entries(expected)) {
        await assert.rejects(image(kind, `${model}!${fault}`), failedWith(failure, /./), fault);
      }
    });
  }

  test('images that fail beside delivered ones do not count', async () => {
    for (const model of ['wan2.2-t2i-flash', 'wan2.6-t2i']) {
      const { images } = await image('dashscope', `${model}!partial`, { n: 4 });
      assert.ok(images.length > 0 && images.length < 4, `${model}: ${images.length}`);
    }
    const { images } = await image('ark', 'doubao-seedream-4-0-250828!partial', { n: 4 });
    assert.ok(images.length > 0 && images.length < 4);
  });

  test('a task that fails or is lost is reported', async () => {
    await assert.rejects(image('dashscope', 'wan2.2-t2i-flash!failed-task'), failedWith('content', /^Output data/));
    await assert.rejects(image('dashscope', 'wan2.2-t2i-flash!lost-task'), failedWith('transient', /does not know/));
  });

  test('a task of a caller who leaves is cancelled at the provider', async () => {
    const caller = new AbortController();
    const submitted = Promise.withResolvers<string>();
    const tasks = { ...testTasks(), submitted: async (id: string) => submitted.resolve(id) };
    const request = { prompt: 'a cat', images: [], n: 1, extra: {} };
    const to = target('dashscope', 'wan2.2-t2i-flash!slow-task=60000');
    const call = adapters.image.dashscope.generate(to, request, tasks, testContext(caller.signal));
    const taskId = await submitted.promise;
    caller.abort();
    await assert.rejects(call, failedWith('cancelled', /left/));
    const task = await fetch(`${simulator.url}/api/v1/tasks/${taskId}`, { headers: { authorization: 'Bearer sim-a' } });
    assert.partialDeepStrictEqual(await task.json(), { output: { task_status: 'CANCELED' } });
  });
});
