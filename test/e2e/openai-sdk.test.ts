import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { z } from 'zod';
import { formatMoney, parseMoney } from '../../core/ledger/money.ts';
import { until } from '../until.ts';
import { apiFetch } from './api-fetch.ts';
import { type Customer, call, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';

const counts = z.object({
  byModel: z.record(z.string(), z.looseObject({ calls: z.number(), completionTokens: z.number() })),
});

describe('OpenAI’s own client, with only baseURL and apiKey set', () => {
  let product: Product;
  let customer: Customer;
  let client: OpenAI;
  before(async () => {
    ({ product } = await sharedProduct('calls'));
    customer = await newCustomer(product.apis[0]);
    client = new OpenAI({
      baseURL: `${product.apis[0]?.url}/v1`,
      apiKey: customer.key,
      maxRetries: 0,
      fetch: apiFetch,
    });
  });

  const messages = [{ role: 'user' as const, content: 'Tell me about the sea.' }];
  const fault = (body: object) =>
    fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: JSON.stringify(body) });
  const noFaults = () => fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
  const charge = async (requestId: string) => {
    const [row] = await product.rows(
      `SELECT prompt_tokens, completion_tokens, estimated, amount FROM transfers WHERE id='${requestId}' AND kind='charge'`,
    );
    return row;
  };

  test('a chat, with its cost in the headers', async () => {
    const { data, response } = await client.chat.completions
      .create({ model: 'sim-chat', messages, max_tokens: 20 })
      .withResponse();
    assert.equal(data.choices[0]?.finish_reason, 'length');
    assert.equal(data.usage?.completion_tokens, 20);
    const row = await charge(response.headers.get('x-request-id') ?? '');
    assert.equal(Number(row?.completion_tokens), 20);
    assert.equal(-BigInt(String(row?.amount)), parseMoney(response.headers.get('x-cost') ?? ''));
  });

  test('a tool’s round trip', async () => {
    const tools = [
      {
        type: 'function' as const,
        function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    ];
    const asked = await client.chat.completions.create({ model: 'sim-chat', messages, tools, tool_choice: 'required' });
    const message = asked.choices[0]?.message;
    const toolCall = message?.tool_calls?.[0];
    assert.ok(message && toolCall?.type === 'function' && toolCall.function.name === 'weather');
    const answered = await client.chat.completions.create({
      model: 'sim-chat',
      messages: [...messages, message, { role: 'tool', tool_call_id: toolCall.id, content: 'sunny' }],
      tools,
    });
    assert.match(answered.choices[0]?.message.content ?? '', /sunny/);
  });

  test('an answer that fits a JSON schema', async () => {
    const schema = {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
      additionalProperties: false,
    };
    const answer = await client.chat.completions.create({
      model: 'sim-chat',
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'person', schema, strict: true } },
    });
    z.object({ name: z.string(), age: z.number().int() }).parse(JSON.parse(answer.choices[0]?.message.content ?? ''));
  });

  test('an image to look at', async () => {
    const pixel =
      'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const answer = await client.chat.completions.create({
      model: 'sim-vision',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: pixel } }] }],
    });
    assert.ok((answer.usage?.prompt_tokens ?? 0) > 0);
  });

  test('a stream without usage for who did not ask, and with it for who did', async () => {
    for (const asked of [false, true]) {
      const { data: stream, response } = await client.chat.completions
        .create({
          model: 'sim-chat',
          messages,
          stream: true,
          ...(asked ? { stream_options: { include_usage: true } } : {}),
        })
        .withResponse();
      let usage: number | undefined;
      let text = '';
      for await (const chunk of stream) {
        usage = chunk.usage?.completion_tokens ?? usage;
        text += chunk.choices[0]?.delta.content ?? '';
      }
      assert.ok(text.length > 0);
      const row = await charge(response.headers.get('x-request-id') ?? '');
      assert.equal(Number(row?.estimated), 0);
      if (asked) assert.equal(usage, Number(row?.completion_tokens));
      else assert.equal(usage, undefined);
    }
  });

  test('the body tells the cost of a call, also in the last chunk of a stream', async () => {
    const costed = z.object({
      usage: z.object({
        cost: z.number(),
        cost_details: z.object({ currency: z.literal('CNY') }),
        prompt_tokens_details: z.object({ cached_tokens: z.number(), cache_write_tokens: z.number() }),
      }),
    });
    const charged = async (requestId: string | null) => {
      const row = await charge(requestId ?? '');
      return Number(formatMoney(-BigInt(String(row?.amount))));
    };
    const whole = await client.chat.completions.create({ model: 'sim-chat', messages }).withResponse();
    const { usage } = costed.parse(whole.data);
    assert.equal(usage.cost, Number(whole.response.headers.get('x-cost')));
    assert.equal(usage.cost, await charged(whole.response.headers.get('x-request-id')));
    // OpenAI's way to ask for the usage of a stream, and OpenRouter's.
    for (const asked of [{ stream_options: { include_usage: true } }, { usage: { include: true } }]) {
      const { data: stream, response } = await client.chat.completions
        .create({ model: 'sim-chat', messages, stream: true, ...asked })
        .withResponse();
      let last: unknown;
      for await (const chunk of stream) last = chunk;
      assert.equal(costed.parse(last).usage.cost, await charged(response.headers.get('x-request-id')));
    }
    const vectors = await client.embeddings.create({ model: 'sim-embedding', input: 'the sea' }).withResponse();
    const told = z.object({ usage: z.object({ cost: z.number() }) }).parse(vectors.data).usage.cost;
    assert.equal(told, await charged(vectors.response.headers.get('x-request-id')));
  });

  test('who asks, as chat programs say it, goes to the usage log', async () => {
    const headers = { 'X-OpenWebUI-User-Id': 'u-7', 'X-Title': 'A program', 'X-Other': 'not kept' };
    const { response } = await client.chat.completions
      .create({ model: 'sim-chat', messages }, { headers })
      .withResponse();
    const requestId = response.headers.get('x-request-id');
    const [row] = await product.rows(`SELECT doc FROM usage_outbox WHERE id='${requestId}'`);
    const { tags } = z.object({ tags: z.record(z.string(), z.string()) }).parse(JSON.parse(String(row?.doc)));
    assert.deepEqual(tags, { 'openwebui-user-id': 'u-7', title: 'A program' });
  });

  test('a stream cut by the client is read to its end and charged by the provider’s own count', async () => {
    await fetch(`${product.simulator.url}/control/journal`, { method: 'DELETE' });
    await fault({ fault: 'slow-chunks', value: 20, model: 'sim-chat' });
    const { data: stream, response } = await client.chat.completions
      .create({ model: 'sim-chat', messages, stream: true })
      .withResponse();
    let chunks = 0;
    for await (const _ of stream) {
      chunks += 1;
      if (chunks === 3) break;
    }
    await noFaults();
    const requestId = response.headers.get('x-request-id') ?? '';
    await until('the stream is charged', async () => (await charge(requestId)) !== undefined, 20_000);
    const truth = counts.parse(await (await fetch(`${product.simulator.url}/control/counts`)).json());
    const row = await charge(requestId);
    assert.equal(Number(row?.estimated), 0);
    assert.ok(Number(row?.completion_tokens) > 3);
    assert.equal(Number(row?.completion_tokens), truth.byModel['sim-chat']?.completionTokens);
  });

  test('a stream that the provider cuts is an error for the client, charged by what came', async () => {
    await fault({ fault: 'cut', value: 5, model: 'sim-chat', calls: 1 });
    const stream = await client.chat.completions.create({ model: 'sim-chat', messages, stream: true });
    await assert.rejects(async () => {
      for await (const _ of stream);
    }, OpenAI.APIError);
    await noFaults();
    const [row] = await product.rows(
      "SELECT estimated, completion_tokens FROM transfers WHERE kind='charge' ORDER BY id DESC LIMIT 1",
    );
    assert.equal(Number(row?.estimated), 1);
    assert.ok(Number(row?.completion_tokens) > 0);
  });

  test('a chunk that is no JSON before the first word is an error the client raises, free', async () => {
    const charges = () => product.rows("SELECT COUNT(*) AS n FROM transfers WHERE kind='charge'");
    const before = await charges();
    await fault({ fault: 'malformed', model: 'sim-chat' });
    await assert.rejects(client.chat.completions.create({ model: 'sim-chat', messages, stream: true }), (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.status, 502);
      return true;
    });
    await noFaults();
    assert.deepEqual(await charges(), before);
  });

  test('an error after the first words ends a stream with an error the client raises, charged by what came', async () => {
    await fault({ fault: 'error-event', value: 4, model: 'sim-chat', calls: 1 });
    const stream = await client.chat.completions.create({ model: 'sim-chat', messages, stream: true });
    let chunks = 0;
    await assert.rejects(async () => {
      for await (const _ of stream) chunks += 1;
    }, OpenAI.APIError);
    await noFaults();
    assert.equal(chunks, 4);
    const [row] = await product.rows(
      "SELECT estimated, prompt_tokens FROM transfers WHERE kind='charge' ORDER BY id DESC LIMIT 1",
    );
    assert.equal(Number(row?.estimated), 1);
    assert.ok(Number(row?.prompt_tokens) > 0);
  });

  test('a repeated keyed stream is served as a stream and charged once', async () => {
    const options = { headers: { 'Idempotency-Key': 'stream-once' } };
    const read = async () => {
      const stream = await client.chat.completions.create({ model: 'sim-chat', messages, stream: true }, options);
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      return text;
    };
    const first = await read();
    const [before] = await product.rows("SELECT COUNT(*) AS n FROM transfers WHERE kind='charge'");
    assert.equal(await read(), first);
    const [after] = await product.rows("SELECT COUNT(*) AS n FROM transfers WHERE kind='charge'");
    assert.equal(Number(after?.n), Number(before?.n));
  });

  test('vectors of texts, charged by the provider’s count, and once for a repeated key', async () => {
    await fetch(`${product.simulator.url}/control/journal`, { method: 'DELETE' });
    const input = ['the sea', 'die See', '海'];
    const options = { headers: { 'Idempotency-Key': 'vectors-once' } };
    const asked = () =>
      client.embeddings.create({ model: 'sim-embedding', input, dimensions: 8 }, options).withResponse();
    const { data: first, response } = await asked();
    assert.deepEqual(
      first.data.map(({ index, embedding }) => [index, embedding.length]),
      input.map((_, index) => [index, 8]),
    );
    const { data: again, response: replayed } = await asked();
    assert.deepEqual(again.data, first.data);
    assert.equal(replayed.headers.get('x-request-id'), response.headers.get('x-request-id'));
    // Without a wish for an encoding the client asks for base64; numbers are the same ones.
    const plain = await client.embeddings.create({
      ...{ model: 'sim-embedding', input, dimensions: 8, encoding_format: 'float' },
    });
    for (const [index, { embedding }] of plain.data.entries())
      assert.deepEqual([...Float32Array.from(embedding)], [...(first.data[index]?.embedding ?? [])]);
    const truth = counts.parse(await (await fetch(`${product.simulator.url}/control/counts`)).json());
    assert.equal(truth.byModel['sim-embedding']?.calls, 2);
    const row = await charge(response.headers.get('x-request-id') ?? '');
    assert.deepEqual([Number(row?.prompt_tokens), Number(row?.completion_tokens)], [first.usage.prompt_tokens, 0]);
    assert.ok(first.usage.prompt_tokens > 0);
    assert.equal(-BigInt(String(row?.amount)), parseMoney(response.headers.get('x-cost') ?? ''));
  });

  test('the request id of a body is a key for vectors and images, too', async () => {
    for (const [path, body] of [
      ['/embeddings', { model: 'sim-embedding', input: 'once' }],
      ['/images/generations', { model: 'sim-image', prompt: 'once', response_format: 'url' }],
    ] as const) {
      const ask = () =>
        apiFetch(`${client.baseURL}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${customer.key}` },
          body: JSON.stringify({ ...body, request_id: `once${path}` }),
        });
      const [first, again] = [await ask(), await ask()];
      assert.equal(first.status, 200, await first.clone().text());
      assert.equal(again.headers.get('x-request-id'), first.headers.get('x-request-id'));
      assert.deepEqual(await again.json(), await first.json());
    }
  });

  test('what is no input for vectors is told, and a model that makes none', async () => {
    const embed = (body: object) =>
      client.embeddings.create({ model: 'sim-embedding', input: 'x', encoding_format: 'float', ...body });
    for (const input of ['', [], [''], [[]], [1.5], ['a', 1], 7, null]) {
      await assert.rejects(
        embed({ input }),
        (error) => error instanceof OpenAI.BadRequestError && error.param?.startsWith('input') === true,
        JSON.stringify(input),
      );
    }
    await assert.rejects(
      embed({ model: undefined }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === 'model',
    );
    await assert.rejects(embed({ model: 'sim-chat' }), OpenAI.BadRequestError);
    await assert.rejects(embed({ service_tier: 'priority' }), OpenAI.BadRequestError);
    await assert.rejects(client.chat.completions.create({ model: 'sim-embedding', messages }), OpenAI.BadRequestError);
  });

  test('the models', async () => {
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.ok(ids.includes('sim-chat') && ids.includes('sim-image'));
    assert.equal((await client.models.retrieve('sim-chat')).object, 'model');
    const described = z.object({
      context_length: z.number(),
      architecture: z.object({ input_modalities: z.array(z.string()), output_modalities: z.array(z.string()) }),
      pricing: z.record(z.string(), z.string().regex(/^\d+(\.\d+)?$/)),
      supported_parameters: z.array(z.string()),
    });
    const vision = described.parse(await client.models.retrieve('sim-vision'));
    assert.deepEqual(vision.architecture, { input_modalities: ['text', 'image'], output_modalities: ['text'] });
    assert.ok(Number(vision.pricing.prompt) > 0 && vision.supported_parameters.includes('tools'));
    const image = await client.models.retrieve('sim-image');
    assert.ok('pricing' in image && Number(z.object({ image: z.string() }).parse(image.pricing).image) > 0);
  });

  test('each error arrives as the client’s own type', async () => {
    const wrongKey = new OpenAI({ baseURL: client.baseURL, apiKey: 'ak-wrong', maxRetries: 0, fetch: apiFetch });
    await assert.rejects(wrongKey.chat.completions.create({ model: 'sim-chat', messages }), OpenAI.AuthenticationError);
    await assert.rejects(client.chat.completions.create({ model: 'nothing', messages }), OpenAI.NotFoundError);
    await assert.rejects(
      client.chat.completions.create({ model: 'sim-chat', messages, temperature: 9 }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === 'temperature',
    );
    await fault({ fault: '500', model: 'sim-chat', calls: 3 });
    await assert.rejects(client.chat.completions.create({ model: 'sim-chat', messages }), (error) => {
      assert.ok(error instanceof OpenAI.InternalServerError);
      assert.equal(error.status, 502);
      return true;
    });
    await noFaults();
    const poor = await newCustomer(product.apis[0]);
    const root = await call(product.apis[0], 'POST', '/v1/auth/login', {
      body: { username: 'root', password: product.rootPassword },
    });
    const { token } = z.object({ token: z.string() }).parse(root.data);
    await call(product.apis[0], 'POST', `/v1/users/${poor.userId}/adjust-balance`, {
      token,
      body: { amount: -100, reason: 'test' },
      headers: { 'idempotency-key': `poor-${poor.userId}` },
    });
    const broke = new OpenAI({ baseURL: client.baseURL, apiKey: poor.key, maxRetries: 0, fetch: apiFetch });
    await assert.rejects(broke.chat.completions.create({ model: 'sim-chat', messages }), (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.status, 402);
      return true;
    });
  });

  test('messages in all their lenient forms', async () => {
    const { key } = customer;
    const answer = await apiFetch(`${product.apis[0]?.url}/v2/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({
        model: null,
        messages: [
          { role: 'user', content: { type: 'input_text', text: 'one part' } },
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: { a: 1 } } }],
          },
          { role: 'function', function_call_id: 'c1', content: 'done' },
          { role: 'user', content: [{ type: 'text', text: 'and a list' }] },
        ],
        extra_params: { top_k: 3 },
      }),
    });
    assert.equal(answer.status, 200, await answer.clone().text());
    const refused = await apiFetch(`${product.apis[0]?.url}/v2/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'access-key': key },
      body: JSON.stringify({ messages, extra_params: { max_tokens: 1_000_000 } }),
    });
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /extra_params\.max_tokens/);
  });
});
