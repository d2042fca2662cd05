/**
 * Anthropic's form on the client's side and on the provider's: passed on where both speak it, translated where one does
 * not. The simulator's own count is the truth for every charge.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { parseMoney } from '../../core/ledger/money.ts';
import claudeCode from '../vendor-clients/claude-code-requests.json' with { type: 'json' };
import { apiFetch } from './api-fetch.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from './product.ts';
import { rootToken, upstream } from './upstream.ts';

/** Nano-units a token of sim-claude, as the test sets its price below. */
const PRICE = { input: 5_000n, output: 25_000n, cached: 500n, written: 6_250n, hourWritten: 10_000n };
const SEARCH = 10_000_000n;

const usageSchema = z.looseObject({
  input_tokens: z.number(),
  output_tokens: z.number(),
  cache_read_input_tokens: z.number(),
  cache_creation_input_tokens: z.number(),
});
const messageSchema = z.looseObject({
  id: z.string(),
  model: z.string(),
  content: z.array(z.looseObject({ type: z.string() })),
  stop_reason: z.string(),
  usage: usageSchema,
});
const completionSchema = z.looseObject({
  choices: z.array(z.looseObject({ message: z.looseObject({}), finish_reason: z.string() })),
  usage: z.looseObject({ prompt_tokens: z.number(), completion_tokens: z.number() }),
});
const errorSchema = z.object({
  type: z.literal('error'),
  error: z.object({ type: z.string(), message: z.string() }),
  request_id: z.string(),
});

const HELLO = [{ role: 'user', content: 'Tell me about the sea.' }];
const WEATHER = {
  name: 'get_weather',
  description: 'The weather of a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

describe('Messages', () => {
  let product: Product;
  let key: string;
  before(async () => {
    product = await startProduct({ name: 'messages', settings: { REGISTRATION_GRANT: '1000' } });
    const token = await rootToken(product);
    const [api] = product.apis;
    const { url } = product.simulator;
    const claude = {
      ...{ providerName: 'claude', kind: 'anthropic', urlBase: `${url}/anthropic`, apiKey: 'sim-claude-key' },
      ...{ displayName: 'Simulated Claude', modelIdentifier: 'claude', upstreamModel: 'sim-claude' },
      ...{ capabilities: ['text-to-text', 'image-to-text'], contextWindow: 200_000, maxOutputTokens: 32_000 },
      pricing: {
        ...{ input: '0.000005', output: '0.000025', cachedInput: '0.0000005' },
        ...{ cacheWrite: '0.00000625', hourCacheWrite: '0.00001', perSearch: '0.01', mostSearches: 3 },
      },
    };
    const made = await call(api, 'POST', '/v1/models', { token, body: claude });
    assert.equal(made.status, 200, made.message);
    const more = { ...claude, urlBase: undefined, kind: undefined, apiKey: undefined };
    for (const [modelIdentifier, upstreamModel] of [
      ['claude-small', 'sim-claude-small'],
      ['claude-redacted', 'sim-claude-redacted'],
    ]) {
      await call(api, 'POST', '/v1/models', { token, body: { ...more, modelIdentifier, upstreamModel } });
    }
    const beside = {
      ...{ providerName: 'both', kind: 'openai', urlBase: `${url}/v1`, apiKey: 'sim-both-key' },
      ...{ displayName: 'Both', modelIdentifier: 'sim-both', capabilities: ['text-to-text', 'image-to-text'] },
      ...{ pricing: claude.pricing, needs: { messagesPath: '/anthropic' } },
    };
    const small = { ...beside, modelIdentifier: 'small-chat', upstreamModel: 'sim-small-context', needs: {} };
    const both = await call(api, 'POST', '/v1/models', { token, body: beside });
    assert.equal(both.status, 200, both.message);
    await call(api, 'POST', '/v1/models', { token, body: { ...small, apiKey: undefined } });
    key = (await newCustomer(api)).key;
  });
  after(() => product.close());

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    apiFetch(`${product.apis[0]?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': key, ...headers },
      body: JSON.stringify(body),
    });
  const ask = async (body: object, headers?: Record<string, string>) => {
    const answer = await post('/v1/messages?beta=true', { max_tokens: 200, messages: HELLO, ...body }, headers);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return { message: messageSchema.parse(JSON.parse(text)), headers: answer.headers, text };
  };
  const refused = async (body: object, headers?: Record<string, string>) => {
    const answer = await post('/v1/messages', { max_tokens: 200, messages: HELLO, ...body }, headers);
    const { error, request_id: requestId } = errorSchema.parse(await answer.json());
    assert.equal(answer.headers.get('request-id'), requestId);
    return { status: answer.status, ...error, headers: answer.headers };
  };
  const streamed = async (body: object) => {
    const answer = await post('/v1/messages', { max_tokens: 2_000, messages: HELLO, stream: true, ...body });
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
    const text = await answer.text();
    const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, event, data = '']) => {
      const body = z.looseObject({ type: z.string() }).parse(JSON.parse(data));
      assert.equal(body.type, event);
      return body;
    });
    return { events, cost: /x-cost=([\d.]+)/.exec(text)?.[1] ?? '', text };
  };
  /** The newest call of the simulator. */
  const truth = async () => {
    const entry = (await upstream(product).journal()).filter(({ work }) => work).at(-1);
    return z
      .looseObject({
        promptTokens: z.number(),
        completionTokens: z.number(),
        cachedTokens: z.number(),
        cacheWriteTokens: z.number().default(0),
        hourCacheWriteTokens: z.number().default(0),
      })
      .parse(entry?.usage);
  };
  const costOf = async (searches = 0) => {
    const used = await truth();
    const { cachedTokens, cacheWriteTokens, hourCacheWriteTokens } = used;
    const plain = used.promptTokens - cachedTokens - cacheWriteTokens;
    return (
      BigInt(plain) * PRICE.input +
      BigInt(cachedTokens) * PRICE.cached +
      BigInt(cacheWriteTokens - hourCacheWriteTokens) * PRICE.written +
      BigInt(hourCacheWriteTokens) * PRICE.hourWritten +
      BigInt(used.completionTokens) * PRICE.output +
      BigInt(searches) * SEARCH
    );
  };

  test('a message passes through as the provider wrote it, but for the model', async () => {
    const { message, headers, text } = await ask({ model: 'claude', sim_future_field: { new: 1.5 } });
    assert.equal(message.model, 'claude');
    assert.ok(text.startsWith('{"model":"claude","id":"msg_'), text);
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(headers.get('x-model'), 'claude');
    assert.ok(headers.get('request-id'));
    assert.equal(parseMoney(headers.get('x-cost') ?? ''), await costOf());
  });

  test('what is written to the cache for minutes and for an hour, and what is read from it, is charged as it was', async () => {
    const system = [
      {
        type: 'text',
        text: 'You know everything about ships. '.repeat(30),
        cache_control: { type: 'ephemeral', ttl: '1h' },
      },
      { type: 'text', text: 'You are brief. '.repeat(20), cache_control: { type: 'ephemeral' } },
    ];
    const first = await ask({ model: 'claude', system });
    const written = await truth();
    assert.ok(written.hourCacheWriteTokens > 0 && written.cacheWriteTokens > written.hourCacheWriteTokens);
    assert.equal(parseMoney(first.headers.get('x-cost') ?? ''), await costOf());
    const second = await streamed({ model: 'claude', system });
    assert.equal((await truth()).cachedTokens, written.cacheWriteTokens);
    assert.equal(parseMoney(second.cost), await costOf());
    const start = second.events.find(({ type }) => type === 'message_start');
    const { usage } = z.looseObject({ message: z.looseObject({ usage: usageSchema }) }).parse(start).message;
    assert.equal(usage.cache_read_input_tokens, written.cacheWriteTokens);
  });

  test('a stream passes through event by event, its thoughts with their signature; they may be given back', async () => {
    const thinking = { type: 'enabled', budget_tokens: 1_024 };
    const { events, cost, text } = await streamed({ model: 'claude', thinking });
    assert.equal(parseMoney(cost), await costOf());
    assert.deepEqual(
      [events[0]?.type, events.at(-2)?.type, events.at(-1)?.type],
      ['message_start', 'message_delta', 'message_stop'],
    );
    assert.match(text, /"model":"claude"/);
    const pieces = events.flatMap(({ delta }) => (typeof delta === 'object' && delta !== null ? [{ ...delta }] : []));
    const joined = (name: string) =>
      pieces.map((piece) => Object.entries(piece).find(([key]) => key === name)?.[1] ?? '').join('');
    assert.ok(joined('thinking') !== '' && joined('text') !== '');
    const thought = { type: 'thinking', thinking: joined('thinking'), signature: joined('signature') };
    const again = [
      ...HELLO,
      { role: 'assistant', content: [thought, { type: 'text', text: joined('text') }] },
      ...HELLO,
    ];
    await ask({ model: 'claude', thinking, messages: again, max_tokens: 2_000 });
    const forged = await refused({
      model: 'claude',
      messages: [HELLO[0], { role: 'assistant', content: [{ ...thought, signature: 'x' }] }, ...HELLO],
    });
    assert.match(forged.message, /Invalid `signature` in `thinking` block/);
  });

  test('a provider of OpenAI’s interface answers in the same form, whole and as a stream', async () => {
    const whole = await ask({
      model: 'sim-chat',
      system: [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } }],
    });
    const used = await truth();
    assert.equal(whole.message.model, 'sim-chat');
    assert.equal(whole.message.usage.input_tokens, used.promptTokens);
    assert.equal(whole.message.usage.output_tokens, used.completionTokens);
    const { events, cost } = await streamed({ model: 'sim-chat' });
    const types = events.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1]);
    assert.deepEqual(types, [
      ...['message_start', 'ping', 'content_block_start', 'content_block_delta', 'content_block_stop'],
      ...['message_delta', 'message_stop'],
    ]);
    assert.ok(Number(cost) > 0);
    const end = z.looseObject({ usage: usageSchema }).parse(events.at(-2));
    assert.equal(end.usage.output_tokens, (await truth()).completionTokens);
  });

  test('a vendor that offers Messages beside OpenAI’s interface is asked in them', async () => {
    const { message, headers } = await ask({ model: 'sim-both' });
    assert.match(message.id, /^msg_[0-9a-f]{24}$/);
    const [call] = (await upstream(product).journal()).slice(-1);
    assert.equal(call?.path, '/anthropic/v1/messages');
    assert.equal(parseMoney(headers.get('x-cost') ?? ''), await costOf());
  });

  for (const model of ['claude', 'sim-chat']) {
    test(`tools of ${model}: two calls at once, their results, and a choice`, async () => {
      const tools = [WEATHER, { ...WEATHER, name: 'get_calendar', strict: true, defer_loading: false }];
      const messages = [{ role: 'user', content: 'I need the weather and my calendar.' }];
      const { message } = await ask({ model, tools, messages });
      assert.equal(message.stop_reason, 'tool_use');
      const calls = message.content.filter(({ type }) => type === 'tool_use');
      assert.deepEqual(
        calls.map(({ name }) => name),
        ['get_weather', 'get_calendar'],
      );
      const results = calls.map(({ id }, index) => ({
        ...{ type: 'tool_result', tool_use_id: id },
        content: index === 0 ? 'sunny' : [{ type: 'text', text: 'free' }],
      }));
      const turns = [...messages, { role: 'assistant', content: message.content }, { role: 'user', content: results }];
      const { message: answer } = await ask({ model, tools, messages: turns });
      assert.match(JSON.stringify(answer.content), /sunny.*free/s);
      const alone = { type: 'any', disable_parallel_tool_use: true };
      const { message: one } = await ask({ model, tools, messages, tool_choice: alone });
      assert.equal(one.content.filter(({ type }) => type === 'tool_use').length, 1);
      const { events } = await streamed({ model, tools, messages });
      const starts = events.filter(({ type, content_block: block }) => type === 'content_block_start' && block);
      assert.equal(starts.filter((start) => JSON.stringify(start).includes('"tool_use"')).length, 2);
    });

    test(`pictures, a system message in the middle, stop sequences and a schema reach ${model}`, async () => {
      const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
      const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } };
      const content = [{ type: 'text', text: 'What is this?' }, image];
      const seen = await ask({
        model,
        messages: [
          { role: 'user', content },
          { role: 'system', content: 'Be brief.' },
        ],
      });
      assert.match(JSON.stringify(seen.message.content), /One image seen/);
      const stopped = await ask({ model, stop_sequences: ['the'] });
      assert.doesNotMatch(JSON.stringify(stopped.message.content), /\bthe\b/);
      const schema = {
        type: 'object',
        properties: { name: { type: 'string' } },
        required: ['name'],
        additionalProperties: false,
      };
      const shaped = await ask({ model, output_config: { format: { type: 'json_schema', schema }, effort: 'high' } });
      const [block] = shaped.message.content;
      assert.equal(typeof z.looseObject({ name: z.string() }).parse(JSON.parse(String(block?.text))).name, 'string');
    });
  }

  test('a search is charged, and offered only where its price is known', async () => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }];
    const messages = [{ role: 'user', content: 'Please search for the tide.' }];
    const { headers } = await ask({ model: 'claude', tools, messages });
    assert.equal(parseMoney(headers.get('x-cost') ?? ''), await costOf(1));
    const elsewhere = await refused({ model: 'sim-chat', tools, messages });
    assert.equal(elsewhere.status, 400);
    assert.match(elsewhere.message, /tools\.0\.type/);
    for (const body of [
      { speed: 'fast' },
      { inference_geo: 'us' },
      { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] },
    ]) {
      assert.match((await refused({ model: 'claude', ...body })).message, /changes the price/);
    }
  });

  test('documents are passed on or put in words; what a chat has no words for is named', async () => {
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0xLjQ=' } };
    await ask({ model: 'claude', messages: [{ role: 'user', content: [pdf, { type: 'text', text: 'Read it.' }] }] });
    const text = {
      type: 'document',
      title: 'Tides',
      source: { type: 'text', media_type: 'text/plain', data: 'High at noon.' },
    };
    await ask({ model: 'sim-chat', messages: [{ role: 'user', content: [text, { type: 'text', text: 'Read it.' }] }] });
    const file = { type: 'document', source: { type: 'file', file_id: 'file_1' } };
    for (const model of ['sim-chat', 'claude']) {
      for (const [block, path] of [
        [file, 'source.file_id'],
        [{ type: 'container_upload', file_id: 'file_1' }, 'file_id'],
        [{ type: 'tool_result', tool_use_id: 'toolu_1', content: [file] }, 'content.0.source.file_id'],
      ] as const) {
        const answer = await refused({ model, messages: [{ role: 'user', content: [block] }] });
        assert.deepEqual([answer.status, answer.type], [400, 'invalid_request_error']);
        assert.ok(answer.message.includes(`messages.0.content.0.${path}: is not supported`), answer.message);
      }
    }
    for (const [name, value] of Object.entries({
      tool_choice: { type: 'required' },
      thinking: { type: 'sometimes' },
      output_config: { format: { type: 'grammar' } },
      stop_sequences: 'END',
      container: 'c',
    })) {
      const { status, message } = await refused({ model: 'sim-chat', messages: HELLO, [name]: value });
      assert.equal(status, 400, name);
      assert.match(message, new RegExp(name));
    }
  });

  test('errors are in Anthropic’s form, in the words by which its clients decide', async () => {
    const tooLong = [{ role: 'user', content: 'word '.repeat(1_500) }];
    assert.match(
      (await refused({ model: 'claude-small', messages: tooLong })).message,
      /^prompt is too long: \d+ tokens > 1000 maximum/,
    );
    const translated = await refused({ model: 'small-chat', messages: tooLong });
    assert.match(translated.message, /^prompt is too long: \d+ tokens > 1000 maximum\. This model's maximum/);
    const call = { role: 'assistant', content: [{ type: 'tool_use', name: 'get_weather', input: {} }] };
    const nameless = await refused({
      model: 'sim-chat',
      system: 'Be brief.',
      tools: [WEATHER],
      messages: [...HELLO, call],
    });
    assert.equal(nameless.status, 400);
    assert.match(nameless.message, /'messages\.1\.content'/, 'by the field of the client');
    const unknown = await refused({ model: 'no-such-model' });
    assert.deepEqual([unknown.status, unknown.type], [404, 'not_found_error']);
    const unlimited = await refused({ model: 'claude', max_tokens: undefined });
    assert.deepEqual([unlimited.status, unlimited.message], [400, 'max_tokens: is required']);
    const stranger = await refused({ model: 'claude' }, { 'x-api-key': 'ak-nobody' });
    assert.deepEqual([stranger.status, stranger.type], [401, 'authentication_error']);
    await upstream(product).fault({ fault: '503', key: 'sim-claude-key' });
    const busy = await refused({ model: 'claude' });
    assert.deepEqual([busy.status, busy.type], [529, 'overloaded_error']);
    await upstream(product).noFaults();
    const nowhere = await post('/v1/messages/batches', {});
    assert.equal(errorSchema.parse(await nowhere.json()).error.type, 'not_found_error');
  });

  test('a stream that breaks ends with an error event, and is charged by what came', async () => {
    await upstream(product).fault({ fault: 'error-in-stream', value: 8, key: 'sim-claude-key', calls: 1 });
    const { events } = await streamed({ model: 'claude' });
    await upstream(product).noFaults();
    assert.equal(events.at(-1)?.type, 'error');
    assert.equal(errorSchema.safeParse(events.at(-1)).data?.error.type, 'overloaded_error');
    assert.ok(!events.some(({ type }) => type === 'message_stop'));
  });

  test('a keyed request answers as it did the first time, whole and streamed, and is charged once', async () => {
    for (const body of [{ model: 'claude' }, { model: 'claude', stream: true }, { model: 'sim-chat', stream: true }]) {
      const headers = { 'idempotency-key': `${body.model}-${body.stream === true}` };
      const once = async () => {
        const answer = await post('/v1/messages', { max_tokens: 50, messages: HELLO, ...body }, headers);
        return answer.text();
      };
      const before = (await upstream(product).journal()).length;
      assert.equal(await once(), await once());
      assert.equal((await upstream(product).journal()).length, before + 1);
    }
  });

  test('clients of OpenAI’s interface get the same models: whole, streamed, as a job, with tools and thoughts', async () => {
    const chat = async (body: object) => {
      const answer = await post('/v1/chat/completions', { model: 'claude', messages: HELLO, ...body });
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      return { headers: answer.headers, text };
    };
    const whole = await chat({ max_tokens: 20 });
    const { usage, choices } = completionSchema.parse(JSON.parse(whole.text));
    const used = await truth();
    assert.deepEqual([usage.prompt_tokens, usage.completion_tokens], [used.promptTokens, used.completionTokens]);
    assert.equal(choices[0]?.finish_reason, 'length');
    assert.equal(parseMoney(whole.headers.get('x-cost') ?? ''), await costOf());

    const stream = await chat({ stream: true, stream_options: { include_usage: true } });
    assert.match(stream.text, /data: \[DONE\]\n\n$/);
    assert.equal(parseMoney(/x-cost=([\d.]+)/.exec(stream.text)?.[1] ?? ''), await costOf());
    assert.match(stream.text, new RegExp(`"completion_tokens":${(await truth()).completionTokens}\\b`));

    const { name, description, input_schema: parameters } = WEATHER;
    const tools = [{ type: 'function', function: { name, description, parameters } }];
    const thinking = { type: 'enabled', budget_tokens: 1_024 };
    const asked = { tools, tool_choice: 'required', thinking, max_tokens: 2_000 };
    const [called] = completionSchema.parse(JSON.parse((await chat(asked)).text)).choices;
    assert.equal(called?.finish_reason, 'tool_calls');
    const { tool_calls: calls } = z
      .looseObject({ tool_calls: z.array(z.looseObject({ id: z.string() })) })
      .parse(called?.message);
    const result = { role: 'tool', tool_call_id: calls[0]?.id, content: 'sunny' };
    const messages = [{ role: 'system', content: 'Be kind.' }, ...HELLO, called?.message, result];
    assert.match((await chat({ ...asked, tool_choice: 'auto', messages })).text, /sunny/);

    const others = ['first', 'last'].map((other) => ({ type: 'function', function: { name: other, parameters } }));
    const choice = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [others[1]] } };
    const allowed = await chat({ ...asked, tools: [others[0], ...tools, others[1]], tool_choice: choice, stop: [' '] });
    assert.match(allowed.text, /"name":"last"/);
    assert.doesNotMatch(allowed.text, /"name":"(first|get_weather)"/);
    assert.match(allowed.headers.get('x-request-fits') ?? '', /left-out:stop/);
    const custom = { model: 'claude', messages: HELLO, tools: [{ type: 'custom', custom: { name: 'free' } }] };
    const unknown = await post('/v1/chat/completions', custom);
    assert.equal(unknown.status, 400);
    assert.match(await unknown.text(), /"param":"tools\[0\]\.type"/);

    const job = await call(product.apis[0], 'POST', '/v1/async/chat', {
      key,
      body: { userMessage: 'Tell me.', modelIdentifier: 'claude' },
    });
    const { jobId } = z.object({ jobId: z.string() }).parse(job.data);
    const ended = await jobEnd(product.apis[0], key, jobId);
    assert.equal(ended.status, 'COMPLETED');
    assert.equal(parseMoney(String(ended.cost)), await costOf());
  });

  test('thoughts that are withheld pass whole to both kinds of client', async () => {
    const { message } = await ask({ model: 'claude-redacted' });
    assert.ok(message.content.some(({ type }) => type === 'redacted_thinking'));
    const chat = await post('/v1/chat/completions', { model: 'claude-redacted', messages: HELLO });
    assert.match(await chat.text(), /"reasoning_details":\[\{"type":"reasoning.encrypted","data":"[0-9a-f]+"/);
  });

  for (const model of ['claude', 'sim-chat']) {
    test(`Claude Code’s recorded requests: a tool of 24 is called and its result given back, by ${model}`, async () => {
      const { system, tools, messages, ...fields } = claudeCode.body;
      const script = 'call Write with {"file_path":"made.txt","content":"hello"}';
      const [asked, ...context] = z.array(z.looseObject({ content: z.unknown() })).parse(spelledOut(messages));
      const [reminder] = z.array(z.unknown()).parse(asked?.content);
      const user = { role: 'user', content: [reminder, { type: 'text', text: script }] };
      const body = { ...fields, system: spelledOut(system), tools: spelledOut(tools), model };
      const send = async (turns: readonly unknown[]) => {
        const answer = await post('/v1/messages?beta=true', { ...body, messages: turns }, claudeCode.headers);
        const text = await answer.text();
        assert.equal(answer.status, 200, text);
        return text;
      };
      const called = await send([user, ...context]);
      assert.match(called, /"stop_reason":"tool_use"/);
      const id = /"type":"tool_use","id":"([\w-]+)","name":"Write"/.exec(called)?.[1];
      const pieces = [...called.matchAll(/"partial_json":("(?:[^"\\]|\\.)*")/g)].map(([, text = '""']) =>
        JSON.parse(text),
      );
      assert.deepEqual(JSON.parse(pieces.join('')), { file_path: 'made.txt', content: 'hello' });
      const use = { type: 'tool_use', id, name: 'Write', input: JSON.parse(pieces.join('')) };
      const result = {
        ...{ type: 'tool_result', tool_use_id: id },
        content: 'made',
        cache_control: { type: 'ephemeral' },
      };
      const turns = [user, ...context, { role: 'assistant', content: [use] }, { role: 'user', content: [result] }];
      const answered = await send(turns);
      assert.match(answered, /"stop_reason":"end_turn"/);
      const text = [...answered.matchAll(/"text_delta","text":("(?:[^"\\]|\\.)*")/g)].map(([, piece = '""']) =>
        JSON.parse(piece),
      );
      assert.equal(text.join(''), 'The result is: made');
    });
  }

  test('tokens are counted for free: by Anthropic’s own count, or by ours', async () => {
    const prompt = { messages: HELLO, system: 'Be kind.', tools: [WEATHER] };
    const count = async (model: string) => {
      const answer = await post('/v1/messages/count_tokens?beta=true', { model, ...prompt });
      return z.object({ input_tokens: z.number() }).parse(await answer.json()).input_tokens;
    };
    await ask({ model: 'claude', ...prompt });
    assert.equal(await count('claude'), (await truth()).promptTokens);
    assert.ok((await count('sim-chat')) > 10);
    await upstream(product).fault({ fault: '429', key: 'sim-claude-key' });
    assert.ok((await count('claude')) > 10);
    await upstream(product).noFaults();
    await ask({ model: 'claude' });
  });

  test('models are listed page by page for Anthropic’s clients, and the address answers', async () => {
    const list = async (query: string, headers: Record<string, string> = { 'anthropic-version': '2023-06-01' }) => {
      const answer = await apiFetch(`${product.apis[0]?.url}/v1/models${query}`, {
        headers: { 'x-api-key': key, ...headers },
      });
      return z
        .looseObject({
          data: z.array(z.looseObject({ id: z.string() })),
          has_more: z.boolean().optional(),
          last_id: z.string().optional(),
        })
        .parse(await answer.json());
    };
    const all = await list('?limit=1000');
    assert.equal(all.has_more, false);
    const claude = all.data.find(({ id }) => id === 'claude');
    assert.partialDeepStrictEqual(claude, {
      type: 'model',
      display_name: 'Simulated Claude',
      max_input_tokens: 200_000,
    });
    const paged: string[] = [];
    for (let page = await list('?limit=2'); ; page = await list(`?limit=2&after_id=${page.last_id}`)) {
      paged.push(...page.data.map(({ id }) => id));
      if (!page.has_more) break;
    }
    assert.deepEqual(
      paged,
      all.data.map(({ id }) => id),
    );
    assert.equal((await list('', {})).object, 'list');
    const alive = await fetch(`${product.apis[0]?.url}/`, { method: 'HEAD' });
    assert.equal(alive.status, 200);
  });

  test('a provider of Anthropic’s lists its models, and its test call works', async () => {
    const token = await rootToken(product);
    const providers = await call(product.apis[0], 'GET', '/v1/providers?pageSize=100', { token });
    const { records } = z
      .object({ records: z.array(z.looseObject({ id: z.number(), name: z.string() })) })
      .parse(providers.data);
    const id = records.find(({ name }) => name === 'claude')?.id;
    const listed = await call(product.apis[0], 'GET', `/v1/providers/${id}/upstream-models`, { token });
    assert.match(JSON.stringify(listed.data), /sim-claude/);
    const models = await call(product.apis[0], 'GET', '/v1/models?pageSize=100', { token });
    const { records: all } = z
      .object({ records: z.array(z.looseObject({ id: z.number(), modelIdentifier: z.string() })) })
      .parse(models.data);
    const model = all.find(({ modelIdentifier }) => modelIdentifier === 'claude')?.id;
    const tested = await call(product.apis[0], 'POST', `/v1/models/${model}/test`, { token });
    assert.equal(z.looseObject({ ok: z.boolean() }).parse(tested.data).ok, true, JSON.stringify(tested.data));
  });
});

/** The recording describes texts by their length and properties by their number. */
function spelledOut(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(spelledOut);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, spelledOut(member)]));
  }
  const [, count, what] = /^<(\d+) (characters|properties)>$/.exec(String(value)) ?? [];
  if (what === 'characters') return 'Words of a prompt. '.repeat(1_000).slice(0, Number(count)).trimEnd();
  if (what !== 'properties') return value;
  return Object.fromEntries(Array.from({ length: Number(count) }, (_, at) => [`field${at}`, { type: 'string' }]));
}
