/** Batches by OpenAI's own client: the worker is killed on the way, and every line is answered in its place and paid once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import OpenAI, { toFile } from 'openai';
import { z } from 'zod';
import { until } from '../until.ts';
import { apiFetch } from './api-fetch.ts';
import { type Customer, call, newCustomer, type Product, startProduct } from './product.ts';

/** How many lines the long batch has; more of them only take longer. */
const LINES = Number(process.env.BATCH_LINES ?? 60);
const KILLS = 3;

const answered = z.object({
  custom_id: z.string(),
  response: z.object({
    status_code: z.literal(200),
    request_id: z.string(),
    body: z.object({ usage: z.object({ completion_tokens: z.number(), cost: z.number() }) }),
  }),
  error: z.null(),
});
const failed = z.object({ custom_id: z.string(), response: z.null(), error: z.object({ code: z.string() }) });

describe('batches', () => {
  let product: Product;
  let customer: Customer;
  let client: OpenAI;
  before(async () => {
    product = await startProduct({ name: 'batches', settings: { REGISTRATION_GRANT: '1000', WRITER_TTL: '3s' } });
    customer = await newCustomer(product.apis[0]);
    client = new OpenAI({
      baseURL: `${product.apis[0]?.url}/v1`,
      apiKey: customer.key,
      maxRetries: 0,
      fetch: apiFetch,
    });
  });
  after(() => product.close());

  const isBad = (index: number) => index % 10 === 3;
  const requestOf = (index: number) => ({
    custom_id: `line-${index}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: 'sim-chat',
      max_tokens: 8,
      messages: [{ role: 'user', content: `Line ${index}` }],
      ...(isBad(index) ? { temperature: 9 } : {}),
    },
  });
  const jsonl = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item)).join('\n');
  const upload = async (text: string) =>
    client.files.create({ file: await toFile(Buffer.from(text), 'batch.jsonl'), purpose: 'batch' });
  const create = (file: string) =>
    client.batches.create({ input_file_id: file, endpoint: '/v1/chat/completions', completion_window: '24h' });
  const ended = async (id: string) => {
    let batch = await client.batches.retrieve(id);
    await until(`${id} has ended`, async () => {
      batch = await client.batches.retrieve(id);
      return !['validating', 'in_progress', 'finalizing', 'cancelling'].includes(batch.status);
    });
    return batch;
  };
  const linesIn = async (file: string | null | undefined) => {
    const text = await (await client.files.content(file ?? '')).text();
    return text
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  };
  const money = async () => {
    const me = await call(product.apis[0], 'GET', '/v1/auth/me', { token: customer.token });
    return z.object({ balance: z.number(), held: z.number() }).parse(me.data);
  };

  test('a worker that is killed again and again loses no line and charges none twice', async () => {
    await fetch(`${product.simulator.url}/control/journal`, { method: 'DELETE' });
    const indexes = Array.from({ length: LINES }, (_, index) => index);
    const file = await upload(jsonl(indexes.map(requestOf)));
    const { id } = await create(file.id);
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const enough = Math.floor((LINES * kill) / (KILLS + 2));
      await until(`${enough} lines are done`, async () => {
        const { request_counts: counts } = await client.batches.retrieve(id);
        return (counts?.completed ?? 0) + (counts?.failed ?? 0) >= enough;
      });
      await product.worker.kill('SIGKILL');
      await product.worker.start();
    }
    const batch = await ended(id);
    const good = indexes.filter((index) => !isBad(index));
    const bad = indexes.filter(isBad);
    assert.deepEqual(
      [batch.status, batch.request_counts],
      ['completed', { total: LINES, completed: good.length, failed: bad.length }],
    );
    const answers = (await linesIn(batch.output_file_id)).map((line) => answered.parse(line));
    assert.deepEqual(
      answers.map((line) => line.custom_id),
      good.map((index) => `line-${index}`),
    );
    const errors = (await linesIn(batch.error_file_id)).map((line) => failed.parse(line));
    assert.deepEqual(
      errors.map((line) => line.custom_id),
      bad.map((index) => `line-${index}`),
    );

    const charges = await product.rows(
      "SELECT id, -amount AS cost, completion_tokens AS tokens FROM transfers WHERE kind='charge'",
    );
    assert.equal(charges.length, good.length);
    const byId = new Map(charges.map((row) => [row.id, row]));
    for (const { response } of answers) {
      const { usage } = response.body;
      const row = byId.get(response.request_id);
      assert.deepEqual([Number(row?.tokens), Number(row?.cost) / 1e9], [usage.completion_tokens, usage.cost]);
    }
    const spent = charges.reduce((sum, row) => sum + BigInt(String(row.cost)), 0n);
    // Holds of killed calls are given back by the sweeper.
    await until('nothing is held', async () => (await money()).held === 0);
    assert.equal((await money()).balance, 1_000 - Number(spent) / 1e9);

    const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
    try {
      const { namespace } = { namespace: product.config.TEMPORAL_NAMESPACE };
      const description = await new Client({ connection, namespace }).workflow.getHandle(id).describe();
      assert.ok(description.historyLength < 10_000, `${description.historyLength} events`);
      console.log(`${LINES} lines, ${description.historyLength} events`);
    } finally {
      await connection.close();
    }
  });

  test('vectors in a batch; the lists, the content and the end of files', async () => {
    const request = (index: number) => ({
      custom_id: `v${index}`,
      method: 'POST',
      url: '/v1/embeddings',
      body: { model: 'sim-embedding', input: `text ${index}`, dimensions: 2 },
    });
    const file = await upload(jsonl([request(0), request(1)]));
    const { id } = await client.batches.create({
      ...{ input_file_id: file.id, endpoint: '/v1/embeddings', completion_window: '24h', metadata: { of: 'me' } },
    });
    const batch = await ended(id);
    assert.deepEqual([batch.status, batch.error_file_id, batch.metadata], ['completed', null, { of: 'me' }]);
    const lines = await linesIn(batch.output_file_id);
    const vectors = z.object({ response: z.object({ body: z.object({ data: z.array(z.looseObject({})) }) }) });
    assert.deepEqual(
      lines.map((line) => vectors.parse(line).response.body.data.length),
      [1, 1],
    );
    const listed = [];
    for await (const one of client.batches.list({ limit: 1 })) listed.push(one.id);
    assert.ok(listed.includes(id) && listed.length >= 1);
    const files = [];
    for await (const one of client.files.list({ purpose: 'batch' })) files.push(one.id);
    assert.ok(files.includes(file.id));
    assert.equal((await client.files.delete(file.id)).deleted, true);
    await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
    await assert.rejects(client.files.content(file.id), OpenAI.NotFoundError);
    const stranger = await newCustomer(product.apis[0]);
    const other = new OpenAI({ baseURL: client.baseURL, apiKey: stranger.key, maxRetries: 0, fetch: apiFetch });
    await assert.rejects(other.batches.retrieve(id), OpenAI.NotFoundError);
    await assert.rejects(other.files.content(batch.output_file_id ?? ''), OpenAI.NotFoundError);
  });

  test('a file that cannot be run says why, by line, and costs nothing', async () => {
    const good = requestOf(0);
    for (const [text, code, line] of [
      ['no json', 'invalid_json_line', 1],
      [jsonl([good, { ...good, url: '/v1/embeddings', custom_id: 'x' }]), 'mismatched_endpoint', 2],
      [jsonl([good, good]), 'duplicate_custom_id', 2],
      [jsonl([{ ...good, custom_id: 7 }]), 'invalid_custom_id', 1],
      [jsonl([{ ...good, body: [] }]), 'invalid_body', 1],
      ['\n\n', 'empty_file', null],
    ] as const) {
      const batch = await ended((await create((await upload(text)).id)).id);
      assert.equal(batch.status, 'failed', text);
      assert.deepEqual([batch.errors?.data?.[0]?.code, batch.errors?.data?.[0]?.line], [code, line]);
    }
    // Together above the balance of 1,000, each of them not.
    const dear = { ...good, body: { ...good.body, n: 128, max_tokens: 9_000_000 } };
    const many = Array.from({ length: 1_000 }, (_, index) => ({ ...dear, custom_id: `d${index}` }));
    const poor = await ended((await create((await upload(jsonl(many))).id)).id);
    assert.deepEqual([poor.status, poor.errors?.data?.[0]?.code], ['failed', 'insufficient_quota']);
    assert.equal((await money()).held, 0);
    await assert.rejects(create('file-none'), OpenAI.BadRequestError);
  });

  test('a cancelled batch ends with what it has, and gives back the rest', async () => {
    await fetch(`${product.simulator.url}/control/faults`, {
      method: 'POST',
      body: JSON.stringify({ fault: 'latency', value: 300, model: 'sim-chat' }),
    });
    const file = await upload(jsonl(Array.from({ length: 400 }, (_, index) => requestOf(index))));
    const { id } = await create(file.id);
    await until('a line is done', async () => ((await client.batches.retrieve(id)).request_counts?.completed ?? 0) > 0);
    const cancelling = await client.batches.cancel(id);
    assert.ok(['cancelling', 'cancelled'].includes(cancelling.status));
    const batch = await ended(id);
    await fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
    assert.equal(batch.status, 'cancelled');
    const left = (await linesIn(batch.error_file_id)).map((line) => failed.parse(line));
    assert.ok(left.some(({ error }) => error.code === 'batch_cancelled'));
    assert.equal((await money()).held, 0);
    await assert.rejects(client.batches.cancel((await ended(id)).id === id ? 'batch_none' : ''), OpenAI.NotFoundError);
  });
});
