import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { z } from 'zod';
import { until } from '../until.ts';
import { apiFetch } from './api-fetch.ts';
import { type Customer, call, jobEnd, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';

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
    await dearModel();
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

  const fault = (body: object) =>
    fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: JSON.stringify(body) });
  const noFaults = () => fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
  const submitted = async (path: string, body: string | FormData, type = 'application/json', more = {}) => {
    const headers = {
      authorization: `Bearer ${customer.key}`,
      ...(type === '' ? {} : { 'content-type': type }),
      ...more,
    };
    const answer = await apiFetch(`${api()?.url}/v1/async/${path}`, { method: 'POST', headers, body });
    const text = await answer.text();
    assert.equal(answer.status, 202, text);
    return z.object({ data: accepted }).parse(JSON.parse(text)).data.jobId;
  };
  const transferOf = async (jobId: string) =>
    product.rows(
      `SELECT characters, audio_seconds AS seconds, amount FROM transfers WHERE id='${jobId}' AND kind='charge'`,
    );
  const filesOf = async () => {
    const headers = { authorization: `Bearer ${customer.key}` };
    const listed = await apiFetch(`${api()?.url}/v1/files`, { headers });
    return z.object({ data: z.array(z.object({ id: z.string(), purpose: z.string() })) }).parse(await listed.json())
      .data;
  };
  const contentOf = async (fileId: string) => {
    const headers = { authorization: `Bearer ${customer.key}` };
    const answer = await apiFetch(`${api()?.url}/v1/files/${fileId}/content`, { headers });
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
  };

  test('speech and its transcript as jobs: kept as a file, charged as the provider counts, and removed', async () => {
    const input = 'The sea is calm tonight. '.repeat(40);
    const body = JSON.stringify({ model: 'sim-speech', voice: 'alloy', input, response_format: 'wav', priority: 2 });
    const speech = await submitted('speech', body, 'application/json', { 'idempotency-key': 'speech-once' });
    assert.equal(await submitted('speech', body, 'application/json', { 'idempotency-key': 'speech-once' }), speech);
    const spoken = await jobEnd(api(), customer.key, speech);
    assert.equal(spoken.status, 'COMPLETED', spoken.errorMessage ?? '');
    const said = z.object({ fileId: z.string(), contentUrl: z.string(), bytes: z.number(), mediaType: z.string() });
    const { fileId, contentUrl, bytes, mediaType } = said.parse(spoken.resultPayload);
    const { bytes: wav } = await contentOf(fileId);
    assert.deepEqual([wav.length, wav.toString('latin1', 8, 12), mediaType], [bytes, 'WAVE', 'audio/wav']);
    assert.ok(contentUrl.endsWith(`/v1/files/${fileId}/content`));
    const [charge, ...others] = await transferOf(speech);
    assert.deepEqual([Number(charge?.characters), others], [[...input].length, []]);
    const ofFile = JSON.stringify({ model: 'sim-transcribe', file_id: fileId, metadata: { of: 'file' } });
    const recording = () => {
      const form = new FormData();
      form.append('model', 'sim-transcribe');
      form.append('response_format', 'srt');
      form.append('metadata', '{"of":"form"}');
      form.append('file', new File([wav], 'sea.wav', { type: 'audio/wav' }));
      return form;
    };
    const seconds = Math.ceil((wav.length - 44) / 8_000);
    const once = { 'idempotency-key': 'transcript-once' };
    const form = await submitted('transcriptions', recording(), '', once);
    assert.equal(await submitted('transcriptions', recording(), '', once), form, 'whatever stands between its parts');
    for (const jobId of [form, await submitted('transcriptions', ofFile)]) {
      const heard = await jobEnd(api(), customer.key, jobId);
      assert.equal(heard.status, 'COMPLETED', heard.errorMessage ?? '');
      const { text } = z.object({ text: z.string().min(1) }).parse(heard.resultPayload);
      assert.equal(text.includes('-->'), jobId === form);
      const [paid, ...more] = await transferOf(jobId);
      assert.deepEqual([Number(paid?.seconds), more], [seconds, []]);
    }
    await until('the recording of the form is gone', async () => (await filesOf()).length === 1);
    assert.deepEqual(await filesOf(), [{ id: fileId, purpose: 'speech' }]);
    await call(api(), 'DELETE', `/v1/async/jobs/${speech}`, { key: customer.key });
    assert.equal((await contentOf(fileId)).status, 404);
  });

  test('jobs of audio that cannot be: refused by the field, or ended without a charge', async () => {
    const refused = async (path: string, body: object, field: string) => {
      const headers = { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const answer = await apiFetch(`${api()?.url}/v1/async/${path}`, init);
      const text = await answer.text();
      assert.equal(answer.status, 400, text);
      const { data } = z
        .object({ data: z.object({ errors: z.array(z.object({ path: z.string() })) }) })
        .parse(JSON.parse(text));
      assert.equal(data.errors[0]?.path, field);
    };
    const asked = { model: 'sim-transcribe', file: 'UklGRg==' };
    await refused('speech', { model: 'sim-speech', voice: 'alloy', input: '' }, 'input');
    await refused('speech', { model: 'sim-speech', voice: 'alloy', input: 'a', stream_format: 'sse' }, 'stream_format');
    await refused('speech', { model: 'sim-speech', voice: 'alloy', input: 'a', priority: 9 }, 'priority');
    await refused('transcriptions', { model: 'sim-transcribe' }, 'file');
    await refused('transcriptions', { model: 'sim-transcribe', file_id: 'file-of-nobody' }, 'file_id');
    await refused('transcriptions', { ...asked, file_id: 'file-1' }, 'file_id');
    await refused('transcriptions', { ...asked, stream: true }, 'stream');
    await refused('transcriptions', { ...asked, webhookUrl: 'nowhere' }, 'webhookUrl');
    const failing = JSON.stringify({ model: 'sim-speech', voice: 'alloy', input: '😀'.repeat(50_000) });
    const jobId = await submitted('speech', failing);
    const job = await jobEnd(api(), customer.key, jobId);
    assert.deepEqual([job.status, job.cost, await transferOf(jobId)], ['FAILED', 0, []]);
    assert.match(job.errorMessage ?? '', /string_too_long/);
    const noSound = await submitted('transcriptions', JSON.stringify(asked));
    assert.equal((await jobEnd(api(), customer.key, noSound)).status, 'FAILED');
    await until('its recording is gone', async () => (await filesOf()).length === 0);
  });

  const answerTo = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const sent = { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json', ...headers };
    const answer = await apiFetch(`${api()?.url}/v1/async/${path}`, { method: 'POST', headers: sent, body });
    const { data } = z
      .object({ data: z.object({ jobId: z.string().optional() }).nullish() })
      .parse(await answer.json());
    return { status: answer.status, jobId: data?.jobId };
  };
  /** FLAC whose head says 20,000 seconds. */
  const longRecording = Buffer.alloc(5_000, 7);
  longRecording.write('fLaC');
  longRecording.writeUInt32BE((8_000 << 12) | (15 << 4), 18);
  longRecording.writeUInt32BE(20_000 * 8_000, 22);
  const uploaded = async () => {
    const form = new FormData();
    form.append('purpose', 'user_data');
    form.append('file', new File([longRecording], 'a.flac', { type: 'audio/flac' }));
    const init = { method: 'POST', headers: { authorization: `Bearer ${customer.key}` }, body: form };
    const answer = await apiFetch(`${api()?.url}/v1/files`, init);
    return z.object({ id: z.string() }).parse(await answer.json()).id;
  };
  const removed = (fileId: string) => {
    const headers = { authorization: `Bearer ${customer.key}` };
    return apiFetch(`${api()?.url}/v1/files/${fileId}`, { method: 'DELETE', headers });
  };
  const dearModel = async () => {
    const body = {
      ...{ providerName: 'sim-openai', displayName: 'dear', modelIdentifier: 'dear-transcribe', priority: 50 },
      ...{ upstreamModel: 'sim-transcribe', capabilities: ['speech-to-text'], pricing: { perSecond: '0.01' } },
    };
    const answer = await call(api(), 'POST', '/v1/models', { token: rootToken, body });
    assert.ok(answer.status < 300, answer.message);
  };

  test('speech of the most characters is taken, however its client writes them', async () => {
    const asked = (input: string) => `{"model":"sim-speech","voice":"alloy","input":"${input}"}`;
    const inputs = ['\\ud83d\\ude00'.repeat(50_000), '😀'.repeat(50_000), 'x'.repeat(100_000)];
    for (const input of inputs) {
      const { status, jobId = '' } = await answerTo('speech', asked(input));
      assert.equal(status, 202);
      assert.equal((await jobEnd(api(), customer.key, jobId)).status, 'FAILED', 'the provider takes fewer');
    }
    assert.equal((await answerTo('speech', asked('x'.repeat(100_001)))).status, 400);
  });

  test('a repeat of a job by its key is the same job without its file and without room for another', async () => {
    const speech = JSON.stringify({ model: 'sim-speech', voice: 'alloy', input: 'Once.' });
    const fileId = await uploaded();
    const transcript = JSON.stringify({ model: 'sim-transcribe', file_id: fileId });
    const sent = JSON.stringify({ model: 'sim-transcribe', file: longRecording.toString('base64') });
    const asked = [
      ['speech', speech],
      ['transcriptions', transcript],
      ['transcriptions', sent],
    ] as const;
    const key = (at: number) => ({ 'idempotency-key': `no-room-${at}` });
    const first = await Promise.all(asked.map(([path, body], at) => answerTo(path, body, key(at))));
    for (const { jobId = '' } of first) await jobEnd(api(), customer.key, jobId);
    await removed(fileId);
    await product.execute(
      `INSERT INTO files (id,user_id,purpose,filename,bytes,created_at,expires_at,is_whole)
       VALUES ('file-full',${customer.userId},'user_data','full',2000000000,NOW(3),NOW(3)+INTERVAL 1 HOUR,0)`,
    );
    const again = await Promise.all(asked.map(([path, body], at) => answerTo(path, body, key(at))));
    assert.deepEqual(again, first);
    const fresh = await Promise.all(asked.map(([path, body]) => answerTo(path, body)));
    assert.deepEqual(
      fresh.map(({ status }) => status),
      [429, 400, 429],
    );
    const of = (model: string) => sent.replace('sim-transcribe', model);
    const unpaid = await answerTo('transcriptions', of('dear-transcribe'));
    const unknown = await answerTo('transcriptions', of('no-such-model'));
    assert.deepEqual([unpaid.status, unknown.status], [402, 404], 'known before room is looked for');
    await product.execute("DELETE FROM files WHERE id='file-full'");
  });

  test('a file is kept for the jobs that were accepted, not for those that were refused', async () => {
    const fileId = await uploaded();
    await product.execute(`UPDATE files SET expires_at=NOW(3)+INTERVAL 30 MINUTE WHERE id='${fileId}'`);
    const minutesLeft = async () => {
      const sql = `SELECT TIMESTAMPDIFF(MINUTE,NOW(3),expires_at) AS minutes FROM files WHERE id='${fileId}'`;
      return Number((await product.rows(sql))[0]?.minutes);
    };
    const of = (model: string) => JSON.stringify({ model, file_id: fileId });
    assert.equal((await answerTo('transcriptions', of('dear-transcribe'))).status, 402);
    assert.equal((await answerTo('transcriptions', of('no-such-model'))).status, 404);
    assert.ok((await minutesLeft()) <= 30);
    const { jobId = '' } = await answerTo('transcriptions', of('sim-transcribe'));
    assert.ok((await minutesLeft()) > 60);
    await jobEnd(api(), customer.key, jobId);
    await removed(fileId);
  });

  test('a worker killed while it hears and while it speaks: another run goes on, charged once', async () => {
    const speech = JSON.stringify({ model: 'sim-speech', voice: 'alloy', input: 'Good night.'.repeat(9) });
    const head = Buffer.from('UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQ==', 'base64');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(40_000);
    const wav = Buffer.concat([head, length, Buffer.alloc(40_000, 128)]);
    const asked = JSON.stringify({ model: 'sim-transcribe', file: wav.toString('base64') });
    for (const model of ['sim-speech', 'sim-transcribe']) await fault({ fault: 'latency', value: 600_000, model });
    const jobs = [await submitted('speech', speech), await submitted('transcriptions', asked)];
    const rowsOf = () =>
      product.rows(`SELECT provider_attempts AS calls, attempt FROM jobs WHERE id IN ('${jobs.join("','")}')`);
    await until('the provider is called for both', async () =>
      (await rowsOf()).every(({ calls }) => Number(calls) === 1),
    );
    await product.worker.kill('SIGKILL');
    await noFaults();
    const unbegun = await submitted('transcriptions', asked);
    await call(api(), 'POST', `/v1/async/jobs/${unbegun}/cancel`, { key: customer.key });
    assert.equal((await jobEnd(api(), customer.key, unbegun)).status, 'CANCELLED');
    const recordings = (await filesOf()).filter(({ purpose }) => purpose === 'job_input');
    assert.equal(recordings.length, 1, 'a cancelled job leaves nothing, also while no worker runs');
    await product.worker.start();
    for (const jobId of jobs) {
      const job = await jobEnd(api(), customer.key, jobId);
      assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
      assert.equal((await transferOf(jobId)).length, 1);
    }
    for (const { calls, attempt } of await rowsOf()) assert.deepEqual([Number(calls), Number(attempt)], [2, 2]);
    assert.equal(await product.openHolds(customer.userId), 0);
    await until('the recording is gone', async () => (await filesOf()).every(({ purpose }) => purpose === 'speech'));
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
      await fault({ fault: 'latency', value: 1_500, model: vendor.text2image });
      const jobId = await imageJob(vendor.name, 'provider_attempts=1');
      const answer = await cancel(jobId);
      assert.equal(z.object({ status: z.string() }).parse(answer.data).status, 'PROCESSING', 'it is waited for');
      const job = await jobEnd(api(), customer.key, jobId);
      await noFaults();
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
    await fault({ fault: 'slow-task', value: 60_000, vendor: 'dashscope' });
    const jobId = await imageJob('dashscope', taskGiven);
    await cancel(jobId);
    const job = await jobEnd(api(), customer.key, jobId, 10_000);
    await noFaults();
    assert.deepEqual([job.status, job.cost, job.resultPayload], ['CANCELLED', 0, null]);
    assert.equal(await charges(jobId), 0);
  });

  for (const killed of [false, true]) {
    const title = killed ? ', over the death of its worker' : '';
    test(`dashscope: a task that runs already is waited for and charged once${title}`, async () => {
      await fault({ fault: 'slow-task', value: 4_000, vendor: 'dashscope' });
      const jobId = await imageJob('dashscope', taskGiven);
      await runs(jobId);
      if (killed) await product.worker.kill('SIGSTOP');
      await cancel(jobId);
      if (killed) {
        await product.worker.kill('SIGKILL');
        await product.worker.start();
      }
      const job = await jobEnd(api(), customer.key, jobId);
      await noFaults();
      assert.equal(job.status, 'CANCELLED');
      assert.equal(await check('generate-image', job.resultPayload), job.cost);
      assert.deepEqual([await callsOf('wan2.2-t2i-flash'), await charges(jobId)], [1, 1]);
    });
  }
});
