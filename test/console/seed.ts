/** Something in every view: calls, jobs, orders, a conversation, deliveries, all of the administrator's own. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';

const withToken = z.object({ token: z.string() });
const withKey = z.object({ keyValue: z.string() });
const withJob = z.object({ jobId: z.string() });
const withOrder = z.object({ orderNo: z.string() });

export interface Seeded {
  readonly rootId: number;
  readonly jobId: string;
  readonly orderNo: string;
  readonly token: string;
}

/** @param webhookUrl receives a message when a job ends. */
export async function seed(product: Product, webhookUrl: string): Promise<Seeded> {
  const [api] = product.apis;
  const login = { username: 'root', password: product.rootPassword };
  const { token } = withToken.parse((await call(api, 'POST', '/v1/auth/login', { body: login })).data);
  let requests = 0;
  const changed = async (method: string, path: string, body: object, key?: string) => {
    requests += 1;
    const headers = { 'idempotency-key': `seed-${requests}` };
    const answer = await call(api, method, path, { ...(key === undefined ? { token } : { key }), body, headers });
    assert.ok(answer.status < 300, `${path}: ${answer.message}`);
    return answer.data;
  };
  const me = await call(api, 'GET', '/v1/auth/me', { token });
  const { id: rootId } = z.object({ id: z.number() }).parse(me.data);
  const order = async (amount: string) => withOrder.parse(await changed('POST', '/v1/orders', { amount })).orderNo;
  const orderNo = await order('50');
  await changed('POST', '/v1/orders/pay-success', { orderNo });
  await order('12.5');
  const { keyValue: key } = withKey.parse(
    await changed('POST', '/v1/access-keys', { name: 'laptop', budget: '10', budgetPeriod: 'month', rpmLimit: 600 }),
  );
  await changed('POST', '/v1/access-keys', { name: 'server' });
  for (const userMessage of ['hello', 'What is an ocean?']) {
    await changed('POST', '/v1/chat', { userMessage, modelIdentifier: 'sim-chat' }, key);
  }
  await call(api, 'POST', '/v1/chat', { key, body: { userMessage: '[error]', modelIdentifier: 'no-such-model' } });
  const chat = { userMessage: 'Remember the ocean', modelIdentifier: 'sim-chat', persistHistory: true, webhookUrl };
  const { jobId } = withJob.parse(await changed('POST', '/v1/async/chat', chat, key));
  const picture = withJob.parse(
    await changed('POST', '/v1/async/generate-image', { prompt: 'A lighthouse', modelIdentifier: 'sim-image' }, key),
  );
  for (const id of [jobId, picture.jobId]) await jobEnd(api, key, id);
  const customer = await newCustomer(api);
  await changed('POST', `/v1/users/${customer.userId}/adjust-balance`, { amount: '3.000000001', reason: 'a gift' });
  const hello = { userMessage: 'hello', modelIdentifier: 'sim-chat' };
  assert.equal((await call(api, 'POST', '/v1/chat', { key: customer.key, body: hello })).status, 200);
  await changed('POST', '/v1/admin/reconciliations', {});
  return { rootId, jobId, orderNo, token };
}
