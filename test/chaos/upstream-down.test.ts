/** A provider that is down is not called more often because of that, and no caller waits longer than the deadline. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { type Customer, call, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { addProvider, upstream } from '../e2e/upstream.ts';
import { steadyLoad } from './steady-load.ts';

const LOAD_MS = isFullChaos() ? 60_000 : 10_000;
const PER_SECOND = 50;
const DEADLINE_MS = 6_000;
/** Reading the answer, on a machine that does other things too. */
const MARGIN_MS = 1_000;
const ATTEMPTS_PER_REQUEST = 1.2;

describe('a provider that is wholly down', () => {
  let product: Product;
  let customer: Customer;
  let simulator: ReturnType<typeof upstream>;
  before(async () => {
    product = await startProduct({
      name: 'upstream-down',
      worker: false,
      apis: 2,
      settings: {
        REGISTRATION_GRANT: '1000',
        UPSTREAM_FIRST_BYTE_TIMEOUT: '2s',
        UPSTREAM_TOTAL_TIMEOUT: `${DEADLINE_MS}ms`,
      },
    });
    simulator = upstream(product);
    customer = await newCustomer(product.apis[0]);
  });
  after(() => product.close());

  for (const fault of ['reset', 'hang', '500']) {
    test(`${fault}: at most 1.2 attempts a request, every caller has its answer in time`, async (t) => {
      const model = `down-${fault}`;
      await addProvider(product, {
        name: model,
        keys: Array.from({ length: 20 }, (_, index) => `sim-${model}-${index}`),
        models: [{ identifier: model, upstream: `sim-chat-${model}` }],
      });
      await simulator.forget();
      await simulator.fault({ fault, model: `sim-chat-${model}` });
      const answers = await steadyLoad({
        perSecond: PER_SECOND,
        forMs: LOAD_MS,
        call: async (index) => {
          const started = performance.now();
          const body = { userMessage: 'hello', modelIdentifier: model };
          const api = product.apis[index % 2];
          const { status } = await call(api, 'POST', '/v1/chat', { key: customer.key, body });
          return { status, tookMs: performance.now() - started };
        },
      });
      const { calls: attempts = 0 } = (await simulator.counts()).byModel[`sim-chat-${model}`] ?? {};
      const slowestMs = Math.max(...answers.map(({ tookMs }) => tookMs));
      const statuses = [...new Set(answers.map(({ status }) => status))].sort();
      t.diagnostic(
        `${attempts} attempts for ${answers.length} requests; slowest ${Math.round(slowestMs)} ms; ${statuses}`,
      );
      assert.ok(
        attempts <= ATTEMPTS_PER_REQUEST * answers.length,
        `${attempts} attempts for ${answers.length} requests`,
      );
      assert.ok(slowestMs <= DEADLINE_MS + MARGIN_MS, `${slowestMs} ms`);
      assert.deepEqual(
        statuses.filter((status) => ![502, 503, 504].includes(status)),
        [],
      );
      assert.ok(statuses.includes(503), 'once all its keys are out, callers are told at once');
    });
  }

  test('nobody was charged, and nothing is held', async () => {
    assert.deepEqual(await product.rows("SELECT id FROM transfers WHERE kind='charge'"), []);
    assert.equal(await product.openHolds(), 0);
  });
});
