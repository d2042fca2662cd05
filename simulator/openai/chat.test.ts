/** The OpenAI side read by OpenAI's own client: what it accepts is what the wire format is. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import OpenAI from 'openai';
import { countTokens } from '../../infra/tokens.ts';
import { type Simulator, startSimulator } from '../simulator.ts';

let simulator: Simulator;
let client: OpenAI;

before(async () => {
  simulator = await startSimulator();
  client = new OpenAI({ apiKey: 'sim-test', baseURL: `${simulator.url}/v1`, maxRetries: 0 });
});
after(() => simulator.close());
beforeEach(async () => {
  await fetch(`${simulator.url}/control/reset`, { method: 'POST' });
});

const ask = (content: string) => [{ role: 'user' as const, content }];

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function lastRecord(): Promise<Record<string, unknown>> {
  for (;;) {
    const response = await fetch(`${simulator.url}/control/journal`);
    const { entries } = (await response.json()) as { entries: Record<string, unknown>[] };
    const last = entries.at(-1);
    if (last && last.outcome !== 'running') return last;
  }
}

test('a plain completion: fields, usage by the tokenizer, the journal', async () => {
  const { data, response } = await client.chat.completions
    .create({ model: 'sim-chat', messages: ask('Describe the river Elbe') })
    .withResponse();
  assert.equal(data.object, 'chat.completion');
  assert.equal(data.model, 'sim-chat');
  assert.match(data.id, /^chatcmpl-/);
  const [choice] = data.choices;
  assert.equal(choice?.finish_reason, 'stop');
  assert.equal(choice.message.refusal, null);
  assert.equal(data.usage?.completion_tokens, countTokens(choice.message.content ?? ''));
  assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
  assert.match(response.headers.get('x-request-id') ?? '', /^req_[0-9a-f]{32}$/);
  assert.equal(response.headers.get('x-ratelimit-limit-requests'), '10000');

  const record = await lastRecord();
  assert.equal(record.key, 'sim-test');
  assert.equal(record.outcome, 'completed');
  assert.equal(record.requestId, response.headers.get('x-request-id'));
  assert.deepEqual(record.delivered, { chunks: 1, tokens: data.usage.completion_tokens, images: 0 });
});

test('the same request is answered the same, in the language of the prompt', async () => {
  const create = () => client.chat.completions.create({ model: 'sim-chat', messages: ask('请介绍一下长江的历史') });
  const [one, two] = await Promise.all([create(), create()]);
  assert.equal(one.choices[0]?.message.content, two.choices[0]?.message.content);
  assert.match(one.choices[0]?.message.content ?? '', /^\p{Script=Han}/u);
});

test('a stream with usage: role first, empty delta last, usage only in the last chunk', async () => {
  const stream = await client.chat.completions.create({
    model: 'sim-chat',
    messages: ask('Tell a long story'),
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await collect(stream);
  assert.deepEqual(chunks[0]?.choices[0]?.delta, { role: 'assistant', content: '', refusal: null });
  const finish = chunks.at(-2)?.choices[0];
  assert.deepEqual(finish?.delta, {});
  assert.equal(finish.finish_reason, 'stop');
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
  assert.deepEqual(chunks.at(-1)?.choices, []);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  assert.equal(chunks.at(-1)?.usage?.completion_tokens, countTokens(text));
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.ok(chunks.length > 20);
});

test('a stream without include_usage has no usage member, and ends with [DONE]', async () => {
  const response = await fetch(`${simulator.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sim-test', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sim-chat', messages: ask('hi'), stream: true }),
  });
  const text = await response.text();
  assert.ok(!text.includes('"usage"'));
  assert.ok(text.endsWith('data: [DONE]\n\n'));
});

test('stream and plain answer are the same text', async () => {
  const request = { model: 'sim-chat', messages: ask('Compare two rivers'), max_tokens: 20 };
  const plain = await client.chat.completions.create(request);
  const helper = client.chat.completions.stream(request);
  const final = await helper.finalChatCompletion();
  assert.equal(final.choices[0]?.message.content, plain.choices[0]?.message.content);
  assert.equal(plain.choices[0]?.finish_reason, 'length');
  assert.equal(plain.usage?.completion_tokens, 20);
});

test('a tool round trip, plain and streamed', async () => {
  const tools: OpenAI.ChatCompletionTool[] = [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    },
  ];
  const messages: OpenAI.ChatCompletionMessageParam[] = ask('What is the weather in Hamburg?');
  const first = await client.chat.completions.create({ model: 'sim-chat', messages, tools });
  assert.equal(first.choices[0]?.finish_reason, 'tool_calls');
  const message = first.choices[0].message;
  assert.equal(message.content, null);
  const [call] = message.tool_calls ?? [];
  assert.ok(call?.type === 'function');
  assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');

  const streamed = await client.chat.completions.stream({ model: 'sim-chat', messages, tools }).finalChatCompletion();
  assert.deepEqual(streamed.choices[0]?.message.tool_calls?.[0]?.id, call.id);

  const second = await client.chat.completions.create({
    model: 'sim-chat',
    messages: [...messages, message, { role: 'tool', tool_call_id: call.id, content: 'rain, 8 degrees' }],
    tools,
  });
  assert.equal(second.choices[0]?.message.content, 'The result is: rain, 8 degrees');
});

test('tool_choice: none, required, by name', async () => {
  const tools: OpenAI.ChatCompletionTool[] = ['one', 'two'].map((name) => ({
    type: 'function',
    function: { name, parameters: { type: 'object', properties: {} } },
  }));
  const called = async (tool_choice: OpenAI.ChatCompletionToolChoiceOption) => {
    const reply = await client.chat.completions.create({
      model: 'sim-chat',
      messages: ask('hello'),
      tools,
      tool_choice,
    });
    const [choice] = reply.choices;
    return [
      choice?.finish_reason,
      choice?.message.tool_calls?.map((call) => call.type === 'function' && call.function.name),
    ];
  };
  assert.deepEqual(await called('none'), ['stop', undefined]);
  assert.deepEqual(await called('auto'), ['stop', undefined]);
  assert.deepEqual(await called('required'), ['tool_calls', ['one']]);
  assert.deepEqual(await called({ type: 'function', function: { name: 'two' } }), ['stop', ['two']]);
});

test('response_format: an object that satisfies the schema', async () => {
  const schema = {
    type: 'object',
    properties: { title: { type: 'string' }, pages: { type: 'integer', minimum: 10, maximum: 20 } },
    required: ['title', 'pages'],
    additionalProperties: false,
  };
  const reply = await client.chat.completions.create({
    model: 'sim-chat',
    messages: ask('A book, please'),
    response_format: { type: 'json_schema', json_schema: { name: 'book', schema, strict: true } },
  });
  const book = JSON.parse(reply.choices[0]?.message.content ?? '');
  assert.equal(typeof book.title, 'string');
  assert.ok(book.pages >= 10 && book.pages <= 20);

  const json = await client.chat.completions.create({
    model: 'sim-chat',
    messages: ask('Answer in JSON'),
    response_format: { type: 'json_object' },
  });
  assert.equal(typeof JSON.parse(json.choices[0]?.message.content ?? ''), 'object');
});

test('n, stop and logprobs', async () => {
  const reply = await client.chat.completions.create({
    model: 'sim-chat',
    messages: ask('apples pears plums'),
    n: 3,
    stop: 'plums',
    logprobs: true,
    top_logprobs: 2,
  });
  assert.deepEqual(
    reply.choices.map((choice) => choice.index),
    [0, 1, 2],
  );
  let tokens = 0;
  for (const choice of reply.choices) {
    assert.equal(choice.finish_reason, 'stop');
    assert.ok(!choice.message.content?.includes('plums'));
    const content = choice.logprobs?.content ?? [];
    assert.equal(content.map((one) => one.token).join(''), choice.message.content);
    assert.ok(content.every((one) => one.top_logprobs.length === 2));
    tokens += content.length;
  }
  assert.equal(reply.usage?.completion_tokens, tokens);
});

test('images in messages are counted by their size', async () => {
  const png = (width: number, height: number) => {
    const header = Buffer.from('89504e470d0a1a0a0000000d4948445200000000000000000802000000', 'hex');
    header.writeUInt32BE(width, 16);
    header.writeUInt32BE(height, 20);
    return `data:image/png;base64,${header.toString('base64')}`;
  };
  const prompt = async (images: { url: string; detail?: 'low' }[]) => {
    const reply = await client.chat.completions.create({
      model: 'sim-chat',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            ...images.map((image_url) => ({ type: 'image_url' as const, image_url })),
          ],
        },
      ],
    });
    return reply.usage?.prompt_tokens ?? 0;
  };
  const without = await prompt([]);
  assert.equal((await prompt([{ url: png(512, 512) }])) - without, 85 + 170);
  assert.equal((await prompt([{ url: png(2048, 4096) }])) - without, 85 + 170 * 6);
  assert.equal((await prompt([{ url: png(2048, 4096), detail: 'low' }])) - without, 85);
  assert.equal((await prompt([{ url: 'https://example.com/a.png' }])) - without, 85 + 170 * 4);
  await assert.rejects(prompt([{ url: 'data:image/png;base64,AAAA' }]), OpenAI.BadRequestError);
});

test('a thinking model reasons first and its reasoning is paid for', async () => {
  const stream = await client.chat.completions.create({
    model: 'sim-chat-thinking',
    messages: ask('Why is the sky blue?'),
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await collect(stream);
  const reasoning = chunks
    .map((chunk) => chunk.choices[0]?.delta as { reasoning_content?: string } | undefined)
    .map((delta) => delta?.reasoning_content ?? '')
    .join('');
  const usage = chunks.at(-1)?.usage;
  assert.equal(usage?.completion_tokens_details?.reasoning_tokens, countTokens(reasoning));
  assert.ok(usage.completion_tokens > countTokens(reasoning));
});

test('a client that leaves is recorded with what it was sent', async () => {
  const abort = new AbortController();
  const stream = await client.chat.completions.create(
    { model: 'sim-chat!slow-chunks=5', messages: ask('Tell a long story'), stream: true },
    { signal: abort.signal },
  );
  let seen = 0;
  for await (const _ of stream) {
    seen += 1;
    if (seen === 8) break;
  }
  abort.abort();
  const record = await lastRecord();
  assert.equal(record.outcome, 'cut_by_client');
  const delivered = record.delivered as { chunks: number; tokens: number };
  assert.ok(delivered.chunks >= 8 && delivered.chunks < 40);
  assert.ok(delivered.tokens > 0);
  assert.equal((record.usage as { completionTokens: number }).completionTokens, delivered.tokens);
});
