/** Twenty keys of a provider, four of them bad, each in a way of its own. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { type Customer, call, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { addProvider, type JournalEntry, upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';
import { steadyLoad } from './steady-load.ts';

const FULL = isFullChaos();
const LOAD_MS = FULL ? 60_000 : 10_000;
const PER_SECOND = 50;
const KEYS = Array.from({ length: 20 }, (_, index) => `sim-key-${index + 1}`);
const [REFUSED = '', LIMITED = '', FAILING = '', HANGING = ''] = KEYS;
const BAD = [REFUSED, LIMITED, FAILING, HANGING];
/** Longer than the load, so that a probe is one call more at most. */
const LIMITED_SECONDS = FULL ? 60 : 15;
const FAILURES_TO_OPEN = 5;
/** Open for 30 s the first time and 60 s the second; the scheduled probe looks every 5 s. */
const HEALED_WITHIN_MS = FULL ? 150_000 : 80_000;

describe('four bad keys among twenty', () => {
  let product: Product;
  let customer: Customer;
  let simulator: ReturnType<typeof upstream>;
  before(async () => {
    product = await startProduct({
      name: 'bad-keys',
      worker: false,
      apis: 2,
      settings: {
        REGISTRATION_GRANT: '1000',
        REFUSED_KEY_RETRY: '20s',
        UPSTREAM_FIRST_BYTE_TIMEOUT: '2s',
        UPSTREAM_TOTAL_TIMEOUT: '20s',
      },
    });
    simulator = upstream(product);
    customer = await newCustomer(product.apis[0]);
    const models = [{ identifier: 'twenty', upstream: 'sim-chat-twenty' }];
    await addProvider(product, { name: 'twenty', keys: KEYS, models });
  });
  after(() => product.close());

  /** Each call is a conversation of its own: equal ones would keep to one key. */
  const chat = async (index: number) => {
    const body = { userMessage: `hello ${index}`, modelIdentifier: 'twenty', options: { max_tokens: 16 } };
    const answer = await call(product.apis[index % 2], 'POST', '/v1/chat', { key: customer.key, body });
    return answer.status;
  };

  test('nearly every caller is served, bad keys are hardly used, and all of them come back', async (t) => {
    await simulator.keyState(REFUSED, 'revoked');
    await simulator.fault({ fault: '429', value: LIMITED_SECONDS, key: LIMITED });
    await simulator.fault({ fault: '500', key: FAILING });
    await simulator.fault({ fault: 'hang', key: HANGING });
    const statuses = await steadyLoad({ perSecond: PER_SECOND, forMs: LOAD_MS, call: chat });
    const served = statuses.filter((status) => status === 200).length;
    t.diagnostic(`${served} of ${statuses.length} calls were served`);
    assert.ok(served >= 0.99 * statuses.length, `${served} of ${statuses.length}`);
    const journal = (await simulator.journal()).filter(({ work }) => work);
    for (const key of BAD) {
      const calls = journal.filter((entry) => entry.key === key);
      const allowed = FAILURES_TO_OPEN + 1 + inFlightAtFifthFailure(calls);
      t.diagnostic(`${key} was used ${calls.length} times, ${allowed} are allowed`);
      assert.ok(calls.length >= 1 && calls.length <= allowed, `${key} was used ${calls.length} times`);
    }
    await heal(t);
  });

  async function heal(t: { diagnostic(message: string): void }): Promise<void> {
    await simulator.keyState(REFUSED, 'valid');
    await simulator.noFaults();
    await simulator.forget();
    const healed = performance.now();
    let turn = 0;
    await until(
      'every key serves again',
      async () => {
        await Promise.all(Array.from({ length: 5 }, () => chat(turn++)));
        const { byKey } = await simulator.counts();
        return KEYS.every((key) => (byKey[key]?.completed ?? 0) >= 2);
      },
      HEALED_WITHIN_MS,
    );
    t.diagnostic(`all keys serve again after ${Math.round((performance.now() - healed) / 1_000)} s`);
  }
});

/** Calls with the key that had begun and not ended when its fifth failure ended. */
function inFlightAtFifthFailure(calls: readonly JournalEntry[]): number {
  const ends = calls.map(({ endedAtMs }) => endedAtMs ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const at = ends[FAILURES_TO_OPEN - 1] ?? ends.at(-1) ?? 0;
  return calls.filter(({ startedAtMs, endedAtMs }) => startedAtMs <= at && (endedAtMs ?? Infinity) > at).length;
}
