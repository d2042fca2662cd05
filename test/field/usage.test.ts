/** What is charged for usages as vendors write them, and by rules of a price: in a call, a stream and a job. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { z } from 'zod';
import { apiFetch } from '../e2e/api-fetch.ts';
import { chunk, json, type OddProvider, streamed, whole } from '../e2e/odd-provider.ts';
import { type Customer, call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { rootToken, upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
/** Prices of one token: 1,000 nano-units in, 10,000 out, 100 cached, 1,250 and 2,000 written. */
const PRICING = {
  ...{ input: '0.000001', output: '0.00001', cachedInput: '0.0000001' },
  ...{ cacheWrite: '0.00000125', hourCacheWrite: '0.000002', perSearch: '0.01' },
};
const RULES = [
  { name: 'above 128k', when: { promptTokensAbove: 128_000 }, input: '0.000003' },
  { name: 'above 32k', when: { promptTokensAbove: 32_000 }, input: '0.000002' },
  { name: 'priority', when: { serviceTier: 'Priority' }, input: '0.000002', output: '0.00002' },
  { name: 'morning', when: { utcFrom: '00:00', utcUntil: '12:00', thinking: true }, output: '0.000005' },
  { name: 'evening', when: { utcFrom: '12:00', utcUntil: '00:00', thinking: true }, output: '0.000005' },
];

interface Counts {
  readonly prompt: number;
  readonly completion: number;
}

interface Played {
  /** Of the simulator, by its name. */
  readonly fault: string;
  /** What is charged, from the true counts; `ours`: by our own count, which is near it. */
  readonly charged: (counts: Counts) => { prompt: number | 'ours'; completion: number | 'ours'; cached?: number };
  readonly doubt?: string;
  /** Only a stream has it. */
  readonly isOfStreams?: true;
}

const asCounted = (counts: Counts) => counts;
const ours = () => ({ prompt: 'ours', completion: 'ours' }) as const;
const withCached = (counts: Counts) => ({ ...counts, cached: 4 });

const PLAYED: readonly Played[] = [
  ...['usage-in-choice', 'usage-in-x-groq', 'usage-twice', 'usage-so-far', 'usage-then-zeros'].map(
    (fault): Played => ({ fault, charged: asCounted }),
  ),
  ...['cached-at-top', 'cached-hit', 'cached-beside', 'cached=4'].map((fault) => ({ fault, charged: withCached })),
  {
    fault: 'reasoning-outside=300',
    charged: ({ prompt, completion }) => ({ prompt, completion: completion + 300 }),
  },
  {
    fault: 'reasoning-in-total=300',
    charged: ({ prompt, completion }) => ({ prompt, completion: completion + 300 }),
    doubt: 'unexplained',
  },
  {
    fault: 'reasoning-above-completion',
    charged: ({ prompt, completion }) => ({ prompt, completion: completion + 1 }),
    doubt: 'unexplained',
  },
  ...['no-usage', 'null-usage'].map((fault) => ({ fault, charged: ours, doubt: 'missing' })),
  ...['negative-usage', 'fractional-usage', 'text-usage', 'huge-usage'].map((fault) => ({
    fault,
    charged: ours,
    doubt: 'impossible',
  })),
  { fault: 'zero-usage', charged: ours, doubt: 'too-small' },
  { fault: 'half-usage', charged: ({ prompt }) => ({ prompt, completion: 'ours' }), doubt: 'impossible' },
  {
    fault: 'usage-too-soon',
    charged: ({ prompt }) => ({ prompt, completion: 'ours' }),
    doubt: 'missing',
    isOfStreams: true,
  },
];

const chargeSchema = z.object({ cost: z.coerce.bigint(), rule: z.string().nullable(), loss: z.coerce.bigint() });

describe('usage and rules of a price', () => {
  let product: Product;
  let customer: Customer;
  let provider: OddProvider;
  let token: string;

  const addModel = (body: object) =>
    call(product.apis[0], 'POST', '/v1/models', {
      token,
      body: { providerName: 'odd', capabilities: ['text-to-text', 'image-to-text'], priority: 60, ...body },
    });

  before(async () => {
    ({ product, odd: provider } = await sharedProduct('field'));
    await provider.join(product);
    token = await rootToken(product);
    customer = await newCustomer(product.apis[0]);
    for (const [modelIdentifier, pricing] of [
      ['flat', PRICING],
      ['ruled', { ...PRICING, mostSearches: 4, rules: RULES }],
    ] as const) {
      const added = await addModel({ displayName: modelIdentifier, modelIdentifier, pricing });
      assert.equal(added.status, 200, added.message);
    }
  });

  const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    apiFetch(`${product.apis[0]?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'access-key': customer.key, ...headers },
      body: JSON.stringify(body),
    });
  const chargeOf = async (id: string | null) => {
    await until('the call is charged', async () => {
      const rows = await product.rows(`SELECT 1 FROM transfers WHERE id='${id}' AND kind='charge'`);
      return rows.length === 1;
    });
    const [row] = await product.rows(
      `SELECT SUM(IF(kind IN ('charge','overrun'),-amount,0)) AS cost, MAX(price_rule) AS rule,
              SUM(IF(kind='loss',amount,0)) AS loss FROM transfers WHERE id='${id}'`,
    );
    return chargeSchema.parse(row);
  };

  const words = 'word '.repeat(20);
  const prompt = { userMessage: `Tell me about the sea. ${'word '.repeat(2_500)}` };
  const messages = [{ role: 'user', content: prompt.userMessage }];
  const stop = chunk({}, 'stop');
  const withUsage = (usage: object, more: object = {}) => JSON.stringify({ choices: [], usage, ...more });

  /** The same usage through a call, a stream and a job; each answer is charged so. */
  async function chargedEverywhere(model: string, usage: object, more: object = {}) {
    const charges: unknown[] = [];
    provider.answer = (response) => {
      const { stream } = provider.bodies.at(-1) ?? {};
      const answer =
        stream === true
          ? streamed([chunk({ content: words }), stop, withUsage(usage, more)])
          : whole({ content: words }, usage, more);
      answer(response);
    };
    for (const stream of [false, true]) {
      const reply = await post('/v2/chat', { model, messages, stream });
      const text = await reply.text();
      assert.equal(reply.status, 200, text);
      charges.push(await chargeOf(reply.headers.get('x-request-id')));
    }
    const submitted = await call(product.apis[0], 'POST', '/v1/async/chat', {
      key: customer.key,
      body: { ...prompt, modelIdentifier: model },
    });
    const { jobId } = z.object({ jobId: z.string() }).parse(submitted.data);
    const job = await jobEnd(product.apis[0], customer.key, jobId);
    assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
    charges.push(await chargeOf(jobId));
    return charges;
  }
  const thrice = (cost: bigint, rule: string | null = null) =>
    Array.from({ length: 3 }, () => ({ cost, rule, loss: 0n }));

  const USAGES: readonly (readonly [string, object, bigint])[] = [
    [
      'thoughts beside the completion, part of the prompt cached',
      {
        ...{ prompt_tokens: 10_120, completion_tokens: 1_499, total_tokens: 14_428 },
        prompt_tokens_details: { cached_tokens: 128 },
        completion_tokens_details: { reasoning_tokens: 2_809 },
      },
      53_084_800n,
    ],
    [
      'thoughts inside the completion',
      {
        ...{ prompt_tokens: 100, completion_tokens: 500, total_tokens: 600 },
        completion_tokens_details: { reasoning_tokens: 400 },
      },
      5_100_000n,
    ],
    [
      'tokens written to the cache',
      {
        prompt_tokens: 18_014,
        completion_tokens: 5,
        total_tokens: 18_019,
        prompt_tokens_details: { cache_write_tokens: 18_011 },
      },
      22_566_750n,
    ],
    [
      'cached tokens at the top',
      { prompt_tokens: 2_048, completion_tokens: 12, total_tokens: 2_060, cached_tokens: 1_792 },
      555_200n,
    ],
    [
      'tokens of the cache beside the input, some for an hour, and a search',
      {
        ...{ input_tokens: 2_048, output_tokens: 503, cache_read_input_tokens: 1_800 },
        cache_creation_input_tokens: 248,
        cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
        server_tool_use: { web_search_requests: 1 },
      },
      17_643_000n,
    ],
  ];
  for (const [name, usage, cost] of USAGES) {
    test(`${name}: ${cost}`, async () => {
      assert.deepEqual(await chargedEverywhere('flat', usage), thrice(cost));
    });
  }

  test('a stream with its usage inside the choice is charged by it', async () => {
    const usage = { prompt_tokens: 19, completion_tokens: 13, total_tokens: 32, cached_tokens: 10 };
    const last = JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage }] });
    provider.answer = streamed([chunk({ content: words }), last]);
    const reply = await post('/v2/chat', { model: 'flat', messages, stream: true });
    await reply.text();
    assert.equal((await chargeOf(reply.headers.get('x-request-id'))).cost, 140_000n);
  });

  test('a response that fails in its stream is charged by what the provider has counted, and ends once', async () => {
    const create = async (path: string, body: object) => {
      const made = await call(product.apis[0], 'POST', path, { token, body });
      assert.ok(made.status < 300, made.message);
    };
    // With a key of its own, whose failures hinder nobody.
    await create('/v1/providers', { name: 'odd-responses', kind: 'openai', urlBase: `http://${provider.host}/v1` });
    await create('/v1/providers/keys', { providerName: 'odd-responses', apiKey: 'an-odd-key-of-responses' });
    const named = { displayName: 'responding', modelIdentifier: 'responding', providerName: 'odd-responses' };
    await create('/v1/models', {
      ...{ ...named, pricing: PRICING, priority: 60, capabilities: ['text-to-text'] },
      needs: { chatInterface: 'responses' },
    });
    const counted = { input_tokens: 100, output_tokens: 50, total_tokens: 150 };
    const response = { id: 'resp_1', object: 'response', status: 'in_progress', output: [], usage: null, error: null };
    for (const error of [null, { code: 'server_error', message: 'boom' }]) {
      const events = [
        { type: 'response.created', response },
        { type: 'response.output_text.delta', output_index: 0, item_id: 'msg_1', content_index: 0, delta: 'So' },
        { type: 'response.failed', response: { ...response, status: 'failed', usage: counted, error } },
      ];
      provider.answer = streamed(events.map((event) => JSON.stringify(event)));
      const reply = await post('/v1/responses', { model: 'responding', input: 'x', stream: true });
      const types = [...(await reply.text()).matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
      assert.deepEqual(types, ['response.created', 'response.output_text.delta', 'response.failed']);
      assert.equal((await chargeOf(reply.headers.get('x-request-id'))).cost, 600_000n);
    }
  });

  test('an image is charged as it was counted, never by the text alone', async () => {
    provider.answer = whole({ content: words }, { prompt_tokens: 36_848, completion_tokens: 20, total_tokens: 36_868 });
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
    ];
    const reply = await post('/v2/chat', { model: 'flat', messages: [{ role: 'user', content }], max_tokens: 100 });
    assert.equal(reply.status, 200, await reply.text());
    assert.deepEqual(await chargeOf(reply.headers.get('x-request-id')), { cost: 37_048_000n, rule: null, loss: 0n });
  });

  describe('usages that the simulator plays, in a call, a stream and a job', () => {
    const question = 'What does the tide do?';
    const usedSchema = z.object({
      prompt: z.number(),
      completion: z.number(),
      cached: z.number(),
      cost: z.coerce.bigint(),
      estimated: z.coerce.number(),
    });

    before(async () => {
      const post = (path: string, body: object) => call(product.apis[0], 'POST', path, { token, body });
      await post('/v1/providers', { name: 'played', kind: 'openai', urlBase: `${product.simulator.url}/v1` });
      await post('/v1/providers/keys', { providerName: 'played', apiKey: 'sim-played' });
      for (const fault of [...PLAYED.map((one) => one.fault), 'total-only', 'too-large-usage']) {
        const names = { displayName: fault, modelIdentifier: fault, upstreamModel: `sim-chat!${fault}` };
        const added = await addModel({ ...names, providerName: 'played', pricing: PRICING });
        assert.equal(added.status, 200, added.message);
      }
    });

    /** What the answer to a whole call, or a stream that had no usage of its vendor, shows its client. */
    const reported = new Map<string, unknown>();
    const usageReported = z.looseObject({
      prompt_tokens: z.number(),
      completion_tokens: z.number(),
      total_tokens: z.number(),
    });

    /** Ids of a call, a stream and a job, all of which have ended. */
    async function usedEverywhere(model: string): Promise<string[]> {
      const submitted = await call(product.apis[0], 'POST', '/v1/async/chat', {
        key: customer.key,
        body: { userMessage: question, modelIdentifier: model },
      });
      const { jobId } = z.object({ jobId: z.string() }).parse(submitted.data);
      const ids: string[] = [];
      for (const stream of [false, true]) {
        const body = { model, messages: [{ role: 'user', content: question }], stream };
        const reply = await post('/v2/chat', { ...body, ...(stream && { stream_options: { include_usage: true } }) });
        const text = await reply.text();
        assert.equal(reply.status, 200, text);
        const id = reply.headers.get('x-request-id') ?? '';
        const last = /data: (.*)\n\n: x-cost/.exec(text)?.[1];
        if (!stream || model === 'no-usage') reported.set(id, JSON.parse(stream ? (last ?? '') : text).usage);
        ids.push(id);
      }
      const job = await jobEnd(product.apis[0], customer.key, jobId);
      assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
      return [...ids, jobId];
    }

    /** What the simulator truly counted for each call with the fault: all the same, as the request is. */
    async function counted(fault: string): Promise<Counts> {
      const [name] = fault.split('=');
      const entries = await upstream(product).journal();
      const usages = entries.flatMap(({ faults, usage }) =>
        usage &&
        z
          .array(z.string())
          .parse(faults)
          .includes(name ?? '')
          ? [usage]
          : [],
      );
      assert.ok(usages.length >= 3, `${usages.length} calls`);
      const [first, ...others] = usages.map((usage) => [usage.promptTokens, usage.completionTokens]);
      for (const other of others) assert.deepEqual(other, first);
      return { prompt: first?.[0] ?? 0, completion: first?.[1] ?? 0 };
    }

    /** The charge in the ledger, which the usage log must show as well. */
    async function ledgerAndLog(id: string, doubt: string | null) {
      await chargeOf(id);
      const [row] = await product.rows(
        `SELECT prompt_tokens AS prompt, completion_tokens AS completion, cached_tokens AS cached, -amount AS cost, estimated
           FROM transfers WHERE id='${id}' AND kind='charge'`,
      );
      const used = usedSchema.parse(row);
      const logSchema = z.array(
        z.looseObject({
          requestId: z.string(),
          promptTokens: z.number(),
          completionTokens: z.number(),
          cost: z.number(),
        }),
      );
      await until('the usage log has the call', async () => {
        const { data } = await call(product.apis[0], 'GET', '/v1/statistics/logs/me', { token: customer.token });
        const logged = logSchema.parse(data).find(({ requestId }) => requestId === id);
        if (logged === undefined) return false;
        assert.deepEqual([logged.promptTokens, logged.completionTokens], [used.prompt, used.completion]);
        assert.equal(Math.round(logged.cost * 1e9), Number(used.cost));
        assert.equal(logged.doubt, doubt);
        return true;
      });
      return used;
    }

    for (const { fault, charged, doubt, isOfStreams } of PLAYED) {
      test(`${fault} is charged as it is and reported`, async () => {
        const ids = await usedEverywhere(fault);
        const truth = await counted(fault);
        for (const [at, id] of ids.entries()) {
          // A job streams, too.
          const isPlayed = isOfStreams === undefined || at > 0;
          const used = await ledgerAndLog(id, isPlayed ? (doubt ?? null) : null);
          const expected = isPlayed ? charged(truth) : truth;
          const { prompt, completion, cached = 0 } = { cached: 0, ...expected };
          if (prompt === 'ours') assert.ok(used.prompt > truth.prompt / 2 && used.prompt < truth.prompt * 2);
          else assert.equal(used.prompt, prompt);
          // The simulator counts with the same tokenizer.
          assert.equal(used.completion, completion === 'ours' ? truth.completion : completion);
          assert.equal(used.cached, cached);
          assert.equal(used.estimated === 1, prompt === 'ours' || completion === 'ours');
          if (reported.has(id)) {
            const { prompt_tokens, completion_tokens, total_tokens } = usageReported.parse(reported.get(id));
            assert.deepEqual([prompt_tokens, completion_tokens], [used.prompt, used.completion]);
            assert.equal(total_tokens, used.prompt + used.completion);
          }
          const inputs = BigInt(used.prompt - cached) * 1_000n + BigInt(cached) * 100n;
          assert.equal(used.cost, inputs + BigInt(used.completion) * 10_000n);
        }
      });
    }

    test('a total alone is charged to the token', async () => {
      const ids = await usedEverywhere('total-only');
      const truth = await counted('total-only');
      for (const id of ids) {
        const used = await ledgerAndLog(id, 'missing');
        assert.deepEqual(
          [used.completion, used.prompt + used.completion, used.estimated],
          [truth.completion, truth.prompt + truth.completion, 1],
        );
      }
    });

    test('more than is possible is charged up to the hold', async () => {
      const ids = await usedEverywhere('too-large-usage');
      // The calls are of the same request as the job, but a lease of their process pays for them.
      const [hold] = await product.rows(`SELECT amount FROM holds WHERE id='${ids.at(-1)}'`);
      for (const id of ids) {
        const { cost } = await ledgerAndLog(id, 'too-large');
        assert.equal(cost, BigInt(String(hold?.amount)));
      }
    });
  });

  test('a count that is far too large is charged up to the hold, and the log says so', async () => {
    provider.answer = whole({ content: words }, { prompt_tokens: 19_000_000, completion_tokens: 20 });
    const short = [{ role: 'user', content: 'hi' }];
    // A call with a key has a hold of its own, whose amount is to be read.
    const keyed = { 'idempotency-key': 'far-too-large' };
    const reply = await post('/v2/chat', { model: 'odd-chat', messages: short, max_tokens: 100 }, keyed);
    assert.equal(reply.status, 200, await reply.text());
    const id = reply.headers.get('x-request-id');
    const charge = await chargeOf(id);
    const [hold] = await product.rows(`SELECT amount FROM holds WHERE id='${id}'`);
    assert.equal(charge.cost, BigInt(String(hold?.amount)));
    assert.equal(charge.cost + charge.loss, 19_000_040_000n);
    const metrics = await (await apiFetch(`${product.apis[0]?.url}/metrics`)).text();
    assert.match(metrics, /provider_usage_doubted_total\{provider="odd",doubt="too-large"\} 1/);
    await until('the usage log has the doubt', async () => {
      const { data } = await call(product.apis[0], 'GET', '/v1/statistics/logs/me', { token: customer.token });
      const logged = z.array(z.object({ id: z.string(), doubt: z.string().nullable() })).parse(data);
      return logged.find((one) => one.id === id)?.doubt === 'too-large';
    });
  });

  test('a long prompt is charged by the rule for its length', async () => {
    // The length is the provider's word, so the prompt has to be long enough for it to be believed.
    const long = [{ role: 'user', content: 'word '.repeat(26_000) }];
    provider.answer = whole(
      { content: words },
      { prompt_tokens: 130_000, completion_tokens: 3, total_tokens: 130_003 },
    );
    const reply = await post('/v2/chat', { model: 'ruled', messages: long, max_tokens: 100 });
    assert.equal(reply.status, 200, await reply.text());
    assert.equal(reply.headers.get('x-price-rule'), 'above 128k');
    assert.equal(reply.headers.get('x-cost'), '0.39003');
    assert.deepEqual(await chargeOf(reply.headers.get('x-request-id')), {
      cost: 390_030_000n,
      rule: 'above 128k',
      loss: 0n,
    });
  });

  test('the tier that served decides, and only a tier with a price may be asked for', async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
    assert.deepEqual(
      await chargedEverywhere('ruled', usage, { service_tier: 'priority' }),
      thrice(60_000n, 'priority'),
    );
    assert.deepEqual(await chargedEverywhere('ruled', usage, { service_tier: 'default' }), thrice(30_000n));
    provider.answer = whole({ content: words }, usage);
    const asked = (service_tier: string) => post('/v2/chat', { model: 'ruled', messages, service_tier });
    const served = await asked('priority');
    assert.deepEqual([served.status, served.headers.get('x-price-rule')], [200, 'priority']);
    assert.equal((await asked('scale')).status, 400);
  });

  test('thoughts have a price of the time of day; the job, the statement and the log name the rule', async () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 2,
      total_tokens: 12,
      completion_tokens_details: { reasoning_tokens: 1 },
    };
    provider.answer = streamed([chunk({ content: words }), stop, withUsage(usage)]);
    const body = { userMessage: 'hi', modelIdentifier: 'ruled' };
    const submitted = await call(product.apis[0], 'POST', '/v1/async/chat', { key: customer.key, body });
    const { jobId } = z.object({ jobId: z.string() }).parse(submitted.data);
    const job = await jobEnd(product.apis[0], customer.key, jobId);
    const { priceRule } = z.object({ priceRule: z.string() }).parse(job.resultPayload);
    assert.match(priceRule, /^(morning|evening)$/);
    assert.deepEqual(await chargeOf(jobId), { cost: 20_000n, rule: priceRule, loss: 0n });
    const [day] = await product.rows(`SELECT DATE_FORMAT(day,'%Y-%m') AS month FROM transfers WHERE id='${jobId}'`);
    const path = `/v1/billing/statement?month=${day?.month}`;
    const { data, message } = await call(product.apis[0], 'GET', path, { token: customer.token });
    assert.equal(message, 'success');
    const lines = z
      .object({ chargesByModelAndKey: z.array(z.looseObject({ priceRule: z.string().nullable() })) })
      .parse(data);
    const rules = lines.chargesByModelAndKey.map((line) => line.priceRule);
    assert.ok(
      [null, 'above 128k', 'priority', priceRule].every((rule) => rules.includes(rule)),
      JSON.stringify(rules),
    );
    const csv = await apiFetch(`${product.apis[0]?.url}${path}&format=csv`, {
      headers: { authorization: `Bearer ${customer.token}` },
    });
    assert.match(await csv.text(), new RegExp(`,ruled,.*,${priceRule},0,0$`, 'm'));
  });

  test('images are charged by the rule of their price, in both forms and as a job', async () => {
    const noon = [
      { name: 'morning', when: { utcFrom: '00:00', utcUntil: '12:00' }, output: '0.1' },
      { name: 'evening', when: { utcFrom: '12:00', utcUntil: '00:00' }, output: '0.1' },
    ];
    const long = { name: 'long prompt', when: { promptTokensAbove: 50 }, output: '0.3', input: '0.000001' };
    const name = { displayName: 'ruled-image', modelIdentifier: 'ruled-image' };
    const pricing = { output: '0.2', rules: [long, ...noon] };
    const added = await addModel({ ...name, capabilities: ['text-to-image'], pricing });
    assert.equal(added.status, 200, added.message);
    const answered = (usage?: object) => {
      provider.answer = json({ created: 1, data: [{ b64_json: PIXEL }, { b64_json: PIXEL }], ...(usage && { usage }) });
    };
    const openAi = { model: 'ruled-image', prompt: 'a cat', n: 2 };
    const own = { modelIdentifier: 'ruled-image', prompt: 'a cat', options: { n: 2 } };
    answered();
    for (const [path, body] of [
      ['/v1/images/generations', openAi],
      ['/v1/generate-image', own],
    ] as const) {
      const reply = await post(path, body);
      assert.equal(reply.status, 200, await reply.text());
      const rule = reply.headers.get('x-price-rule') ?? '';
      assert.match(rule, /^(morning|evening)$/);
      assert.deepEqual(await chargeOf(reply.headers.get('x-request-id')), { cost: 200_000_000n, rule, loss: 0n });
    }
    const prompt = 'a cat that sits on a mat '.repeat(20);
    answered({ input_tokens: 60, output_tokens: 4_160, total_tokens: 4_220 });
    const submitted = await call(product.apis[0], 'POST', '/v1/async/generate-image', {
      key: customer.key,
      body: { ...own, prompt },
    });
    const { jobId } = z.object({ jobId: z.string() }).parse(submitted.data);
    const job = await jobEnd(product.apis[0], customer.key, jobId);
    assert.equal(z.object({ priceRule: z.string() }).parse(job.resultPayload).priceRule, 'long prompt');
    assert.deepEqual(await chargeOf(jobId), { cost: 600_060_000n, rule: 'long prompt', loss: 0n });
    const holds = await product.rows(`SELECT amount FROM holds WHERE id='${jobId}'`);
    assert.ok(BigInt(String(holds[0]?.amount)) >= 600_060_000n, 'held by the dearest rule');
  });

  test('a stream shows the rule at its end', async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
    provider.answer = streamed([chunk({ content: words }), stop, withUsage(usage, { service_tier: 'priority' })]);
    const reply = await post('/v2/chat', { model: 'ruled', messages, stream: true });
    assert.match(await reply.text(), /^: x-cost=0\.00006 x-request-id=\S+ x-price-rule=priority$/m);
  });

  test('a price is given back as it was set; what no price has is refused by its name', async () => {
    const pricing = { ...PRICING, mostSearches: 4, rules: RULES };
    const added = await addModel({ displayName: 'written', modelIdentifier: 'written', pricing });
    const { id, pricing: shown } = z
      .looseObject({ id: z.number(), pricing: z.looseObject({ rules: z.array(z.unknown()) }) })
      .parse(added.data);
    assert.deepEqual(shown.rules[2], {
      name: 'priority',
      when: { serviceTier: 'priority' },
      input: 0.000002,
      output: 0.00002,
    });
    const again = await call(product.apis[0], 'PUT', `/v1/models/${id}`, { token, body: { pricing: shown } });
    assert.equal(again.status, 200, again.message);
    const versions = await product.rows(`SELECT version FROM model_prices WHERE model_id=${id}`);
    assert.equal(versions.length, 1, 'the same price is no new version');
    const other = { ...shown, rules: shown.rules.slice(1) };
    assert.equal(
      (await call(product.apis[0], 'PUT', `/v1/models/${id}`, { token, body: { pricing: other } })).status,
      200,
    );
    assert.equal((await product.rows(`SELECT version FROM model_prices WHERE model_id=${id}`)).length, 2);
    for (const [wrong, named] of [
      [{ tiers: [] }, /pricing\.tiers/],
      [{ rules: [{ name: 'a', when: { promptTokensAbove: 1 }, inputt: 1 }] }, /pricing\.rules\.0\.inputt/],
      [
        { rules: [{ name: 'a', when: { promptTokensOver: 1 }, input: 0 }] },
        /pricing\.rules\.0\.when\.promptTokensOver/,
      ],
      [{ rules: [{ name: 'a', when: {}, input: 0 }] }, /pricing\.rules\.0\.when/],
      [{ rules: [{ name: 'a', when: { promptTokensAbove: -1 }, input: 0 }] }, /promptTokensAbove/],
    ] as const) {
      const body = { pricing: { ...PRICING, ...wrong } };
      const refused = await call(product.apis[0], 'PUT', `/v1/models/${id}`, { token, body });
      assert.equal(refused.status, 400, JSON.stringify(wrong));
      assert.match(refused.message, named);
    }
  });
});
