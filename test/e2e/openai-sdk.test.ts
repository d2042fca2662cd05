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

  test('the body shows the cost of a call, also in the last chunk of a stream', async () => {
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
    const reported = z.object({ usage: z.object({ cost: z.number() }) }).parse(vectors.data).usage.cost;
    assert.equal(reported, await charged(vectors.response.headers.get('x-request-id')));
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

  test('as many vectors as may be asked for come, though as numbers they are larger than what is read', async () => {
    await fetch(`${product.simulator.url}/control/journal`, { method: 'DELETE' });
    const input = Array.from({ length: 2_048 }, () => 'sea');
    const asked = { model: 'sim-embedding', input, encoding_format: 'float' } as const;
    const { data, response } = await client.embeddings.create(asked).withResponse();
    assert.deepEqual([data.data.length, data.data.at(-1)?.embedding.length], [2_048, 1_536]);
    const truth = counts.parse(await (await fetch(`${product.simulator.url}/control/counts`)).json());
    assert.equal(truth.byModel['sim-embedding']?.calls, 1);
    const row = await charge(response.headers.get('x-request-id') ?? '');
    assert.equal(-BigInt(String(row?.amount)), parseMoney(response.headers.get('x-cost') ?? ''));
    assert.ok(Number(row?.prompt_tokens) >= 2_048);
    await assert.rejects(
      client.embeddings.create({ ...asked, dimensions: 8_192 }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === 'input',
    );
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

  test('what is no input for vectors is reported, and a model that makes none', async () => {
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

  test('documents in their order, in Jina’s and Cohere’s form, charged by the provider’s count', async () => {
    const { key } = customer;
    await fetch(`${product.simulator.url}/control/journal`, { method: 'DELETE' });
    const documents = ['a lighthouse', { text: 'the light at sea', id: 7 }, 'a dog'];
    const ask = (path: string, body: object) =>
      apiFetch(`${product.apis[0]?.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({ model: 'sim-rerank', query: 'light at sea', documents, ...body }),
      });
    const ranking = z.object({
      results: z.array(z.object({ index: z.number(), document: z.unknown().optional() })),
      usage: z.object({ prompt_tokens: z.number(), cost: z.number() }),
    });
    const best = await ask('/v1/rerank', { top_n: 1, return_documents: true });
    const { results, usage } = ranking.parse(await best.json());
    assert.deepEqual(results, [{ index: 1, document: documents[1] }]);
    const row = await charge(best.headers.get('x-request-id') ?? '');
    assert.deepEqual([Number(row?.prompt_tokens), Number(row?.estimated)], [usage.prompt_tokens, 0]);
    assert.equal(usage.cost, Number(formatMoney(-BigInt(String(row?.amount)))));
    const all = ranking.parse(await (await ask('/v2/rerank', {})).json());
    assert.deepEqual(all.results.map(({ index }) => index).sort(), [0, 1, 2]);
    const truth = counts.parse(await (await fetch(`${product.simulator.url}/control/counts`)).json());
    const counted = z.object({ calls: z.literal(2), promptTokens: z.literal(2 * usage.prompt_tokens) });
    counted.parse(truth.byModel['sim-rerank']);
    for (const [body, param] of [
      [{ documents: [] }, 'documents'],
      [{ documents: ['', ''] }, 'documents'],
      [{ documents: [{ image: 'x' }] }, 'documents.0'],
      [{ query: '' }, 'query'],
      [{ top_n: 0 }, 'top_n'],
      [{ stream: true }, 'stream'],
    ] as const) {
      const refused = await ask('/v1/rerank', body);
      assert.equal(refused.status, 400);
      const { error } = z.object({ error: z.object({ param: z.string() }) }).parse(await refused.json());
      assert.ok(error.param.startsWith(param), `${JSON.stringify(body)}: ${error.param}`);
    }
    assert.equal((await ask('/v1/rerank', { model: 'sim-chat' })).status, 400);
  });

  test('speech made and heard, charged by the provider’s characters and seconds', async () => {
    await fetch(`${product.simulator.url}/control/journal`, { method: 'DELETE' });
    const spoken = await client.audio.speech
      .create({ model: 'sim-speech', voice: 'alloy', input: 'A 灯塔 at dusk 😀', response_format: 'wav' })
      .withResponse();
    assert.equal(spoken.response.headers.get('content-type'), 'audio/wav');
    const sound = Buffer.from(await spoken.data.arrayBuffer());
    assert.equal(sound.toString('latin1', 0, 4), 'RIFF');
    const file = () => new File([sound], 'speech.wav', { type: 'audio/wav' });
    const heard = await client.audio.transcriptions.create({ model: 'sim-transcribe', file: file() }).withResponse();
    assert.equal(heard.data.text, 'the light');
    const lines = await client.audio.transcriptions
      .create({ model: 'sim-transcribe', file: file(), response_format: 'srt' })
      .withResponse();
    assert.match(String(lines.data), /-->/);
    const truth = counts.parse(await (await fetch(`${product.simulator.url}/control/counts`)).json());
    const costs = z.object({ characters: z.number(), audioSeconds: z.number() });
    const spokenTruth = costs.parse(truth.byModel['sim-speech']);
    assert.equal(spokenTruth.characters, 14);
    const prices = async (identifier: string) => {
      const [row] = await product.rows(
        `SELECT p.per_character AS perCharacter, p.per_second AS perSecond FROM model_prices p JOIN models m ON m.price_id=p.id
          WHERE m.model_identifier='${identifier}'`,
      );
      return { perCharacter: BigInt(String(row?.perCharacter)), perSecond: BigInt(String(row?.perSecond)) };
    };
    const charged = async (response: Response) => {
      const id = response.headers.get('x-request-id');
      const [row] = await product.rows(
        `SELECT -amount AS cost, characters, audio_seconds AS seconds, estimated FROM transfers WHERE id='${id}' AND kind='charge'`,
      );
      return { ...row, cost: BigInt(String(row?.cost)) };
    };
    const { perCharacter } = await prices('sim-speech');
    await until('the speech is charged', async () => (await charged(spoken.response)).cost > 0n);
    assert.deepEqual(await charged(spoken.response), {
      ...{ cost: (14n * perCharacter) / 1_000_000n, characters: 14, seconds: 0, estimated: 0 },
    });
    const { perSecond } = await prices('sim-transcribe');
    const cost = perSecond / 1_000_000n;
    // Of subtitles the provider counts nothing: the recording says how long it is.
    assert.deepEqual(await charged(heard.response), { cost, characters: 0, seconds: 1, estimated: 0 });
    assert.deepEqual(await charged(lines.response), { cost, characters: 0, seconds: 1, estimated: 1 });
    assert.equal(costs.parse(truth.byModel['sim-transcribe']).audioSeconds, 2);
    assert.equal(heard.response.headers.get('x-cost'), formatMoney(cost));
  });

  test('speech that breaks off is charged and ends the connection; what is repeated is made once', async () => {
    await fetch(`${product.simulator.url}/control/journal`, { method: 'DELETE' });
    const body = { model: 'sim-speech', voice: 'alloy', input: 'A lighthouse. '.repeat(50) } as const;
    await fault({ fault: 'cut', model: 'sim-speech', calls: 1 });
    const broken = await client.audio.speech.create(body);
    await assert.rejects(broken.arrayBuffer());
    await noFaults();
    const options = { headers: { 'Idempotency-Key': 'said-once' } };
    const first = Buffer.from(await (await client.audio.speech.create(body, options)).arrayBuffer());
    const again = await client.audio.speech.create(body, options);
    assert.equal(again.headers.get('content-type'), 'audio/mpeg');
    assert.deepEqual(Buffer.from(await again.arrayBuffer()), first);
    const truth = counts.parse(await (await fetch(`${product.simulator.url}/control/counts`)).json());
    assert.equal(truth.byModel['sim-speech']?.calls, 2);
    await fault({ fault: '500', model: 'sim-speech', calls: 3 });
    await assert.rejects(client.audio.speech.create(body), OpenAI.InternalServerError);
    await noFaults();
  });

  test('what is no speech and no recording is reported', async () => {
    const speech = (more: object) =>
      client.audio.speech.create({ model: 'sim-speech', voice: 'alloy', input: 'x', ...more });
    for (const [more, param] of [
      [{ input: '' }, 'input'],
      [{ input: 7 }, 'input'],
      [{ model: undefined }, 'model'],
      [{ voice: 7 }, 'voice'],
    ] as const) {
      await assert.rejects(speech(more), (error) => error instanceof OpenAI.BadRequestError && error.param === param);
    }
    await assert.rejects(speech({ model: 'sim-chat' }), OpenAI.BadRequestError);
    const text = new File(['no sound'], 'a.wav', { type: 'audio/wav' });
    const hear = (more: object) => client.audio.transcriptions.create({ model: 'sim-transcribe', file: text, ...more });
    await assert.rejects(hear({}), OpenAI.BadRequestError);
    await assert.rejects(
      hear({ response_format: 'poem' }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === 'response_format',
    );
    const { results } = await client.moderations.create({ model: 'sim-moderation', input: 'I will harm you' });
    assert.equal(results[0]?.flagged, true);
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
