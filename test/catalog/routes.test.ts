import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { z } from 'zod';
import { type Service, startService } from '../../devstack/services.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { readConfig } from '../../infra/config.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { apiFetch } from '../e2e/api-fetch.ts';
import { type Customer, call, newCustomer } from '../e2e/product.ts';
import { migrateNew } from '../schema.ts';
import { CANARY, listen } from './test-catalog.ts';

const rowSchema = z.looseObject({ id: z.number() });
const rowOf = (text: string) => z.object({ id: z.string() }).parse(JSON.parse(text));
const PRICING = { input: '0.000002', output: 0.000008 };

describe('providers, keys and models over HTTP', () => {
  let apis: readonly Service[] = [];
  let customer: Customer;
  let root: string;
  let vendor: Awaited<ReturnType<typeof listen>>;
  const asked: string[] = [];

  before(async () => {
    vendor = await listen((request, response) => {
      asked.push(String(request.headers.authorization));
      response.end('{"data":[{"id":"vendor-model"}]}');
    });
    const stack = testStack();
    const environment = {
      ...stack.environment,
      DB_NAME: `catalog_routes_${process.pid}`,
      KEY_ENCRYPTION_KEY: `1:${randomBytes(32).toString('base64')}`,
      ROOT_PASSWORD: 'password-of-root',
      OUTBOUND_PRIVATE_HOSTS: vendor.hostPort,
    };
    const config = readConfig(environment);
    const sequelize = connectSequelize(config);
    await migrateNew(config, sequelize);
    await sequelize.close();
    const start = (name: string) =>
      startService({ kind: 'api', name: `catalog-${name}`, dataFolder: stack.dataFolder, environment });
    apis = [await start('one'), await start('two')];
    customer = await newCustomer(apis[0]);
    const body = { username: 'root', password: 'password-of-root' };
    const login = await call(apis[0], 'POST', '/v1/auth/login', { body });
    root = z.object({ token: z.string() }).parse(login.data).token;
  });
  after(async () => {
    await Promise.all(apis.map((api) => api.stop()));
    vendor.close();
  });

  const asRoot = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    call(apis[0], method, path, { token: root, headers, ...(body === undefined ? {} : { body }) });
  const made = async (path: string, body: unknown) => {
    const answer = await asRoot('POST', path, body);
    assert.equal(answer.code, 200, answer.message);
    return rowSchema.parse(answer.data);
  };

  test('the whole way of a provider, in the forms that earlier clients write', async () => {
    const provider = await made('/v1/providers', { name: 'Vendor', urlBase: `${vendor.base}/v1/chat/completions` });
    assert.equal(provider.urlBase, `${vendor.base}/v1`);
    const key = await made('/v1/providers/keys', { providerName: 'Vendor', apiKey: CANARY, weight: '2' });
    assert.equal(key.maskedApiKey, 'sk-…c1d0');
    const keys = await asRoot('GET', `/v1/providers/${provider.id}/keys`);
    const [listed] = z.array(rowSchema).parse(keys.data);
    assert.deepEqual([listed?.status, listed?.circuit, listed?.recentFailures, listed?.weight], [1, 'closed', 0, 2]);
    const upstream = await asRoot('GET', `/v1/providers/${provider.id}/upstream-models`);
    assert.deepEqual(upstream.data, [{ id: 'vendor-model', ownedBy: null }]);
    assert.deepEqual(asked, [`Bearer ${CANARY}`]);
    const page = await asRoot('GET', '/v1/providers?pageSize=1000&pageNum=1');
    assert.deepEqual(z.object({ size: z.number(), total: z.number() }).parse(page.data), { size: 100, total: 1 });
    assert.equal((await asRoot('POST', `/v1/providers/keys/${key.id}/status`, { status: false })).code, 200);
    assert.equal((await asRoot('GET', `/v1/providers/${provider.id}/upstream-models`)).code, 500006);
    assert.equal((await asRoot('POST', `/v1/providers/keys/${key.id}/status`, { status: '1' })).code, 200);
    const model = { displayName: 'M', modelIdentifier: 'whole-way', capabilities: ['text-to-text'], pricing: PRICING };
    const { id } = await made('/v1/models', { ...model, providerId: String(provider.id), priority: '3', urlBase: '' });
    const probe = await asRoot('POST', `/v1/models/${id}/test`);
    assert.deepEqual(z.object({ ok: z.boolean() }).parse(probe.data), { ok: false }, 'the vendor answers no chat');
    const inUse = await asRoot('DELETE', `/v1/providers/${provider.id}`);
    assert.deepEqual([inUse.status, inUse.code], [409, 500006]);
    assert.equal((await asRoot('DELETE', `/v1/models/${id}`)).code, 200);
    assert.equal((await asRoot('DELETE', `/v1/providers/keys/${key.id}`)).code, 200);
    const renamed = await asRoot('PUT', `/v1/providers/${provider.id}`, { name: 'Renamed' });
    assert.equal(rowSchema.parse(renamed.data).name, 'Renamed');
    assert.deepEqual((await asRoot('GET', `/v1/providers/${provider.id}`)).data, renamed.data);
    assert.equal((await asRoot('DELETE', `/v1/providers/${provider.id}`)).code, 200);
    assert.deepEqual((await asRoot('GET', `/v1/providers/${provider.id}`)).status, 404);
  });

  test('null takes a limit of a model away, what is left out stays', async () => {
    const limits = { contextWindow: 8000, maxOutputTokens: 4000, defaultMaxTokens: 1000, tokensPerImage: 500 };
    const model = { displayName: 'L', modelIdentifier: 'limited', capabilities: ['text-to-text'], status: 0 };
    const provider = { providerName: 'limits', urlBase: 'https://limits.example/v1' };
    const { id } = await made('/v1/models', { ...model, ...provider, ...limits, pricedFields: ['service_tier'] });
    const limitsAfter = async (change: object) => {
      const answer = await asRoot('PUT', `/v1/models/${id}`, change);
      assert.equal(answer.code, 200, answer.message);
      const { contextWindow, maxOutputTokens, defaultMaxTokens, tokensPerImage } = rowSchema.parse(answer.data);
      return { contextWindow, maxOutputTokens, defaultMaxTokens, tokensPerImage };
    };
    assert.deepEqual(await limitsAfter({ priority: null, displayName: null }), limits);
    assert.deepEqual(await limitsAfter({ contextWindow: null }), { ...limits, contextWindow: null });
    const none = { contextWindow: null, maxOutputTokens: null, defaultMaxTokens: null, tokensPerImage: null };
    assert.deepEqual(await limitsAfter(none), none);
    assert.equal((await asRoot('DELETE', `/v1/models/${id}`)).code, 200);
  });

  test('what a model needs is set as a whole, checked field by field, and taken away by null', async () => {
    const model = { displayName: 'N', modelIdentifier: 'needy', capabilities: ['text-to-text'], status: 0 };
    const provider = { providerName: 'needs', urlBase: 'https://needs.example/v1', upstreamModel: 'gpt-5-mini' };
    const needs = { limitField: 'max_tokens', bounds: { temperature: { most: 1 } }, refusedFields: ['stop'] };
    const { id } = await made('/v1/models', { ...model, ...provider, needs });
    const read = async () => {
      const { data } = await asRoot('GET', `/v1/models/${id}`);
      return z.looseObject({ needs: z.unknown(), knownNeeds: z.looseObject({}) }).parse(data);
    };
    const first = await read();
    assert.deepEqual(first.needs, needs);
    assert.equal(first.knownNeeds.limitField, 'max_completion_tokens');
    const asItWasRead = await asRoot('PUT', `/v1/models/${id}`, { ...first, displayName: 'as read' });
    assert.equal(asItWasRead.code, 200, asItWasRead.message);
    assert.deepEqual((await read()).needs, needs);
    assert.equal((await asRoot('PUT', `/v1/models/${id}`, { needs: null })).code, 200);
    assert.equal((await read()).needs, null);
    for (const [wrong, path] of [
      [{ limitName: 'max_tokens' }, 'needs'],
      [{ limitField: 'max_output_tokens' }, 'needs.limitField'],
      [{ refusedFields: ['a\nb'] }, 'needs.refusedFields.0'],
      [{ bounds: { temperature: { most: '1' } } }, 'needs.bounds.temperature.most'],
    ] as const) {
      const answer = await asRoot('PUT', `/v1/models/${id}`, { needs: wrong });
      assert.equal(answer.status, 400, path);
      assert.ok(answer.message.includes(path), answer.message);
    }
    assert.equal((await asRoot('DELETE', `/v1/models/${id}`)).code, 200);
  });

  test('prices are written exactly and read exactly', async () => {
    const pricing = '{"input":0.000000123456789,"output":"0.000000000000001","cachedInput":1e-7,"perRequest":0.5}';
    const answer = await apiFetch(`${apis[0]?.url}/v1/models`, {
      method: 'POST',
      headers: { authorization: `Bearer ${root}`, 'content-type': 'application/json' },
      body: `{"displayName":"E","modelIdentifier":"exact","capabilities":["text-to-text"],"providerName":"exact",
        "urlBase":"https://exact.example/v1","apiKey":"${CANARY}","pricing":${pricing}}`,
    });
    const text = await answer.text();
    assert.match(
      text,
      /"pricing":\{"input":0\.000000123456789,"output":0\.000000000000001,"cachedInput":0\.0000001,"perRequest":0\.5\}/,
    );
    assert.equal(text.includes('canary'), false);
  });

  test('wrong input is refused by name', async () => {
    const model = { displayName: 'W', modelIdentifier: 'wrong', capabilities: ['text-to-text'], providerName: 'exact' };
    const refused = async (body: object) => {
      const answer = await asRoot('POST', '/v1/models', { ...model, ...body });
      assert.equal(answer.status, 400);
      return answer.message;
    };
    assert.match(await refused({ pricing: { input: 2, output: 8 } }), /pricing\.input: .*per thousand or million/);
    assert.match(await refused({ pricing: { input: -1, output: 0 } }), /pricing\.input: must not be negative/);
    assert.match(await refused({ pricing: { input: 'x', output: 0 } }), /pricing\.input/);
    assert.match(await refused({}), /pricing: is required/);
    assert.match(await refused({ pricing: PRICING, capabilities: ['text-to-dance'] }), /capabilities/);
    assert.match(await refused({ pricing: PRICING, capabilities: [] }), /capabilities/);
    assert.match(await refused({ pricing: PRICING, priority: 0 }), /priority/);
    assert.match(await refused({ pricing: PRICING, providerName: 'new', urlBase: 'file:///etc/passwd' }), /urlBase/);
    assert.match(await refused({ pricing: PRICING, apiKey: 'with space' }), /apiKey/);
    const key = await asRoot('POST', '/v1/providers/keys', { apiKey: CANARY });
    assert.deepEqual([key.status, key.code], [400, 400002]);
    assert.match(key.message, /providerId: is required/);
  });

  test('every user reads models, without the address; only administrators see providers', async () => {
    const list = await call(apis[0], 'GET', '/v1/models?capability=text-to-text&status=1&sortBy=createdAt', customer);
    const { records } = z.object({ records: z.array(rowSchema) }).parse(await tokenOnly('/v1/models'));
    assert.equal(list.code, 200);
    assert.ok(records.length > 0);
    assert.ok(records.every((record) => !('urlBase' in record)));
    for (const path of ['/v1/providers', '/v1/providers/1', '/v1/providers/1/keys', '/v1/providers/presets']) {
      assert.equal((await call(apis[0], 'GET', path, { token: customer.token })).status, 403, path);
    }
    const body = { displayName: 'x', modelIdentifier: 'x', capabilities: ['text-to-text'] };
    assert.equal((await call(apis[0], 'POST', '/v1/models', { token: customer.token, body })).status, 403);
    assert.equal((await call(apis[0], 'GET', '/v1/models')).status, 401);
  });

  async function tokenOnly(path: string): Promise<unknown> {
    return (await call(apis[0], 'GET', path, { token: customer.token })).data;
  }

  test("OpenAI's package lists and reads models, those it may call", async () => {
    const named = { displayName: 'S', modelIdentifier: 'owner/with-slash', capabilities: ['text-to-text'] };
    const { id } = await made('/v1/models', { ...named, pricing: PRICING, providerName: 'exact' });
    const limited = await newCustomer(apis[0], { allowedModels: ['exact'] });
    const client = (key: string) =>
      new OpenAI({ apiKey: key, baseURL: `${apis[0]?.url}/v1`, maxRetries: 0, fetch: apiFetch, logLevel: 'off' });
    const names = async (key: string) => {
      const list = await client(key).models.list();
      return list.data.map((model) => model.id).sort();
    };
    assert.deepEqual(await names(customer.key), ['exact', 'owner/with-slash']);
    assert.deepEqual(await names(limited.key), ['exact']);
    const model = await client(customer.key).models.retrieve('owner/with-slash');
    assert.deepEqual([model.id, model.object, model.owned_by], ['owner/with-slash', 'model', 'exact']);
    for (const path of ['owner/with-slash', 'owner%2Fwith-slash']) {
      const plain = await apiFetch(`${apis[0]?.url}/v1/models/${path}`, { headers: { 'x-api-key': customer.key } });
      assert.deepEqual([plain.status, rowOf(await plain.text()).id], [200, 'owner/with-slash'], path);
    }
    const nobody = await apiFetch(`${apis[0]?.url}/v1/models/owner/nobody`, { headers: { 'x-api-key': customer.key } });
    assert.equal(nobody.status, 404);
    assert.match(await nobody.text(), /there is no model owner\/nobody/);
    assert.equal((await call(apis[0], 'GET', '/v1/models/1/2', { token: customer.token })).status, 400);
    await assert.rejects(client(limited.key).models.retrieve('owner/with-slash'), {
      status: 404,
      code: 'model_not_found',
    });
    await asRoot('POST', `/v1/models/${id}/status`, { status: 0 });
    await assert.rejects(client(customer.key).models.retrieve('owner/with-slash'), { status: 404 });
  });

  test('both headers at once: management takes the login token', async () => {
    const answer = await call(apis[0], 'GET', '/v1/models', { token: customer.token, key: customer.key });
    assert.equal(answer.code, 200);
    assert.ok(z.object({ total: z.number() }).safeParse(answer.data).success);
  });

  test('a repeated creation with the same Idempotency-Key makes one row', async () => {
    const headers = { 'idempotency-key': 'provider-once' };
    const first = await asRoot('POST', '/v1/providers', { name: 'once' }, headers);
    const second = await asRoot('POST', '/v1/providers', { name: 'once' }, headers);
    assert.deepEqual(second.data, first.data);
    const other = await asRoot('POST', '/v1/providers', { name: 'twice' }, headers);
    assert.deepEqual([other.status, other.code], [422, 409002]);
  });

  test('a change on one API process is seen by the next call on the other', async () => {
    const named = { displayName: 'P', modelIdentifier: 'pushed', capabilities: ['text-to-text'] };
    const { id } = await made('/v1/models', { ...named, pricing: PRICING, providerName: 'exact' });
    const key = customer.key;
    const seen = async () => {
      const answer = await apiFetch(`${apis[1]?.url}/v1/models/pushed`, { headers: { 'x-api-key': key } });
      await answer.arrayBuffer();
      return answer.status;
    };
    assert.equal(await seen(), 200);
    await asRoot('POST', `/v1/models/${id}/status`, { status: 0 });
    assert.equal(await seen(), 404);
  });

  test('many administrators at once create and change models, providers and keys', async () => {
    const twelve = Array.from({ length: 12 }, (_, index) => index);
    const model = { displayName: 'T', capabilities: ['text-to-text'], pricing: PRICING };
    const together = (ask: (index: number) => { method: string; path: string; body: object }) =>
      Promise.all(
        twelve.map((index) => {
          const { method, path, body } = ask(index);
          return call(apis[index % 2], method, path, { token: root, body });
        }),
      );
    const ids = (answers: Awaited<ReturnType<typeof together>>) => {
      for (const { status, message } of answers) assert.equal(status, 200, message);
      return answers.map(({ data }) => rowSchema.parse(data));
    };
    const urlBase = 'https://many.example/v1';
    const creation = (providerName: string, apiKey: string) => (index: number) => ({
      method: 'POST',
      path: '/v1/models',
      body: { ...model, modelIdentifier: `${providerName}-${index}`, providerName, urlBase, apiKey },
    });
    const ofOne = ids(await together(creation('one', `sk-${CANARY}-one`)));
    const [providerId] = new Set(ofOne.map((made) => made.providerId));
    const keys = await asRoot('GET', `/v1/providers/${providerId}/keys`);
    assert.equal(z.array(rowSchema).parse(keys.data).length, 1, 'one provider with one key serves all of them');
    const ofMany = ids(await together((index) => creation(`many-${index}`, `sk-${CANARY}-${index}`)(index)));
    assert.equal(new Set(ofMany.map((made) => made.providerId)).size, 12);
    const [first] = ofOne;
    ids(
      await together((index) => ({
        method: 'PUT',
        path: `/v1/models/${index % 2 === 0 ? first?.id : ofMany[index]?.id}`,
        body: { priority: index + 1, pricing: { input: `0.00000${index + 1}`, output: '0.00001' } },
      })),
    );
    const sameName = await together(() => ({
      method: 'POST',
      path: '/v1/providers',
      body: { name: 'same' },
    }));
    assert.deepEqual(sameName.map(({ status }) => status).sort(), [200, ...twelve.slice(1).map(() => 409)]);
    ids(
      await together((index) => ({
        method: 'PUT',
        path: `/v1/providers/${ofMany[index]?.providerId}`,
        body: { name: `new-${index}` },
      })),
    );
    ids(
      await together((index) => ({
        method: 'POST',
        path: '/v1/providers/keys',
        body: { providerId: ofMany[index % 3]?.providerId, apiKey: `sk-${CANARY}-more-${index}` },
      })),
    );
  });

  test('no log line holds a key', () => {
    for (const api of apis) assert.equal(readFileSync(api.logFile, 'utf8').includes('canary'), false);
  });
});
