import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { z } from 'zod';
import { until } from '../until.ts';
import { apiFetch } from './api-fetch.ts';
import { type Customer, call, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';
import { addProvider, rootToken, upstream } from './upstream.ts';

const keysSchema = z.array(
  z.object({
    id: z.number(),
    circuit: z.string(),
    modelCircuits: z.array(z.object({ modelIdentifier: z.string(), circuit: z.string() })),
  }),
);
const probeSchema = z.object({ ok: z.boolean(), failure: z.string().optional() });

describe('which model and key serve a call', () => {
  let product: Product;
  let customer: Customer;
  let root: string;
  let simulator: ReturnType<typeof upstream>;
  before(async () => {
    ({ product } = await sharedProduct('routing'));
    simulator = upstream(product);
    customer = await newCustomer(product.apis[0]);
    root = await rootToken(product);
  });

  const api = () => product.apis[0];
  const chat = (modelIdentifier?: string) =>
    call(api(), 'POST', '/v1/chat', { key: customer.key, body: { userMessage: 'hello', modelIdentifier } });
  const modelOf = (data: unknown) => z.object({ usedModelIdentifier: z.string() }).parse(data).usedModelIdentifier;
  const testKey = async (keyId = 0) =>
    probeSchema.parse((await call(api(), 'POST', `/v1/providers/keys/${keyId}/test`, { token: root })).data);
  const circuitOf = async (keyId = 0) => (await keyOf(keyId))?.circuit;
  const modelCircuitsOf = async (keyId = 0) =>
    (await keyOf(keyId))?.modelCircuits.map(({ modelIdentifier, circuit }) => [modelIdentifier, circuit]);
  const keyOf = async (keyId: number) => {
    const [row] = await product.rows(`SELECT provider_id AS id FROM provider_keys WHERE id=${keyId}`);
    const answer = await call(api(), 'GET', `/v1/providers/${row?.id}/keys`, { token: root });
    return keysSchema.parse(answer.data).find(({ id }) => id === keyId);
  };

  test('a refused key is tried again on a schedule and comes back without any caller', async () => {
    const key = 'sim-refused';
    const models = [{ identifier: 'refused', upstream: 'sim-chat-refused' }];
    const [keyId] = await addProvider(product, { name: 'refusing', keys: [key], models });
    await simulator.keyState(key, 'revoked');
    assert.equal((await chat('refused')).status, 503);
    assert.equal(await circuitOf(keyId), 'open');
    await until('the scheduled probe was refused too', async () => {
      return ((await simulator.counts()).byKey[key]?.refused ?? 0) >= 2;
    });
    await simulator.keyState(key, 'valid');
    await until('it is back', async () => (await circuitOf(keyId)) === 'closed', 20_000);
    assert.equal((await chat('refused')).status, 200);
  });

  test('an administrator’s test takes a key out and puts it back', async () => {
    const key = 'sim-tested';
    const models = [{ identifier: 'tested', upstream: 'sim-chat-tested' }];
    const [keyId] = await addProvider(product, { name: 'tested', keys: [key], models });
    await simulator.fault({ fault: '429', value: 300, key });
    assert.deepEqual(await testKey(keyId), { ok: false, failure: 'rate' });
    assert.equal(await circuitOf(keyId), 'open');
    const refused = await chat('tested');
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 200);
    await simulator.noFaults();
    assert.equal((await testKey(keyId)).ok, true);
    assert.equal(await circuitOf(keyId), 'closed');
    assert.equal((await chat('tested')).status, 200);
  });

  test('a model that fails leaves its neighbour on the same key alone, until the key itself is refused', async () => {
    const key = 'sim-neighbours';
    const models = ['broken', 'well'].map((name) => ({ identifier: name, upstream: `sim-chat-${name}` }));
    const [keyId] = await addProvider(product, { name: 'neighbours', keys: [key], models });
    await simulator.fault({ fault: '500', model: 'sim-chat-broken' });
    await until('the model is out', async () => (await chat('broken')).status === 503);
    assert.equal((await chat('well')).status, 200);
    assert.deepEqual(await modelCircuitsOf(keyId), [['broken', 'open']]);
    assert.equal(await circuitOf(keyId), 'closed', 'the key is called');
    await simulator.noFaults();
    await simulator.keyState(key, 'revoked');
    assert.equal((await chat('well')).status, 503);
    assert.equal(await circuitOf(keyId), 'open');
  });

  test('a provider without a text model is tested by its list of models', async () => {
    const [keyId] = await addProvider(product, { name: 'no-models', keys: ['sim-lists'], models: [] });
    assert.equal((await testKey(keyId)).ok, true);
    await simulator.keyState('sim-lists', 'revoked');
    assert.deepEqual(await testKey(keyId), { ok: false, failure: 'account' });
    assert.equal(await circuitOf(keyId), 'open');
  });

  test('of models of one priority, that which failed less in the last minutes comes first', async () => {
    const at = { priority: 1 };
    await addProvider(product, {
      name: 'even',
      keys: ['sim-even-1', 'sim-even-2', 'sim-even-3'],
      models: [{ identifier: 'even', upstream: 'sim-chat-even', ...at }],
    });
    assert.equal(modelOf((await chat()).data), 'sim-chat', 'the first of those with the lowest number');
    await simulator.fault({ fault: '500', model: 'sim-chat' });
    const served = modelOf((await chat()).data);
    assert.equal(served, 'even', 'the next model, after the first has failed');
    await simulator.noFaults();
    await simulator.forget();
    assert.equal(modelOf((await chat()).data), 'even');
    assert.equal((await simulator.counts()).byModel['sim-chat'], undefined, 'the one that failed was not called');
  });

  test('keys are seen in the metrics under their provider’s name', async () => {
    const text = await (await apiFetch(`${api()?.url}/metrics`)).text();
    assert.match(text, /provider_key_picks_total\{provider="tested",key_id="\d+"\} [1-9]/);
    assert.match(text, /provider_key_failures_total\{provider="refusing",key_id="\d+",class="account"\} [1-9]/);
    assert.match(text, /provider_key_circuit_state\{provider="simulator",key_id="\d+"\} 0/);
  });
});
