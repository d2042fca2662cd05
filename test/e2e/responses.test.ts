/** OpenAI's Responses form through the whole product, read by OpenAI's own client. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses';
import { z } from 'zod';
import { parseMoney } from '../../core/ledger/money.ts';
import { until } from '../until.ts';
import codex from '../vendor-clients/codex-requests.json' with { type: 'json' };
import { apiFetch } from './api-fetch.ts';
import { type Customer, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';
import { addProvider, upstream } from './upstream.ts';

const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const WEATHER = { type: 'function' as const, name: 'get_weather', parameters: PARAMETERS, strict: null };
const TIDES = { type: 'function' as const, name: 'get_tides', parameters: PARAMETERS, strict: null };

/** Offered by /responses alone, where it takes tools while it thinks. */
const NATIVE = { chatInterface: 'responses', thinkingSwitch: 'reasoning_effort' } as const;

/** A whole stream, whose events are numbered from 0. */
async function eventsOf(stream: AsyncIterable<ResponseStreamEvent>): Promise<ResponseStreamEvent[]> {
  const events = await Array.fromAsync(stream);
  assert.deepEqual(
    events.map(({ sequence_number }) => sequence_number),
    events.map((_, index) => index),
  );
  return events;
}

/** The kinds of events; one that follows itself counts once. */
function orderOf(events: readonly ResponseStreamEvent[]): string[] {
  return events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
}

describe('OpenAI’s Responses form', () => {
  let product: Product;
  let customer: Customer;
  let client: OpenAI;
  const clientOf = (apiKey: string) =>
    new OpenAI({ baseURL: `${product.apis[0]?.url}/v1`, apiKey, maxRetries: 0, fetch: apiFetch });
  before(async () => {
    ({ product } = await sharedProduct('jobs'));
    customer = await newCustomer(product.apis[0]);
    client = clientOf(customer.key);
    await addProvider(product, {
      name: 'responses',
      keys: ['sim-responses'],
      models: [
        { identifier: 'responses-thinker', upstream: 'sim-chat-thinking!cached=7' },
        { identifier: 'responses-cut-short', upstream: 'sim-chat!cut=5' },
        { identifier: 'responses-slow', upstream: 'sim-chat!slow-chunks=400' },
        { identifier: 'responses-failing', upstream: 'sim-chat!400' },
        { identifier: 'native', upstream: 'sim-responses-thinking!cached=7', needs: NATIVE },
        { identifier: 'native-cut-short', upstream: 'sim-responses-thinking!cut=8', needs: NATIVE },
        { identifier: 'native-failing', upstream: 'sim-responses-thinking!400', needs: NATIVE },
      ],
    });
  });
  const charged = async (requestId: string | null) => {
    const [row] = await product.rows(
      `SELECT prompt_tokens, completion_tokens, amount FROM transfers WHERE id='${requestId}' AND kind='charge'`,
    );
    return row;
  };
  /** Checks that a response shows what was charged and what the simulator has counted. */
  const accounted = async (response: Response, requestId: string | null, cost?: string | null) => {
    const row = await charged(requestId);
    const { usage } = response;
    assert.deepEqual(
      [Number(row?.prompt_tokens), Number(row?.completion_tokens)],
      [usage?.input_tokens, usage?.output_tokens],
    );
    if (cost) assert.equal(-BigInt(String(row?.amount)), parseMoney(cost));
    const truth = (await upstream(product).journal()).at(-1)?.usage;
    assert.deepEqual([truth?.promptTokens, truth?.completionTokens], [usage?.input_tokens, usage?.output_tokens]);
    return truth;
  };
  const requestIdOf = (response: Response) => {
    const hex = response.id.slice('resp_'.length);
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  };

  test('a text, charged as the simulator counts it, thoughts and cached tokens among it', async () => {
    const asked = client.responses.create({
      ...{
        model: 'responses-thinker',
        instructions: 'Be brief.',
        input: 'What is the sea?',
        metadata: { about: 'sea' },
      },
      ...{ reasoning: { summary: 'auto', effort: 'low' }, include: ['reasoning.encrypted_content'] },
    });
    const { data, response } = await asked.withResponse();
    const { status, model, output, usage, metadata, instructions } = data;
    assert.deepEqual(
      [status, model, metadata, instructions],
      ['completed', 'responses-thinker', { about: 'sea' }, 'Be brief.'],
    );
    assert.deepEqual(
      output.map(({ type }) => type),
      ['reasoning', 'message'],
    );
    assert.ok(data.output_text.length > 10);
    const [thought] = output;
    assert.ok(thought?.type === 'reasoning' && (thought.summary[0]?.text.length ?? 0) > 10);
    assert.ok(thought.encrypted_content);
    const truth = await accounted(data, response.headers.get('x-request-id'), response.headers.get('x-cost'));
    assert.equal(usage?.input_tokens_details.cached_tokens, 7);
    assert.equal(truth?.cachedTokens, 7);
    assert.equal(usage?.output_tokens_details.reasoning_tokens, truth?.reasoningTokens);
    assert.ok(Number(truth?.reasoningTokens) > 0);
  });

  test('a stream: OpenAI’s events in OpenAI’s order, and the same response at its end', async () => {
    const stream = await client.responses.create({
      model: 'responses-thinker',
      input: 'What is the sea?',
      stream: true,
    });
    const events = await eventsOf(stream);
    assert.deepEqual(orderOf(events), [
      ...['response.created', 'response.in_progress', 'response.output_item.added'],
      ...['response.reasoning_summary_part.added', 'response.reasoning_summary_text.delta'],
      ...['response.reasoning_summary_text.done', 'response.reasoning_summary_part.done'],
      ...['response.output_item.done', 'response.output_item.added', 'response.content_part.added'],
      ...['response.output_text.delta', 'response.output_text.done', 'response.content_part.done'],
      ...['response.output_item.done', 'response.completed'],
    ]);
    const last = events.at(-1);
    assert.ok(last?.type === 'response.completed');
    await accounted(last.response, requestIdOf(last.response));
    const { completed_at: _, ...kept } = await client.responses.retrieve(last.response.id);
    const { completed_at: __, ...reported } = last.response;
    assert.deepEqual(kept, { ...reported, output_text: kept.output_text });
    const texts = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []));
    assert.equal(texts.join(''), kept.output_text);
  });

  test('tools, called at once and streamed, gone on from with previous_response_id', async () => {
    const ask = {
      model: 'sim-chat',
      input: 'What do get_weather and get_tides say?',
      tools: [WEATHER, TIDES],
    };
    const whole = await client.responses.create(ask);
    const streamed = await client.responses.stream(ask).finalResponse();
    for (const response of [whole, streamed]) {
      const calls = response.output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
      assert.deepEqual(
        calls.map(({ name }) => name),
        ['get_weather', 'get_tides'],
      );
      for (const call of calls) z.object({ city: z.string() }).parse(JSON.parse(call.arguments));
      const results = calls.map(({ call_id, name }) => ({
        ...{ type: 'function_call_output' as const, call_id, output: `${name} is fine` },
      }));
      const next = await client.responses.create({
        ...{ model: 'sim-chat', previous_response_id: response.id, input: results, tools: [WEATHER, TIDES] },
      });
      assert.equal(next.output_text, 'The result is: get_weather is fine get_tides is fine');
      await accounted(next, requestIdOf(next));
      const third = await client.responses.create({
        ...{ model: 'sim-chat', previous_response_id: next.id, input: 'And the gateway?', tools: ask.tools },
      });
      assert.ok(
        (third.usage?.input_tokens ?? 0) > (next.usage?.input_tokens ?? 0),
        'the model reads all that was said before',
      );
    }
  });

  test('tools in a namespace, custom ones, and one that OpenAI would run', async () => {
    const tools = [
      { type: 'namespace' as const, name: 'agents', description: 'Others', tools: [{ ...WEATHER, name: 'spawn' }] },
      { type: 'custom' as const, name: 'apply_patch', description: 'Changes files' },
      { type: 'web_search' as const },
    ];
    const ask = (input: string) => client.responses.create({ model: 'sim-chat', input, tools });
    const spawned = await ask('call agents__spawn with {"city":"Rome"}');
    assert.partialDeepStrictEqual(spawned.output[0], {
      ...{ type: 'function_call', name: 'spawn', namespace: 'agents', arguments: '{"city":"Rome"}' },
    });
    const patched = await ask('call apply_patch with {"input":"*** Begin"}');
    const [call] = patched.output;
    assert.partialDeepStrictEqual(call, { type: 'custom_tool_call', name: 'apply_patch', input: '*** Begin' });
    assert.deepEqual(
      patched.tools.map(({ type }) => type),
      ['namespace', 'custom'],
    );
    assert.ok(call?.type === 'custom_tool_call');
    const output = { type: 'custom_tool_call_output' as const, call_id: call.call_id, output: 'patched' };
    const next = await client.responses.create({
      ...{ model: 'sim-chat', previous_response_id: patched.id, input: [output], tools },
    });
    assert.equal(next.output_text, 'The result is: patched');
  });

  test('parse reads a schema; a picture and a file of text are looked at', async () => {
    const Person = z.object({ name: z.string(), age: z.number().int() });
    const parsed = await client.responses.parse({
      ...{ model: 'sim-chat', input: 'Who?', text: { format: zodTextFormat(Person, 'person') } },
    });
    Person.parse(parsed.output_parsed);
    const file_data = `data:text/plain;base64,${Buffer.from('The tide is high.').toString('base64')}`;
    const seen = await client.responses.create({
      model: 'sim-vision',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_image', image_url: PIXEL, detail: 'low' },
            { type: 'input_file', filename: 'tide.txt', file_data },
            { type: 'input_text', text: 'What is this?' },
          ],
        },
      ],
    });
    assert.match(seen.output_text, /^One image seen\./);
    await accounted(seen, requestIdOf(seen));
  });

  test('a limit of tokens ends a response as incomplete', async () => {
    const ask = { model: 'sim-chat', input: 'Tell me about the sea.', max_output_tokens: 9 };
    const whole = await client.responses.create(ask);
    const streamed = await client.responses.stream(ask).finalResponse();
    for (const response of [whole, streamed]) {
      assert.deepEqual([response.status, response.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }]);
      assert.equal(response.usage?.output_tokens, 9);
    }
  });

  test('what was kept is listed, referred to and deleted, by its owner alone', async () => {
    const first = await client.responses.create({ model: 'sim-chat', input: 'Hello' });
    const items = await client.responses.inputItems.list(first.id);
    assert.partialDeepStrictEqual(items.data, [{ type: 'message', role: 'user', content: [{ text: 'Hello' }] }]);
    const reference = { type: 'item_reference' as const, id: first.output[0]?.id ?? '' };
    const input = [{ role: 'user' as const, content: 'Hello' }, reference, { role: 'user' as const, content: 'Again' }];
    const second = await client.responses.create({ model: 'sim-chat', input });
    assert.ok((second.usage?.input_tokens ?? 0) > (first.usage?.output_tokens ?? 0));
    const stranger = clientOf((await newCustomer(product.apis[0])).key);
    await assert.rejects(stranger.responses.retrieve(first.id), OpenAI.NotFoundError);
    await assert.rejects(stranger.responses.delete(first.id), OpenAI.NotFoundError);
    const going = { model: 'sim-chat', previous_response_id: first.id, input: 'x' };
    await assert.rejects(stranger.responses.create(going), { status: 400, code: 'previous_response_not_found' });
    await assert.rejects(stranger.responses.create({ model: 'sim-chat', input }), { param: 'input[1].id' });
    await client.responses.delete(first.id);
    await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
    await assert.rejects(client.responses.create(going), { status: 400, param: 'previous_response_id' });
    const unkept = await client.responses.create({ model: 'sim-chat', input: 'Hello', store: false });
    assert.partialDeepStrictEqual(unkept, { store: false });
    await assert.rejects(client.responses.retrieve(unkept.id), OpenAI.NotFoundError);
  });

  test('texts are added to a kept conversation that is named', async () => {
    const headers = { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json' };
    const url = `${product.apis[0]?.url}/v1/conversations`;
    const made = await apiFetch(url, { method: 'POST', headers, body: '{}' });
    const { data } = z.object({ data: z.object({ conversationId: z.string() }) }).parse(await made.json());
    const conversation = data.conversationId;
    await client.responses.create({ model: 'sim-chat', input: 'Hello', conversation });
    const second = await client.responses.create({
      model: 'sim-chat',
      input: 'And you?',
      conversation: { id: conversation },
    });
    assert.equal(second.conversation?.id, conversation);
    const messages = await apiFetch(`${url}/${conversation}/messages`, { headers });
    const kept = z.object({ data: z.array(z.looseObject({ content: z.string() })) }).parse(await messages.json());
    assert.deepEqual([kept.data.length, kept.data[0]?.content, kept.data[2]?.content], [4, 'Hello', 'And you?']);
  });

  test('a repeated key is answered once, whole and streamed', async () => {
    for (const stream of [false, true]) {
      const once = async () => {
        const answer = await apiFetch(`${client.baseURL}/responses`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${customer.key}`,
            'content-type': 'application/json',
            'idempotency-key': `response-once-${stream}`,
          },
          body: JSON.stringify({ model: 'sim-chat', input: 'Hello', stream }),
        });
        return /resp_\w+/.exec(await answer.text())?.[0];
      };
      const first = await once();
      assert.ok(first);
      assert.equal(await once(), first);
      assert.ok(await charged(requestIdOf({ ...(await client.responses.retrieve(first)) })));
    }
  });

  test('a stream that its provider cuts ends with response.failed', async () => {
    const stream = await client.responses.create({
      model: 'responses-cut-short',
      input: 'Tell me about the sea.',
      stream: true,
    });
    const events = await eventsOf(stream);
    const last = events.at(-1);
    assert.ok(last?.type === 'response.failed');
    assert.deepEqual([last.response.status, last.response.error?.code], ['failed', 'server_error']);
  });

  test('passed on: a text and tools while it thinks, whole and streamed, gone on from with the thoughts that only the provider can read', async () => {
    const ask = { model: 'native', input: 'call get_weather with {"city":"Rome"}', tools: [WEATHER, TIDES] };
    const whole = await client.responses.create({ ...ask, reasoning: { summary: 'auto', effort: 'low' } });
    const ofWhole = await accounted(whole, requestIdOf(whole));
    const asked = { ...ask, reasoning: { summary: 'auto' as const }, stream: true as const };
    const events = await eventsOf(await client.responses.create(asked));
    const last = events.at(-1);
    assert.ok(last?.type === 'response.completed');
    assert.deepEqual(orderOf(events), [
      ...['response.created', 'response.in_progress', 'response.output_item.added'],
      ...['response.reasoning_summary_part.added', 'response.reasoning_summary_text.delta'],
      ...['response.reasoning_summary_text.done', 'response.reasoning_summary_part.done'],
      ...['response.output_item.done', 'response.output_item.added', 'response.function_call_arguments.delta'],
      ...['response.function_call_arguments.done', 'response.output_item.done', 'response.completed'],
    ]);
    const ids = events.flatMap((event) => ('item_id' in event ? [event.item_id] : []));
    const known = new Set(last.response.output.map(({ id }) => id));
    assert.ok(ids.every((id) => known.has(id)));
    const ofStream = await accounted(last.response, requestIdOf(last.response));
    for (const [response, truth] of [[whole, ofWhole] as const, [last.response, ofStream] as const]) {
      assert.partialDeepStrictEqual(response, {
        ...{ model: 'native', store: true },
        usage: {
          input_tokens_details: { cached_tokens: 7 },
          output_tokens_details: { reasoning_tokens: Number(truth?.reasoningTokens) },
        },
      });
      assert.ok(Number(truth?.reasoningTokens) > 0);
      const [thought, call] = response.output;
      assert.ok(thought?.type === 'reasoning' && thought.encrypted_content?.startsWith('sim-encrypted-'));
      assert.ok(call?.type === 'function_call');
      const result = { type: 'function_call_output' as const, call_id: call.call_id, output: 'sunny' };
      const next = await client.responses.create({ ...ask, previous_response_id: response.id, input: [result] });
      assert.equal(next.output_text, 'The result is: sunny');
      const bare = await client.responses.create({
        ...ask,
        input: [{ role: 'user', content: ask.input }, call, result],
      });
      assert.ok((next.usage?.input_tokens ?? 0) > (bare.usage?.input_tokens ?? 0), 'its thoughts went back to it');
      const references = response.output.map(({ id }) => ({ type: 'item_reference' as const, id: id ?? '' }));
      const input = [{ role: 'user' as const, content: ask.input }, ...references, result];
      const referred = await client.responses.create({ ...ask, input, store: false });
      assert.equal(referred.usage?.input_tokens, next.usage?.input_tokens);
      const { output_text: _, ...kept } = await client.responses.retrieve(response.id);
      const { output_text: __, ...reported } = { ...response, output_text: '' };
      assert.deepEqual(kept, reported);
    }
  });

  test('passed on: what a chat has no words for, in the background, in a kept conversation, as a chat and as Messages', async () => {
    const file_data = `data:application/pdf;base64,${Buffer.from('%PDF-1.7').toString('base64')}`;
    const read = await client.responses.create({
      model: 'native',
      input: [{ role: 'user', content: [{ type: 'input_file', filename: 'a.pdf', file_data }] }],
    });
    await accounted(read, requestIdOf(read));
    const begun = await client.responses.create({ model: 'native', input: 'What is the sea?', background: true });
    await until('it is made', async () => (await client.responses.retrieve(begun.id)).status === 'completed');
    const made = await client.responses.retrieve(begun.id);
    assert.partialDeepStrictEqual(made, { background: true, model: 'native', id: begun.id });
    assert.ok(made.output[0]?.type === 'reasoning' && made.output[0].encrypted_content);
    await accounted(made, requestIdOf(made));
    const going = { model: 'native', previous_response_id: made.id, input: 'And the tides?' };
    assert.ok(((await client.responses.create(going)).usage?.input_tokens ?? 0) > (made.usage?.input_tokens ?? 0));
    const headers = { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json' };
    const kept = await apiFetch(`${client.baseURL}/conversations`, { method: 'POST', headers, body: '{}' });
    const { data } = z.object({ data: z.object({ conversationId: z.string() }) }).parse(await kept.json());
    const turn = { model: 'native', input: 'What is the sea?', conversation: data.conversationId };
    const before = await client.responses.create(turn);
    const after = await client.responses.create(turn);
    assert.equal(after.conversation?.id, data.conversationId);
    assert.ok((after.usage?.input_tokens ?? 0) > (before.usage?.input_tokens ?? 0) + 20, 'it has read the first turn');
    const chat = await client.chat.completions.create({
      ...{ model: 'native', messages: [{ role: 'user', content: 'call get_weather with {"city":"Rome"}' }] },
      tools: [{ type: 'function', function: { name: 'get_weather', parameters: PARAMETERS } }],
    });
    assert.partialDeepStrictEqual(chat.choices[0]?.message.tool_calls, [{ function: { name: 'get_weather' } }]);
    const message = await apiFetch(`${client.baseURL}/messages`, {
      method: 'POST',
      headers: { 'x-api-key': customer.key, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ model: 'native', max_tokens: 500, messages: [{ role: 'user', content: 'Hello' }] }),
    });
    assert.partialDeepStrictEqual(await message.json(), { type: 'message', model: 'native', stop_reason: 'end_turn' });
  });

  test('passed on: a stream that is cut is charged by what came of it and ends as failed; a refusal is free', async () => {
    const ask = { model: 'native-cut-short', input: 'What is the sea?', reasoning: { summary: 'auto' as const } };
    const events = await eventsOf(await client.responses.create({ ...ask, stream: true }));
    const last = events.at(-1);
    assert.ok(last?.type === 'response.failed');
    await until('it is charged', async () => (await charged(requestIdOf(last.response))) !== undefined);
    const row = await charged(requestIdOf(last.response));
    assert.ok(Number(row?.completion_tokens) > 0);
    await assert.rejects(client.responses.create({ model: 'native-failing', input: 'x' }), OpenAI.BadRequestError);
    const { usage } = (await upstream(product).journal()).at(-1) ?? {};
    assert.equal(usage, null);
  });

  test('Codex: its recorded task is answered with a call, and the result with a text, in the events that it waits for', async () => {
    const answerTo = async (input: unknown[]) => {
      const answer = await apiFetch(`${client.baseURL}/responses?client=codex`, {
        method: 'POST',
        headers: { ...codex.headers, authorization: `Bearer ${customer.key}` },
        body: JSON.stringify({ ...codex.body, input }),
      });
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      const events = [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)];
      for (const [, type, data = ''] of events) assert.partialDeepStrictEqual(JSON.parse(data), { type });
      return { types: events.map(([, type]) => type), events: events.map(([, , data = '']) => JSON.parse(data)) };
    };
    const asked = await answerTo(codex.body.input);
    assert.deepEqual(asked.types, [
      ...['response.created', 'response.in_progress', 'response.output_item.added'],
      ...asked.types.filter((type) => type === 'response.function_call_arguments.delta'),
      ...['response.function_call_arguments.done', 'response.output_item.done', 'response.completed'],
    ]);
    const { item } = asked.events.findLast(({ type }) => type === 'response.output_item.done');
    assert.deepEqual([item.name, item.arguments], ['exec_command', '{"cmd":"echo hello > out.txt"}']);
    assert.ok(asked.events.at(-1).response.usage.input_tokens > 0);
    const result = { ...codex.result, call_id: item.call_id };
    const answered = await answerTo([...codex.body.input, item, result]);
    assert.equal(answered.events.at(-1).response.output[0].content[0].text, `The result is: ${codex.result.output}`);
  });

  test('in the background: a job that is asked for, gone on from, followed from any event and deleted', async () => {
    const ask = { model: 'responses-thinker', input: 'What is the sea?', background: true };
    const options = { headers: { 'idempotency-key': 'response-in-the-background' } };
    const begun = await client.responses.create(ask, options);
    assert.ok(['queued', 'in_progress'].includes(begun.status ?? ''), begun.status);
    assert.equal((await client.responses.create(ask, options)).id, begun.id);
    await until('the response is made', async () => (await client.responses.retrieve(begun.id)).status === 'completed');
    const made = await client.responses.retrieve(begun.id);
    assert.ok(made.output_text.length > 10 && made.background === true);
    await accounted(made, requestIdOf(made));
    const [input] = (await client.responses.inputItems.list(begun.id)).data;
    assert.partialDeepStrictEqual(input, { role: 'user' });
    const next = await client.responses.create({
      ...{ model: 'sim-chat', previous_response_id: begun.id, input: 'And the tides?' },
    });
    const third = await client.responses.create({
      ...{ model: 'sim-chat', previous_response_id: next.id, input: 'And you?' },
    });
    assert.ok((third.usage?.input_tokens ?? 0) > (next.usage?.input_tokens ?? 0));
    const sent = await eventsOf(await client.responses.create({ ...ask, stream: true }));
    const last = sent.at(-1);
    assert.ok(last?.type === 'response.completed');
    const again = await client.responses.retrieve(last.response.id, { stream: true, starting_after: 3 });
    assert.deepEqual(await Array.fromAsync(again), sent.slice(4));
    await client.responses.delete(begun.id);
    await assert.rejects(client.responses.retrieve(begun.id), OpenAI.NotFoundError);
  });

  test('in the background: one that is cancelled, and one that its provider fails', async () => {
    const slow = { model: 'responses-slow', input: 'x', background: true };
    const begun = await client.responses.create(slow);
    await client.responses.cancel(begun.id);
    await until('it has ended', async () => (await client.responses.retrieve(begun.id)).status === 'cancelled');
    const stranger = clientOf((await newCustomer(product.apis[0])).key);
    await assert.rejects(stranger.responses.cancel(begun.id), OpenAI.NotFoundError);
    const failing = await client.responses.create({ model: 'responses-failing', input: 'x', background: true });
    await until('it has failed', async () => (await client.responses.retrieve(failing.id)).status === 'failed');
    assert.ok((await client.responses.retrieve(failing.id)).error?.message);
    const unread = { type: 'json_schema', name: 'answer', schema: { $ref: 'elsewhere' } } as const;
    const ask = { model: 'sim-chat', input: 'x', text: { format: unread } };
    const refused = await client.responses.create({ ...ask, background: true });
    await until('it is refused', async () => (await client.responses.retrieve(refused.id)).status === 'failed');
    assert.match((await client.responses.retrieve(refused.id)).error?.message ?? '', /'text\.format'/);
    for (const stream of [false, true])
      await assert.rejects(client.responses.create({ ...ask, stream }), { status: 400, param: 'text.format' });
    const whole = await client.responses.create({ model: 'sim-chat', input: 'x' });
    await assert.rejects(client.responses.cancel(whole.id), OpenAI.NotFoundError);
  });

  test('the tokens of a request are counted for free, with those of what it goes on from', async () => {
    const count = async (body: object) => (await client.responses.inputTokens.count(body)).input_tokens;
    const first = await client.responses.create({ model: 'sim-chat', input: 'Tell me about the sea.' });
    const ask = { model: 'sim-chat', input: 'And then?' };
    const moved = async () => (await product.rows('SELECT COUNT(*) AS n FROM transfers'))[0]?.n;
    const before = await moved();
    const alone = await count(ask);
    assert.ok(alone >= 3 && alone < 40, String(alone));
    assert.ok((await count({ ...ask, instructions: 'Be brief, be kind, be clear.', tools: [WEATHER] })) > alone + 20);
    assert.ok((await count({ ...ask, previous_response_id: first.id })) > alone + 10);
    assert.ok((await count({ ...ask, model: 'native' })) >= 3);
    await assert.rejects(count({ ...ask, previous_response_id: 'resp_1' }), OpenAI.BadRequestError);
    await assert.rejects(count({ ...ask, model: 'nothing' }), OpenAI.NotFoundError);
    assert.equal(await moved(), before);
  });

  test('a method of OpenAI’s that is not here is 404 in its form; an id with another method 405', async () => {
    const send = async (method: string, path: string) => {
      const answer = await apiFetch(`${product.apis[0]?.url}/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${customer.key}` },
      });
      const { error } = z.object({ error: z.object({ message: z.string() }) }).parse(await answer.json());
      return [answer.status, error.message];
    };
    for (const path of ['/responses/compact', '/files/search', '/batches/x'])
      assert.deepEqual(await send('POST', path), [404, `there is nothing at /v1${path}`]);
    assert.deepEqual(await send('PUT', '/responses/resp_1'), [405, 'allowed here: HEAD, GET, DELETE']);
  });

  test('errors name the field, and arrive as the client’s own types', async () => {
    const refused = async (body: object, param: string) => {
      const ask = { model: 'sim-chat', input: 'x', ...body };
      await assert.rejects(client.responses.create(ask), (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError, String(error));
        assert.equal(error.param, param);
        return true;
      });
    };
    const message = (content: unknown) => ({ input: [{ role: 'user', content }] });
    await refused({ input: null }, 'input');
    await refused({ input: [] }, 'input');
    await refused({ input: [7] }, 'input[0]');
    await refused({ input: [{ role: 'nobody', content: 'x' }] }, 'input[0].role');
    await refused({ input: [{ type: 'dream' }] }, 'input[0].type');
    await refused(message(null), 'input[0].content');
    await refused(message([{ type: 'input_audio' }]), 'input[0].content[0].type');
    await refused(message([{ type: 'input_image', file_id: 'file_1' }]), 'input[0].content[0].file_id');
    await refused(message([{ type: 'input_file', filename: 'a.pdf' }]), 'input[0].content[0].file_data');
    const byAddress = [{ type: 'input_file', file_url: 'https://example.com/a.pdf' }];
    await refused(message(byAddress), 'input[0].content[0].file_url');
    await refused({ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0].id');
    const texts = Array.from({ length: 2_000 }, () => ({ type: 'input_text', text: 'x' }));
    await refused(message([...texts, { type: 'input_image', image_url: PIXEL }]), 'input[0].content');
    const result = { type: 'function_call_output', call_id: 'none', output: 'x' };
    await refused({ instructions: 'Be brief.', input: [{ role: 'user', content: 'x' }, result] }, 'input[1].output');
    await refused({ tools: [{ type: 'file_search' }] }, 'tools[0].type');
    await refused({ tools: [{ type: 'function' }] }, 'tools[0].name');
    await refused({ tool_choice: { type: 'function', name: 'x' } }, 'tool_choice');
    await refused({ max_output_tokens: 0 }, 'max_output_tokens');
    await refused({ messages: [] }, 'messages');
    await refused({ background: true, store: false }, 'store');
    await refused({ n: 2 }, 'n');
    await refused({ text: { format: { type: 'yaml' } } }, 'text.format');
    await refused({ temperature: 9 }, 'temperature');
    await refused({ previous_response_id: 'resp_1' }, 'previous_response_id');
    await assert.rejects(client.responses.create({ model: 'nothing', input: 'x' }), OpenAI.NotFoundError);
    await assert.rejects(
      clientOf('ak-wrong').responses.create({ model: 'sim-chat', input: 'x' }),
      OpenAI.AuthenticationError,
    );
  });
});
