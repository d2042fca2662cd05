import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { z } from 'zod';
import { until } from '../until.ts';
import { apiFetch } from './api-fetch.ts';
import { type Customer, call, jobEnd, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';
import { upstream } from './upstream.ts';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const accepted = z.object({ jobId: z.string() });
const imageReply = z.object({ imageUrls: z.array(z.string()).min(1), cost: z.number().positive() });
const chatReply = z.object({ assistantMessage: z.string().min(1), cost: z.number().positive() });
const counts = z.object({ byModel: z.record(z.string(), z.looseObject({ calls: z.number(), images: z.number() })) });

interface Vendor {
  readonly name: string;
  readonly kind: string;
  readonly base: string;
  readonly chat: string;
  readonly text2image: string;
  readonly image2image: string;
  readonly size: string;
}

const VENDORS: readonly Vendor[] = [
  {
    name: 'openai',
    kind: 'openai',
    base: '/v1',
    chat: 'sim-chat-openai',
    text2image: 'sim-image-openai',
    image2image: 'sim-image-openai-edit',
    size: '1024x1024',
  },
  {
    name: 'dashscope',
    kind: 'dashscope',
    base: '/api/v1',
    chat: 'qwen3-vl-plus',
    text2image: 'wan2.2-t2i-flash',
    image2image: 'qwen-image-edit-plus',
    size: '1024*1024',
  },
  {
    name: 'ark',
    kind: 'ark',
    base: '/api/v3',
    chat: 'doubao-seed-1-6-250615',
    text2image: 'doubao-seedream-4-0-250828',
    image2image: 'doubao-seedream-4-0-250828',
    size: '2048x2048',
  },
];

describe('four modalities, three providers, synchronous and as a job', () => {
  let product: Product;
  let customer: Customer;
  let rootToken: string;
  before(async () => {
    ({ product } = await sharedProduct('jobs'));
    const login = await call(api(), 'POST', '/v1/auth/login', {
      body: { username: 'root', password: product.rootPassword },
    });
    rootToken = z.object({ token: z.string() }).parse(login.data).token;
    customer = await newCustomer(api());
    for (const vendor of VENDORS) await register(vendor);
  });

  const api = () => product.apis[0];

  async function register(vendor: Vendor): Promise<void> {
    const provider = {
      providerName: `sim-${vendor.name}`,
      kind: vendor.kind,
      urlBase: `${product.simulator.url}${vendor.base}`,
      apiKey: `sim-${vendor.name}`,
    };
    const created = await call(api(), 'POST', '/v1/providers', {
      token: rootToken,
      body: { name: provider.providerName, kind: provider.kind, urlBase: provider.urlBase },
    });
    assert.ok(created.status < 300, created.message);
    const key = await call(api(), 'POST', '/v1/providers/keys', {
      token: rootToken,
      body: { providerName: provider.providerName, apiKey: provider.apiKey },
    });
    assert.ok(key.status < 300, key.message);
    const model = async (body: object) => {
      const answer = await call(api(), 'POST', '/v1/models', {
        token: rootToken,
        body: { providerName: provider.providerName, priority: 50, ...body },
      });
      assert.ok(answer.status < 300, `${JSON.stringify(body)}: ${answer.message}`);
    };
    await model({
      displayName: `${vendor.name} chat`,
      modelIdentifier: `${vendor.name}-chat`,
      upstreamModel: vendor.chat,
      capabilities: ['text-to-text', 'image-to-text'],
      pricing: { input: '0.000001', output: '0.000002' },
    });
    for (const [suffix, upstream, capability] of [
      ['t2i', vendor.text2image, 'text-to-image'],
      ['i2i', vendor.image2image, 'image-to-image'],
    ] as const) {
      await model({
        displayName: `${vendor.name} ${suffix}`,
        modelIdentifier: `${vendor.name}-${suffix}`,
        upstreamModel: upstream,
        capabilities: [capability],
        pricing: { output: '0.1' },
      });
    }
  }

  const requests = (vendor: Vendor) =>
    [
      ['text to text', 'chat', { userMessage: 'hello', modelIdentifier: `${vendor.name}-chat` }],
      [
        'text and image to text',
        'chat',
        { userMessage: 'what is it?', images: [{ base64: PIXEL }], modelIdentifier: `${vendor.name}-chat` },
      ],
      [
        'text to image',
        'generate-image',
        { prompt: 'a cat', modelIdentifier: `${vendor.name}-t2i`, options: { size: vendor.size } },
      ],
      [
        'image to image',
        'generate-image',
        { prompt: 'in snow', originImage: { base64: PIXEL }, modelIdentifier: `${vendor.name}-i2i` },
      ],
    ] as const;

  const check = async (path: string, data: unknown) => {
    if (path === 'chat') return chatReply.parse(data).cost;
    const reply = imageReply.parse(data);
    assert.equal(reply.cost, 0.1 * reply.imageUrls.length);
    for (const url of reply.imageUrls) {
      const { pathname, search } = new URL(url);
      assert.match(pathname, /^\/v1\/pictures\//, 'the image is kept by us');
      const image = await apiFetch(`${api()?.url}${pathname}${search}`);
      assert.equal(image.status, 200);
      assert.equal(image.headers.get('content-type'), 'image/png');
      const other = search.replace(/signature=(.)/, (_, first) => `signature=${first === '-' ? '_' : '-'}`);
      const forged = await apiFetch(`${api()?.url}${pathname}${other}`);
      assert.equal(forged.status, 403);
    }
    return reply.cost;
  };

  for (const vendor of VENDORS) {
    for (const [title, path, body] of requests(vendor)) {
      test(`${vendor.name}: ${title}, synchronous`, async () => {
        const answer = await call(api(), 'POST', `/v1/${path}`, { key: customer.key, body });
        assert.equal(answer.status, 200, answer.message);
        await check(path, answer.data);
      });
      test(`${vendor.name}: ${title}, as a job`, async () => {
        const answer = await call(api(), 'POST', `/v1/async/${path}`, { key: customer.key, body });
        assert.equal(answer.status, 202, answer.message);
        const job = await jobEnd(api(), customer.key, accepted.parse(answer.data).jobId);
        assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
        assert.equal(await check(path, job.resultPayload), job.cost);
      });
    }
  }

  test('OpenAI’s own client makes and edits images', async () => {
    const client = new OpenAI({ baseURL: `${api()?.url}/v1`, apiKey: customer.key, maxRetries: 0, fetch: apiFetch });
    const made = await client.images.generate({ model: 'openai-t2i', prompt: 'a cat', response_format: 'url' });
    assert.ok(made.data?.[0]?.url?.includes('/v1/pictures/'));
    const inline = await client.images.generate({ model: 'openai-t2i', prompt: 'a cat', size: '1024x1024' });
    assert.ok(
      Buffer.from(inline.data?.[0]?.b64_json ?? '', 'base64')
        .subarray(1, 4)
        .equals(Buffer.from('PNG')),
    );
    const edited = await client.images.edit({
      model: 'openai-i2i',
      prompt: 'in snow',
      image: await toFile(Buffer.from(PIXEL, 'base64'), 'pixel.png', { type: 'image/png' }),
    });
    assert.ok(edited.data?.[0]?.b64_json);
  });

  test('a size that the model cannot do is refused before anything is paid', async () => {
    const answer = await call(api(), 'POST', '/v1/generate-image', {
      key: customer.key,
      body: { prompt: 'a cat', modelIdentifier: 'dashscope-t2i', options: { size: '10x10' } },
    });
    assert.equal(answer.status, 400);
    assert.match(answer.message, /size/);
  });

  test('a worker killed in the middle of a provider’s task: the next run resumes it, one task in all', async () => {
    await fetch(`${product.simulator.url}/control/journal`, { method: 'DELETE' });
    await fetch(`${product.simulator.url}/control/faults`, {
      method: 'POST',
      body: JSON.stringify({ fault: 'slow-task', value: 6_000, vendor: 'dashscope' }),
    });
    const answer = await call(api(), 'POST', '/v1/async/generate-image', {
      key: customer.key,
      body: { prompt: 'a slow cat', modelIdentifier: 'dashscope-t2i' },
    });
    const { jobId } = accepted.parse(answer.data);
    await until('the task is submitted', async () => {
      const [row] = await product.rows(`SELECT upstream_task_id AS id FROM jobs WHERE id='${jobId}'`);
      return row?.id !== null;
    });
    await product.worker.kill('SIGKILL');
    await product.worker.start();
    const job = await jobEnd(api(), customer.key, jobId);
    await fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
    assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
    const truth = counts.parse(await (await fetch(`${product.simulator.url}/control/counts`)).json());
    assert.equal(truth.byModel['wan2.2-t2i-flash']?.calls, 1);
    const [charge] = await product.rows(`SELECT COUNT(*) AS n FROM transfers WHERE id='${jobId}' AND kind='charge'`);
    assert.equal(Number(charge?.n), 1);
  });

  /** An image job that its provider works on. `row` is a condition on its row that says so. */
  const imageJob = async (vendor: string, row: string) => {
    await fetch(`${product.simulator.url}/control/journal`, { method: 'DELETE' });
    const body = { prompt: 'a cat', modelIdentifier: `${vendor}-t2i` };
    const answer = await call(api(), 'POST', '/v1/async/generate-image', { key: customer.key, body });
    const { jobId } = accepted.parse(answer.data);
    await until('the provider is at it', async () => {
      const [found] = await product.rows(`SELECT id FROM jobs WHERE id='${jobId}' AND ${row}`);
      return found !== undefined;
    });
    return jobId;
  };
  const cancel = (jobId: string) => call(api(), 'POST', `/v1/async/jobs/${jobId}/cancel`, { key: customer.key });
  const callsOf = async (model: string) =>
    counts.parse(await (await fetch(`${product.simulator.url}/control/counts`)).json()).byModel[model]?.calls;
  const charges = async (jobId: string) =>
    (await product.rows(`SELECT id FROM transfers WHERE id='${jobId}' AND kind='charge'`)).length;

  for (const vendor of VENDORS.filter(({ name }) => name !== 'dashscope')) {
    test(`${vendor.name}: a job that is cancelled during its call is answered, kept and charged once`, async () => {
      await upstream(product).fault({ fault: 'latency', value: 1_500, model: vendor.text2image });
      const jobId = await imageJob(vendor.name, 'provider_attempts=1');
      const answer = await cancel(jobId);
      assert.equal(z.object({ status: z.string() }).parse(answer.data).status, 'PROCESSING', 'it is waited for');
      const job = await jobEnd(api(), customer.key, jobId);
      await upstream(product).noFaults();
      assert.equal(job.status, 'CANCELLED');
      assert.equal(await check('generate-image', job.resultPayload), job.cost);
      assert.deepEqual([await callsOf(vendor.text2image), await charges(jobId)], [1, 1]);
    });
  }

  const taskGiven = 'upstream_task_id IS NOT NULL';
  const runs = async (jobId: string) => {
    const [row] = await product.rows(`SELECT upstream_task_id AS id FROM jobs WHERE id='${jobId}'`);
    await until('the task runs', async () => {
      const headers = { authorization: 'Bearer sim-dashscope' };
      const answer = await fetch(`${product.simulator.url}/api/v1/tasks/${row?.id}`, { headers });
      return (await answer.text()).includes('RUNNING');
    });
  };

  test('dashscope: a task that still waits is cancelled there and is free', async () => {
    await upstream(product).fault({ fault: 'slow-task', value: 60_000, vendor: 'dashscope' });
    const jobId = await imageJob('dashscope', taskGiven);
    await cancel(jobId);
    const job = await jobEnd(api(), customer.key, jobId, 10_000);
    await upstream(product).noFaults();
    assert.deepEqual([job.status, job.cost, job.resultPayload], ['CANCELLED', 0, null]);
    assert.equal(await charges(jobId), 0);
  });

  for (const killed of [false, true]) {
    const title = killed ? ', over the death of its worker' : '';
    test(`dashscope: a task that runs already is waited for and charged once${title}`, async () => {
      await upstream(product).fault({ fault: 'slow-task', value: 4_000, vendor: 'dashscope' });
      const jobId = await imageJob('dashscope', taskGiven);
      await runs(jobId);
      if (killed) await product.worker.kill('SIGSTOP');
      await cancel(jobId);
      if (killed) {
        await product.worker.kill('SIGKILL');
        await product.worker.start();
      }
      const job = await jobEnd(api(), customer.key, jobId);
      await upstream(product).noFaults();
      assert.equal(job.status, 'CANCELLED');
      assert.equal(await check('generate-image', job.resultPayload), job.cost);
      assert.deepEqual([await callsOf('wan2.2-t2i-flash'), await charges(jobId)], [1, 1]);
    });
  }
});
