/** Anthropic's Node client, with nothing but its address and key set. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKey, baseURL, client, pixel, receivedTokens } from './gateway.js';

const { default: Anthropic } = client('@anthropic-ai/sdk');
const anthropic = new Anthropic({ apiKey, baseURL: baseURL.replace(/\/v1$/, ''), maxRetries: 0 });

// For what breaks off: its charge does not arrive.
const other = new Anthropic({ apiKey: process.env.OTHER_KEY, baseURL: anthropic.baseURL, maxRetries: 0 });

const noted = (message) => {
  const { usage } = message;
  const cache = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
  receivedTokens(usage.input_tokens + cache, usage.output_tokens);
  return message;
};
const textOf = ({ content }) => content.map((block) => block.text ?? '').join('');
const input_schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = ['get_weather', 'get_calendar'].map((name) => ({ name, input_schema }));
const max_tokens = 500;
const asking = (content) => [{ role: 'user', content }];

// The provider of the first speaks Messages, everything to and from the second is translated.
for (const model of ['sim-claude', 'sim-chat']) {
  test(`${model}: a message, whole and streamed`, async () => {
    const whole = await anthropic.messages.create({ model, max_tokens, messages: asking('Tell me about the sea.') });
    assert.equal(noted(whole).stop_reason, 'end_turn');
    const stream = anthropic.messages.stream({ model, max_tokens, messages: asking('Tell me about the sea.') });
    let text = '';
    stream.on('text', (piece) => {
      text += piece;
    });
    const streamed = noted(await stream.finalMessage());
    assert.equal(textOf(streamed), text);
    assert.equal(text, textOf(whole));
  });

  test(`${model}: tools side by side, streamed, and their results`, async () => {
    const messages = asking('I need the weather and my calendar.');
    const stream = anthropic.messages.stream({ model, max_tokens, messages, tools });
    const blocks = [];
    stream.on('contentBlock', (block) => blocks.push(block));
    const called = noted(await stream.finalMessage());
    assert.equal(called.stop_reason, 'tool_use');
    assert.deepEqual(blocks, called.content, 'each block is told when it has ended');
    const calls = called.content.filter(({ type }) => type === 'tool_use');
    assert.deepEqual(
      calls.map(({ name, input }) => [name, typeof input.city]),
      tools.map(({ name }) => [name, 'string']),
    );
    const results = calls.map(({ id, name }) => ({ type: 'tool_result', tool_use_id: id, content: `${name} is fine` }));
    const turns = [...messages, { role: 'assistant', content: called.content }, { role: 'user', content: results }];
    const answer = noted(await anthropic.messages.create({ model, max_tokens, messages: turns, tools }));
    for (const { name } of tools) assert.ok(textOf(answer).includes(`${name} is fine`));
  });

  test(`${model}: a picture, a schema, a count`, async () => {
    const image = {
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: pixel.toString('base64') },
    };
    const content = [{ type: 'text', text: 'What is this?' }, image];
    assert.match(
      textOf(noted(await anthropic.messages.create({ model, max_tokens, messages: asking(content) }))),
      /One image/,
    );
    const format = { type: 'json_schema', schema: { ...input_schema, additionalProperties: false } };
    const shaped = { model, max_tokens, messages: asking('Where?'), output_config: { format } };
    assert.equal(typeof JSON.parse(textOf(noted(await anthropic.messages.create(shaped)))).city, 'string');
    const { input_tokens } = await anthropic.messages.countTokens({ model, messages: asking('Where?') });
    assert.ok(input_tokens > 0);
  });
}

test('calls of tools whose pieces come in turns arrive as blocks one after another', async () => {
  const asked = { model: 'sim-tools-in-turns', max_tokens, messages: asking('Weather and time?'), tools };
  const stream = anthropic.messages.stream(asked);
  const blocks = [];
  stream.on('contentBlock', (block) => blocks.push(block));
  assert.deepEqual(blocks, noted(await stream.finalMessage()).content);
  assert.deepEqual(
    blocks.map(({ name, input, text }) => [name ?? text, input]),
    [
      ['get_weather', { city: 'Paris' }],
      ['get_time', { zone: 'CET' }],
      ['It is sunny.', undefined],
    ],
  );
});

test('broken arguments run no tool', async () => {
  const asked = { model: 'sim-tools-broken', max_tokens, messages: asking('What is the weather?'), tools };
  const whole = noted(await anthropic.messages.create(asked));
  assert.equal(whole.stop_reason, 'end_turn');
  assert.match(textOf(whole), /"get_weather" with arguments that are no JSON object: \{bad/);
  // The client itself may stumble over the arguments, before the error event.
  await assert.rejects(other.messages.stream(asked).finalMessage(), /JSON/);
  const call = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{bad' } };
  const history = [
    { role: 'user', content: 'Hi.' },
    { role: 'assistant', tool_calls: [call] },
  ];
  const results = [{ role: 'tool', tool_call_id: 'call_1', content: 'fine' }];
  const answer = await fetch(`${baseURL}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sim-claude', messages: [...history, ...results] }),
  });
  const { error } = await answer.json();
  assert.deepEqual([answer.status, error.param], [400, 'messages[1].tool_calls[0].function.arguments']);
});

test('models page by page', async () => {
  const ids = [];
  for await (const { id } of anthropic.models.list({ limit: 2 })) ids.push(id);
  assert.ok(ids.includes('sim-claude') && ids.includes('sim-chat'));
});

test('errors are those of Anthropic, before a stream and within it', async () => {
  const failing = (fields) =>
    anthropic.messages.create({ model: 'sim-claude', max_tokens, messages: asking('Hello.'), ...fields });
  await assert.rejects(failing({ model: 'no-such-model' }), Anthropic.NotFoundError);
  await assert.rejects(failing({ model: 'sim-claude-busy', stream: true }), Anthropic.RateLimitError);
  await assert.rejects(failing({ model: 'sim-claude-overloaded' }), ({ status, error }) => {
    assert.deepEqual([status, error.error.type], [529, 'overloaded_error']);
    return true;
  });
  const broken = { model: 'sim-claude-breaks', max_tokens, messages: asking('Hello.') };
  await assert.rejects(other.messages.stream(broken).finalMessage(), /overloaded_error/);
});
