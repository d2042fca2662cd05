/** Batches by OpenAI's own client: the worker is killed on the way, and every line is answered in its place and paid once. */

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import OpenAI, { toFile } from 'openai';
import pino from 'pino';
import { z } from 'zod';
import { BatchStore } from '../../activities/batches/batch-store.ts';
import { batchStart } from '../../activities/batches/batches.ts';
import { createServices, type Services } from '../../activities/services.ts';
import { FileStore, newFileId } from '../../core/files/file-store.ts';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { newId } from '../../infra/ids.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { batchWorkflowId } from '../../workflows/contracts.ts';
import { apiFetch } from '../e2e/api-fetch.ts';
import { type Customer, call, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { rootToken, upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';

const LINES = isFullChaos() ? 1_000 : 60;
const KILLS = isFullChaos() ? 3 : 1;
/** Of a batch: four steps of eight calls. */
const CALLS_AT_ONCE = 32;
const FILES_BYTES = 4_000_000;
/** Half of what a call costs otherwise. */
const BATCH_PRICE = { input: 500n, output: 1_000n };

const answered = z.object({
  custom_id: z.string(),
  response: z.object({
    status_code: z.literal(200),
    request_id: z.string(),
    body: z.object({ usage: z.object({ completion_tokens: z.number(), cost: z.number() }) }),
  }),
  error: z.null(),
});
const seenByRoot = z.object({
  ...{ userId: z.number(), calls: z.number(), charged: z.number() },
  ...{ holdId: z.string(), traceId: z.string(), temporalUrl: z.string() },
});
const failed = z.object({
  custom_id: z.string(),
  response: z.object({
    status_code: z.literal(400),
    request_id: z.string(),
    body: z.object({ error: z.object({ type: z.literal('invalid_request_error'), param: z.literal('temperature') }) }),
  }),
  error: z.null(),
});
const unrun = z.object({ custom_id: z.string(), response: z.null(), error: z.object({ code: z.string() }) });

describe('batches', () => {
  let product: Product;
  let customer: Customer;
  let client: OpenAI;
  let stores: { files: FileStore; batches: BatchStore; close: () => Promise<void> };
  before(async () => {
    const settings = { REGISTRATION_GRANT: '1000', WRITER_TTL: '3s', FILE_STORAGE_PER_USER: String(FILES_BYTES) };
    product = await startProduct({ name: 'batches', settings });
    customer = await newCustomer(product.apis[0]);
    client = clientOf(customer);
    const sequelize = connectSequelize(product.config);
    stores = { files: new FileStore(sequelize), batches: new BatchStore(sequelize), close: () => sequelize.close() };
    await addModels();
  });
  after(async () => {
    await stores.close();
    await product.close();
  });

  const clientOf = ({ key }: Customer) =>
    new OpenAI({ baseURL: `${product.apis[0]?.url}/v1`, apiKey: key, maxRetries: 0, fetch: apiFetch });
  /** Models whose price has a rule for batches. */
  const addModels = async () => {
    const token = await rootToken(product);
    const written = (nano: bigint) => `0.${String(nano).padStart(9, '0')}`;
    const price = { input: written(BATCH_PRICE.input), output: written(BATCH_PRICE.output) };
    for (const [name, capability] of [
      ['chat', 'text-to-text'],
      ['embedding', 'text-to-embedding'],
    ] as const) {
      const body = {
        ...{ providerName: 'Simulator', displayName: name, modelIdentifier: `ruled-${name}` },
        ...{ upstreamModel: `sim-${name}`, capabilities: [capability], priority: 90 },
        pricing: {
          ...{ input: written(2n * BATCH_PRICE.input), output: written(2n * BATCH_PRICE.output) },
          rules: [{ name: 'half', when: { serviceTier: 'batch' }, ...price }],
        },
      };
      const added = await call(product.apis[0], 'POST', '/v1/models', { token, body });
      assert.equal(added.status, 200, added.message);
    }
  };

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
  const upload = async (text: string, by = client) =>
    by.files.create({ file: await toFile(Buffer.from(text), 'batch.jsonl'), purpose: 'batch' });
  const create = (file: string, by = client) =>
    by.batches.create({ input_file_id: file, endpoint: '/v1/chat/completions', completion_window: '24h' });
  const ended = async (id: string, by = client) => {
    let batch = await by.batches.retrieve(id);
    await until(`${id} has ended`, async () => {
      batch = await by.batches.retrieve(id);
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

  test('a worker that is killed loses no line and charges none twice', async () => {
    await upstream(product).forget();
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
      "SELECT id, -amount AS cost, prompt_tokens AS prompt, completion_tokens AS tokens FROM transfers WHERE kind='charge'",
    );
    assert.equal(charges.length, good.length);
    const byId = new Map(charges.map((row) => [row.id, row]));
    for (const { response } of answers) {
      const { usage } = response.body;
      const row = byId.get(response.request_id);
      assert.deepEqual([Number(row?.tokens), Number(row?.cost) / 1e9], [usage.completion_tokens, usage.cost]);
    }
    // A call whose worker was killed is made again; what the provider counted for each charge is what was charged.
    const calls = (await upstream(product).journal()).flatMap(({ usage }) => usage ?? []);
    assert.ok(calls.length >= good.length && calls.length <= good.length + KILLS * CALLS_AT_ONCE, `${calls.length}`);
    const left = calls.map(({ promptTokens, completionTokens }) => `${promptTokens} ${completionTokens}`);
    for (const { prompt, tokens } of charges) {
      const at = left.indexOf(`${prompt} ${tokens}`);
      assert.notEqual(at, -1, `${prompt} ${tokens}`);
      left.splice(at, 1);
    }
    const spent = charges.reduce((sum, row) => sum + BigInt(String(row.cost)), 0n);
    // Holds of killed calls are given back by the sweeper.
    await until('nothing is held', async () => (await money()).held === 0);
    assert.equal((await money()).balance, 1_000 - Number(spent) / 1e9);

    const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
    try {
      const namespace = product.config.TEMPORAL_NAMESPACE;
      const description = await new Client({ connection, namespace }).workflow
        .getHandle(batchWorkflowId(customer.userId, id))
        .describe();
      assert.ok(description.historyLength < 10_000, `${description.historyLength} events`);
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

  test('lines cost what the price says of batches, for the tokens that the provider counts', async () => {
    await upstream(product).forget();
    const payer = await newCustomer(product.apis[0]);
    const by = clientOf(payer);
    const chats = Array.from({ length: 5 }, (_, index) => {
      const request = requestOf(10 + 10 * index);
      return { ...request, body: { ...request.body, model: 'ruled-chat' } };
    });
    const vectors = {
      ...chats[0],
      url: '/v1/embeddings',
      body: { model: 'ruled-embedding', input: ['a sea', 'a hill'] },
    };
    const files = [await upload(jsonl(chats), by), await upload(jsonl([vectors]), by)];
    const made = [
      await create(files[0]?.id ?? '', by),
      await by.batches.create({
        ...{ input_file_id: files[1]?.id ?? '', endpoint: '/v1/embeddings', completion_window: '24h' },
      }),
    ];
    for (const { id } of made) assert.equal((await ended(id, by)).status, 'completed');
    const { byModel } = await upstream(product).counts();
    const counted = [byModel['sim-chat'], byModel['sim-embedding']];
    assert.deepEqual(
      counted.map((count) => count?.calls),
      [5, 1],
    );
    const cost = counted.reduce(
      (sum, count) =>
        sum +
        BigInt(count?.promptTokens ?? 0) * BATCH_PRICE.input +
        BigInt(count?.completionTokens ?? 0) * BATCH_PRICE.output,
      0n,
    );
    const charged = await product.rows(
      `SELECT -SUM(t.amount) AS cost, COUNT(*) AS charges, SUM(t.price_rule='half') AS ruled FROM transfers t
         JOIN accounts a ON a.id=t.account_id WHERE t.kind='charge' AND a.owner_kind='user' AND a.owner_id=${payer.userId}`,
    );
    assert.deepEqual(
      charged.map((row) => [String(row.cost), Number(row.charges), Number(row.ruled)]),
      [[String(cost), 6, 6]],
    );
    const me = await call(product.apis[0], 'GET', '/v1/auth/me', { token: payer.token });
    assert.deepEqual(z.object({ balance: z.number() }).parse(me.data).balance, Number(1_000_000_000_000n - cost) / 1e9);

    const token = await rootToken(product);
    const asRoot = async (path: string) => (await call(product.apis[0], 'GET', `/v1/admin/${path}`, { token })).data;
    const seen = async () => Promise.all(made.map(async ({ id }) => seenByRoot.parse(await asRoot(`batches/${id}`))));
    // The log of calls is some time behind the ledger.
    await until('all lines are summed', async () =>
      isDeepStrictEqual(
        (await seen()).map(({ calls }) => calls),
        [5, 1],
      ),
    );
    const found = await seen();
    assert.equal(
      found.reduce((sum, { charged }) => sum + BigInt(Math.round(charged * 1e9)), 0n),
      cost,
    );
    for (const [index, { id }] of made.entries()) {
      const { userId, holdId, traceId, temporalUrl } = found[index] ?? assert.fail(id);
      assert.equal(userId, payer.userId);
      assert.ok(temporalUrl.endsWith(encodeURIComponent(batchWorkflowId(userId, id))), temporalUrl);
      const moved = z.object({ hold: z.object({ id: z.string(), batchId: z.string() }) });
      assert.deepEqual(moved.parse(await asRoot(`transfers/${id}`)).hold, { id: holdId, batchId: id });
      const ofTrace = z.object({ holds: z.array(z.object({ batchId: z.string().nullable() })) });
      const { holds } = ofTrace.parse(await asRoot(`transfers?traceId=${traceId}`));
      assert.equal(holds.filter(({ batchId }) => batchId === id).length, 1, 'the trace leads to its batch');
    }
  });

  test('a batch is bounded by the budget of its key, which has the rest again after its end', async () => {
    const budgeted = await newCustomer(product.apis[0], { budget: '0.01', budgetPeriod: 'day' });
    const by = clientOf(budgeted);
    const used = async () => {
      const [row] = await product.rows(
        `SELECT b.used FROM key_budgets b JOIN access_keys k ON k.id=b.access_key_id WHERE k.user_id=${budgeted.userId}`,
      );
      return BigInt(String(row?.used ?? 0));
    };
    const dear = { ...requestOf(0), body: { ...requestOf(0).body, max_tokens: 100_000 } };
    const refused = await ended((await create((await upload(jsonl([dear]), by)).id, by)).id, by);
    const [error] = refused.errors?.data ?? [];
    assert.deepEqual([refused.status, error?.code], ['failed', 'insufficient_quota']);
    assert.match(error?.message ?? '', /the access key's budget has 0\.01\d* left/);
    assert.equal(await used(), 0n);
    const many = [0, 1, 2].map(requestOf);
    const done = await ended((await create((await upload(jsonl(many), by)).id, by)).id, by);
    assert.deepEqual([done.status, done.request_counts?.completed], ['completed', 3]);
    const [charged] = await product.rows(
      `SELECT -SUM(t.amount) AS cost FROM transfers t JOIN accounts a ON a.id=t.account_id
        WHERE t.kind='charge' AND a.owner_kind='user' AND a.owner_id=${budgeted.userId}`,
    );
    assert.equal(await used(), BigInt(String(charged?.cost)));
  });

  test('files have so many bytes together, also when they come at once; a batch needs room for its own', async () => {
    const owner = await newCustomer(product.apis[0]);
    const by = clientOf(owner);
    const text = ' '.repeat(FILES_BYTES / 4 - 1_000);
    const small = await upload(jsonl([requestOf(0)]), by);
    const uploads = await Promise.allSettled(Array.from({ length: 6 }, () => upload(text, by)));
    const refusals = uploads.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    assert.equal(refusals.length, 2);
    for (const refusal of refusals) assert.ok(refusal instanceof OpenAI.RateLimitError);
    await upload(' '.repeat(4_000 - small.bytes), by);
    await assert.rejects(create(small.id, by), /FILE_STORAGE_PER_USER/);
    for (const one of uploads) if (one.status === 'fulfilled') await by.files.delete(one.value.id);
    assert.equal((await create(small.id, by)).status, 'validating');
  });

  test('a file is there when all of it is, and what a writer left of one expires', async () => {
    const userId = customer.userId;
    const meta = () => ({
      ...{ id: newFileId(), userId, purpose: 'user_data', filename: 'f', createdAt: new Date() },
      expiresAt: new Date(Date.now() + 3_600_000),
    });
    const chunks = async (id: string) => (await product.rows(`SELECT 1 FROM file_chunks WHERE file_id='${id}'`)).length;
    const broken = meta();
    const seen: unknown[] = [];
    async function* pieces(id: string, fails: boolean) {
      yield Buffer.alloc(1_100_000);
      seen.push(await stores.files.find(id, userId), await chunks(id));
      if (fails) throw new Error('cut off');
    }
    await assert.rejects(stores.files.put(broken, pieces(broken.id, true)), /cut off/);
    assert.deepEqual([seen, await chunks(broken.id)], [[undefined, 1], 0]);
    const whole = meta();
    await stores.files.put(whole, pieces(whole.id, false));
    assert.equal((await stores.files.find(whole.id, userId))?.bytes, 1_100_000);
    const content = [];
    for await (const piece of stores.files.read({ id: whole.id, bytes: 1_100_000 })) content.push(piece.length);
    assert.deepEqual(content, [1_048_576, 51_424]);
    const cut = stores.files.read({ id: whole.id, bytes: 1_100_000 });
    await cut.next();
    await product.execute(`DELETE FROM file_chunks WHERE file_id='${whole.id}' AND seq=1`);
    await assert.rejects(cut.next(), /was removed while it was read/);
    const listed = async () => (await stores.files.list({ userId, limit: 10_000 })).map(({ id }) => id);
    assert.ok((await listed()).includes(whole.id));
    await product.execute(`UPDATE files SET expires_at=NOW(3) - INTERVAL 1 SECOND WHERE id='${whole.id}'`);
    assert.deepEqual(
      [await stores.files.find(whole.id, userId), (await listed()).includes(whole.id)],
      [undefined, false],
    );
    // As a process leaves it that dies before the last statement.
    await product.execute(`UPDATE files SET is_whole=0,expires_at=NOW(3) - INTERVAL 1 SECOND WHERE id='${whole.id}'`);
    await stores.files.removeExpired();
    assert.deepEqual([await stores.files.find(whole.id, userId), await chunks(whole.id)], [undefined, 0]);
  });

  test('the row of a batch is made once, and no line is added to one that has ended', async () => {
    const { batches } = stores;
    const { userId } = customer;
    const id = `batch_${newId().replaceAll('-', '')}`;
    const row = {
      ...{ id, holdId: newId(), userId, accountId: 1, accessKeyId: 1, endpoint: '/v1/embeddings' as const },
      ...{ inputFileId: 'file-x', metadata: { of: 'me' }, traceId: 't', lifeMs: 60_000, outputKeptSeconds: null },
    };
    const twice = await Promise.all([0, 1].map(() => batches.create(row, batchStart(row), 100)));
    await product.execute(`DELETE FROM workflow_outbox WHERE workflow_id='${batchWorkflowId(userId, id)}'`);
    assert.deepEqual(twice, [true, true]);
    assert.equal(await batches.create(row, batchStart(row), 0), true, 'it stands already');
    const other = { ...row, id: `${id}x` };
    assert.equal(await batches.create(other, batchStart(other), 1), false, 'too many live ones');
    const line = { line: 0, customId: 'a', request: '{}', share: 1n };
    assert.deepEqual([await batches.addLines(id, [line]), await batches.addLines(id, [line])], [true, true]);
    assert.equal((await batches.waiting(id, 0, 10)).length, 1);
    await batches.addLines(
      id,
      [1, 2].map((at) => ({ ...line, line: at, customId: `b${at}` })),
    );
    for (const at of [0, 1, 2]) await batches.keepResult(id, at, true, 'x'.repeat(100));
    await batches.keepResult(id, 2, false, 'y'.repeat(100));
    assert.equal((await batches.find(id))?.resultBytes, 300);
    const keptBytes = await batches.keptBytes(userId);
    assert.ok(keptBytes >= 300);
    const output = { purpose: 'batch_output', filename: `${id}_output.jsonl`, createdAt: new Date() };
    const written = { id: newFileId(), userId, ...output, expiresAt: new Date(Date.now() + 60_000) };
    await stores.files.put(written, Readable.from([Buffer.alloc(300)]));
    assert.equal(await batches.keptBytes(userId), keptBytes, 'results count once while they are written');
    await batches.countTry(id, 0);
    const sizes = [50, 150, 250, 300].map((most) => batches.results(id, 0, 10, most));
    assert.deepEqual(
      (await Promise.all(sizes)).map((found) => found.map((result) => result.line)),
      [[0], [0], [0, 1], [0, 1, 2]],
    );
    const endedAt = new Date(Date.now() - 120_000);
    endedAt.setMilliseconds(789);
    const ending = { ended_at: endedAt, completed: 1, failed: 2 };
    assert.equal(await batches.move(id, ['validating'], 'cancelled', ending), true);
    assert.equal(await batches.keptBytes(userId), keptBytes, 'and as a file from its end');
    await stores.files.remove(written.id, userId);
    assert.equal(await batches.keptBytes(userId), keptBytes - 300);
    assert.equal(await batches.addLines(id, [{ ...line, line: 3, customId: 'b' }]), false);
    assert.ok((await batches.uncleared(60, 100)).includes(id));
    await batches.removeLines(id);
    assert.ok(!(await batches.uncleared(60, 100)).includes(id));
    assert.ok((await batches.removeTexts(1_000)) >= 1);
    const { metadata, completed, failed: bad, endedAt: kept } = (await batches.find(id)) ?? {};
    assert.deepEqual([metadata, completed, bad, kept], [null, 1, 2, endedAt], 'to the millisecond');
    assert.equal(await batches.restart(id, batchStart(row)), false);
    const lost = { ...row, id: `${id}y`, holdId: newId() };
    await batches.create(lost, batchStart(lost), 100);
    await product.execute(`DELETE FROM workflow_outbox WHERE workflow_id='${batchWorkflowId(userId, lost.id)}'`);
    assert.equal(await batches.restart(lost.id, batchStart(lost)), true);
    // Another as an earlier version has made it: its workflow has its id.
    const former = { ...row, id: `${id}z`, holdId: newId() };
    await batches.create(former, batchStart(former, former.id), 100);
    await product.execute(
      `UPDATE batches SET workflow_id=NULL,created_at=created_at - INTERVAL 2 MINUTE WHERE id='${former.id}'`,
    );
    const aged = async () => (await batches.aged(60, '', 100)).batches.find((batch) => batch.id === former.id);
    assert.equal(await aged(), undefined, 'its start waits');
    await product.execute(`DELETE FROM workflow_outbox WHERE workflow_id='${former.id}'`);
    assert.equal((await aged())?.workflowId, former.id);
    await batches.move(former.id, ['validating'], 'cancelled', { ended_at: new Date(), completed: 0, failed: 0 });
    const begun = await ended(lost.id);
    assert.deepEqual([begun.status, begun.errors?.data?.[0]?.param], ['failed', 'input_file_id']);
  });

  test('a batch whose workflow was terminated ends with what it has, charged as it is written', async () => {
    const services: Services = await createServices(product.config, pino({ level: 'silent' }));
    try {
      const owner = await newCustomer(product.apis[0]);
      const by = clientOf(owner);
      await upstream(product).fault({ fault: 'latency', value: 300, model: 'sim-chat' });
      const { id } = await create(
        (await upload(jsonl(Array.from({ length: 400 }, (_, index) => requestOf(index))), by)).id,
        by,
      );
      await until('a line is done', async () => ((await by.batches.retrieve(id)).request_counts?.completed ?? 0) > 0);
      const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
      const temporal = new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE });
      await temporal.workflow.getHandle(batchWorkflowId(owner.userId, id)).terminate('by an operator');
      await connection.close();
      await product.execute(`UPDATE batches SET created_at=created_at - INTERVAL 2 MINUTE WHERE id='${id}'`);
      await until('its lines begin no more', async () => {
        await services.batchReconciler.reconcile();
        return (await by.batches.retrieve(id)).status === 'cancelling';
      });
      await product.execute(`UPDATE batches SET cancelling_at=cancelling_at - INTERVAL 5 SECOND WHERE id='${id}'`);
      await until('it has ended', async () => {
        await services.batchReconciler.reconcile();
        return (await by.batches.retrieve(id)).status === 'cancelled';
      });
      await upstream(product).noFaults();
      const batch = await by.batches.retrieve(id);
      assert.equal(batch.errors?.data?.[0]?.code, 'batch_stopped');
      const answers = (await (await by.files.content(batch.output_file_id ?? '')).text()).trim().split('\n');
      const charges = await product.rows(
        `SELECT t.id FROM transfers t JOIN accounts a ON a.id=t.account_id
          WHERE t.kind='charge' AND a.owner_kind='user' AND a.owner_id=${owner.userId}`,
      );
      assert.equal(answers.length, charges.length);
      assert.equal(await product.openHolds(owner.userId), 0);
    } finally {
      await services.close();
    }
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
    const left = (await linesIn(batch.error_file_id)).map((line) => z.union([failed, unrun]).parse(line));
    assert.ok(left.some(({ error }) => error?.code === 'batch_cancelled'));
    assert.equal((await money()).held, 0);
    await assert.rejects(client.batches.cancel((await ended(id)).id === id ? 'batch_none' : ''), OpenAI.NotFoundError);
  });
});
