/** Streams whose clients leave at any moment: each is charged by the provider's own count. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { apiFetch } from '../e2e/api-fetch.ts';
import { type Customer, newCustomer, type Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { addProvider, upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';
import { together } from './steady-load.ts';

const STREAMS = isFullChaos() ? 1_000 : 100;
const AT_ONCE = 20;
const MODEL = 'cut';
const UPSTREAM_MODEL = 'sim-chat-cut';
/** Of a stream, so that a client can leave in its middle. */
const CHUNK_PAUSE_MS = 10;
const MOST_TOKENS = 60;

describe('streams that their clients cut', () => {
  let product: Product;
  let customer: Customer;
  let simulator: ReturnType<typeof upstream>;
  before(async () => {
    ({ product } = await sharedProduct('routing'));
    simulator = upstream(product);
    customer = await newCustomer(product.apis[0]);
    const models = [{ identifier: MODEL, upstream: UPSTREAM_MODEL }];
    await addProvider(product, { name: MODEL, keys: ['sim-cut-1', 'sim-cut-2', 'sim-cut-3'], models });
    await simulator.fault({ fault: 'slow-chunks', value: CHUNK_PAUSE_MS, model: UPSTREAM_MODEL });
    await simulator.fault({ fault: 'length', value: MOST_TOKENS, model: UPSTREAM_MODEL });
  });

  /** Reads this many chunks of one stream and leaves; 0 = before its answer begins. */
  async function cutStream(index: number): Promise<'cut' | 'whole'> {
    const tokens = 1 + Math.floor(Math.random() * MOST_TOKENS);
    const chunksToRead = Math.floor(Math.random() * tokens);
    const leaving = new AbortController();
    if (chunksToRead === 0) setTimeout(() => leaving.abort(), Math.random() * 30);
    try {
      const answer = await apiFetch(`${product.apis[0]?.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'access-key': customer.key },
        body: JSON.stringify({
          model: MODEL,
          messages: [{ role: 'user', content: `story ${index} ${'and '.repeat(index % 50)}` }],
          max_tokens: tokens,
          stream: true,
        }),
        signal: leaving.signal,
      });
      const reader = answer.body?.getReader();
      for (let read = 0; reader && read < chunksToRead; read += 1) if ((await reader.read()).done) return 'whole';
      leaving.abort();
      return 'cut';
    } catch (error) {
      assert.ok(leaving.signal.aborted, String(error));
      return 'cut';
    }
  }

  test('the ledger and the provider agree on every call, to the token', async (t) => {
    let asked = 0;
    // Some end before their client could leave, many where the client is slow; others take their place.
    for (let cut = 0; cut < STREAMS; ) {
      const indexes = Array.from({ length: STREAMS - cut }, (_, index) => asked + index);
      asked += indexes.length;
      cut += (await together(indexes, AT_ONCE, cutStream)).filter((end) => end === 'cut').length;
      assert.ok(asked < 10 * STREAMS, `only ${cut} of ${asked} could be cut`);
    }
    await until('every hold is closed', () => product.isSettled());
    const charges = await product.rows(
      `SELECT prompt_tokens AS prompt, completion_tokens AS completion, estimated FROM transfers WHERE kind='charge'`,
    );
    const truth = (await simulator.journal()).filter(({ model, work }) => model === UPSTREAM_MODEL && work);
    t.diagnostic(`${STREAMS} of ${asked} streams were cut, ${truth.length} reached the provider`);
    assert.deepEqual(
      charges.map(({ prompt, completion }) => `${prompt}+${completion}`).sort(),
      truth.map(({ usage }) => `${usage?.promptTokens}+${usage?.completionTokens}`).sort(),
    );
    assert.deepEqual([...new Set(charges.map(({ estimated }) => Number(estimated)))], [0]);
    assert.deepEqual([...new Set(truth.map(({ outcome }) => outcome))], ['completed'], 'all were read to their end');
  });
});
