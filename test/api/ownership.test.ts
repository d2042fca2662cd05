/** Rows of one user, asked for by another: as if they were not there. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { z } from 'zod';
import { apiFetch } from '../e2e/api-fetch.ts';
import type { Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { ask, newKey, newPerson, numberAt, type Person, type RawAnswer, signIn, textAt } from './asking.ts';
import { type DescribedRoute, describedRoutes, filledPath } from './described.ts';

/** Paths whose ids are of rows that belong to nobody, or that only administrators reach. */
const NOT_OWNED = [
  '/docs/',
  '/v1/models/',
  '/v1/providers/',
  '/v1/users/',
  '/v1/statistics/logs/',
  '/v1/pictures/',
  '/v1/admin/',
];

/** In the envelope and in OpenAI's form. */
const NOT_FOUND: readonly unknown[] = [500002, '500002'];

const CHAT = { model: 'sim-chat', messages: [{ role: 'user', content: 'mine' }] };

interface Someone extends Person {
  readonly key: string;
}

describe('rows of another user', () => {
  let product: Product;
  let owner: Someone;
  let other: Someone;
  let routes: DescribedRoute[];
  /** Ids of the owner's rows, by path. */
  const owned = new Map<string, string>();
  let orderNo: string;
  const api = () => product.apis[0];

  before(async () => {
    ({ product } = await sharedProduct('api'));
    const root = await signIn(api(), 'root', product.rootPassword);
    const someone = async (): Promise<Someone> => {
      const person = await newPerson(api(), root, 'ROLE_USER', 5);
      return { ...person, key: (await newKey(api(), person.token)).text };
    };
    owner = await someone();
    other = await someone();
    routes = await describedRoutes(api());
    const bearer = owner.key;
    owned.set('/v1/access-keys/', String((await newKey(api(), owner.token)).id));
    const job = await ask(api(), 'POST', '/v1/async/chat', {
      bearer,
      body: { userMessage: 'mine', webhookUrl: 'https://hooks.example/mine' },
    });
    owned.set('/v1/async/jobs/', textAt(job, 'data.jobId'));
    const conversation = await ask(api(), 'POST', '/v1/conversations', { bearer });
    owned.set('/v1/conversations/', textAt(conversation, 'data.conversationId'));
    owned.set('/v1/webhooks/deliveries/', await deliveryOf(bearer));
    const response = await ask(api(), 'POST', '/v1/responses', { bearer, body: { model: 'sim-chat', input: 'mine' } });
    owned.set('/v1/responses/', textAt(response, 'id'));
    const line = { custom_id: '1', method: 'POST', url: '/v1/chat/completions', body: CHAT };
    const fileId = await uploaded(bearer, JSON.stringify(line));
    owned.set('/v1/files/', fileId);
    const batch = { input_file_id: fileId, endpoint: '/v1/chat/completions', completion_window: '24h' };
    owned.set('/v1/batches/', textAt(await ask(api(), 'POST', '/v1/batches', { bearer, body: batch }), 'id'));
    orderNo = textAt(
      await ask(api(), 'POST', '/v1/orders', { bearer: owner.token, body: { amount: 1 } }),
      'data.orderNo',
    );
  });

  const uploaded = async (bearer: string, text: string): Promise<string> => {
    const form = new FormData();
    form.set('purpose', 'batch');
    form.set('file', new Blob([text]), 'mine.jsonl');
    const headers = { authorization: `Bearer ${bearer}` };
    const answer = await apiFetch(`${api()?.url}/v1/files`, { method: 'POST', headers, body: form });
    return z.object({ id: z.string() }).parse(await answer.json()).id;
  };

  /** The delivery of the owner's job, once the job has ended. */
  const deliveryOf = async (bearer: string): Promise<string> => {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const found = (await ask(api(), 'GET', '/v1/webhooks/deliveries', { bearer })).at('data.records.0.id');
      if (typeof found === 'string') return found;
      assert.ok(Date.now() < deadline, 'the job has no delivery');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  const withId = (): { route: DescribedRoute; id: string }[] =>
    routes
      .filter(({ path, pathFields }) => pathFields.length > 0 && !NOT_OWNED.some((prefix) => path.startsWith(prefix)))
      .map((route) => {
        const [, id] = [...owned].find(([prefix]) => route.path.startsWith(prefix)) ?? [];
        assert.ok(id, `whose are the rows of ${route.path}? Add one of the owner's here, or the path to NOT_OWNED`);
        return { route, id };
      });

  const bearersOf = (route: DescribedRoute, someone: Someone): string[] => [
    ...(route.takesToken ? [someone.token] : []),
    ...(route.takesKey ? [someone.key] : []),
  ];

  const asBearer = (route: DescribedRoute, id: string, bearer: string): Promise<RawAnswer> => {
    const path = filledPath(route, () => id);
    return ask(api(), route.method, path, { bearer, ...(route.bodyFields === undefined ? {} : { body: {} }) });
  };

  test('every route that takes an id answers 404, with token or key', async () => {
    const cases = withId();
    assert.ok(cases.length >= 8, `only ${cases.length} routes`);
    for (const { route, id } of cases) {
      const bearers = bearersOf(route, other);
      assert.notEqual(bearers.length, 0, route.path);
      for (const bearer of bearers) {
        const answer = await asBearer(route, id, bearer);
        const code = answer.at('code') ?? answer.at('error.code');
        assert.equal(answer.status, 404, `${route.method} ${route.path}: ${answer.text}`);
        assert.ok(NOT_FOUND.includes(code), `${route.method} ${route.path}: ${answer.text}`);
      }
    }
  });

  test('an order of another is not there, nor can one be made for another', async () => {
    const call = (method: string, path: string, body?: unknown) =>
      ask(api(), method, path, { bearer: other.token, ...(body === undefined ? {} : { body }) });
    assert.equal((await call('GET', `/v1/orders/get?orderNo=${orderNo}`)).status, 404);
    assert.equal((await call('POST', '/v1/orders/cancel', { orderNo })).status, 404);
    const paid = await call('POST', '/v1/orders/pay-success', { orderNo });
    assert.ok([403, 404].includes(paid.status), paid.text);
    assert.equal((await call('POST', '/v1/orders', { amount: 1, userId: owner.id })).status, 403);
    const mine = await ask(api(), 'GET', `/v1/orders/get?orderNo=${orderNo}`, { bearer: owner.token });
    assert.equal(mine.at('data.status'), 'PENDING');
  });

  test('lists hold own rows only', async () => {
    for (const path of [
      '/v1/access-keys',
      '/v1/async/jobs',
      '/v1/orders/my',
      '/v1/webhooks/deliveries',
      '/v1/statistics/logs/me',
    ]) {
      const list = await ask(api(), 'GET', path, { bearer: other.token });
      assert.equal(list.status, 200, path);
      for (const id of [...owned.values(), orderNo]) assert.equal(list.text.includes(`"${id}"`), false, path);
    }
    const recent = await ask(api(), 'GET', '/v1/conversations/recent', { bearer: other.key });
    assert.deepEqual([recent.status, recent.at('data')], [200, []]);
  });

  test('the owner finds all of them as they were', async () => {
    for (const { route, id } of withId().filter(({ route: { method } }) => method === 'GET')) {
      // A stream of events of a job that has ended ends at once.
      for (const bearer of bearersOf(route, owner)) {
        assert.equal((await asBearer(route, id, bearer)).status, 200, route.path);
      }
    }
    const keys = await ask(api(), 'GET', '/v1/access-keys', { bearer: owner.token });
    assert.equal(numberAt(keys, 'data.1.id'), Number(owned.get('/v1/access-keys/')));
    assert.equal(keys.at('data.1.isActive'), true);
  });
});
