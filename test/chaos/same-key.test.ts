/** Many callers with one Idempotency-Key: one charge and one provider call, also when a process dies in the middle. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { apiFetch } from '../e2e/api-fetch.ts';
import { type Customer, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';
import { together } from './steady-load.ts';

const KEYS = isFullChaos() ? 200 : 20;
const CALLERS = 20;
const KEYS_AT_ONCE = 5;
const LATENCY_MS = 200;
const ANSWERED_WITHIN_MS = 60_000;

describe('one Idempotency-Key from twenty callers at once', () => {
  let product: Product;
  let customer: Customer;
  let simulator: ReturnType<typeof upstream>;
  before(async () => {
    const settings = { REGISTRATION_GRANT: '1000', WRITER_TTL: '2s' };
    product = await startProduct({ name: 'same-key', apis: 2, settings });
    simulator = upstream(product);
    customer = await newCustomer(product.apis[0]);
    await simulator.fault({ fault: 'latency', value: LATENCY_MS, model: 'sim-chat' });
  });
  after(() => product.close());

  /** Asks, and asks again while the answer says so. */
  async function answerTo(key: string, caller: number): Promise<string> {
    const end = Date.now() + ANSWERED_WITHIN_MS;
    for (let tries = caller; ; tries += 1) {
      const answer = await apiFetch(`${product.apis[tries % 2]?.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'access-key': customer.key, 'idempotency-key': key },
        body: JSON.stringify({ model: 'sim-chat', messages: [{ role: 'user', content: key }], max_tokens: 20 }),
      }).catch(() => undefined);
      const text = await answer?.text().catch(() => undefined);
      if (answer?.status === 200 && text !== undefined) return text;
      assert.ok(answer === undefined || [409, 503].includes(answer.status), `${answer?.status} ${text}`);
      if (answer?.status === 409) assert.ok(Number(answer.headers.get('retry-after')) >= 1);
      assert.ok(Date.now() < end, `${key} has no answer in time`);
      await delay(100);
    }
  }

  async function ask(prefix: string): Promise<void> {
    const keys = Array.from({ length: KEYS }, (_, index) => `${prefix}-${index}`);
    await together(keys, KEYS_AT_ONCE, async (key) => {
      const callers = Array.from({ length: CALLERS }, (_, caller) => answerTo(key, caller));
      const answers = new Set(await Promise.all(callers));
      assert.equal(answers.size, 1, `${key}: all have the same answer`);
    });
  }

  const charges = async () => {
    const [row] = await product.rows("SELECT COUNT(*) AS n FROM transfers WHERE kind='charge'");
    return Number(row?.n);
  };
  const calls = async () => (await simulator.counts()).byModel['sim-chat']?.calls ?? 0;

  test('one charge and one provider call each', async () => {
    await simulator.forget();
    await ask('calm');
    assert.deepEqual([await charges(), await calls()], [KEYS, KEYS]);
  });

  test('a process killed in the middle: still one charge each, and no more calls than were under way', async (t) => {
    await simulator.forget();
    await simulator.fault({ fault: 'latency', value: 3 * LATENCY_MS, model: 'sim-chat' });
    const before = await charges();
    const asking = ask('killed');
    await until('some are answered and others under way', async () => {
      const running = (await simulator.counts()).byModel['sim-chat']?.running ?? 0;
      return running > 0 && (await charges()) - before >= KEYS / 4;
    });
    const charged = (await charges()) - before;
    await product.apis[0]?.kill('SIGKILL');
    // Begun and not charged: only for these may another call be made.
    const underWay = (await calls()) - charged;
    await product.apis[0]?.start();
    await asking;
    assert.equal((await charges()) - before, KEYS);
    const made = await calls();
    t.diagnostic(`${made} provider calls for ${KEYS} keys, ${underWay} were under way at the kill`);
    assert.ok(made >= KEYS && made <= KEYS + underWay, `${made} calls for ${KEYS} keys, ${underWay} under way`);
    await until('no hold is left open', () => product.isSettled());
  });
});
