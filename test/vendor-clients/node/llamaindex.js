/** LlamaIndex for TypeScript: its OpenAI package, by base URL and key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKey, baseURL, client, pixel, receivedTokens } from './gateway.js';

const { OpenAI, OpenAIEmbedding, OpenAIResponses } = client('@llamaindex/openai');
const { FunctionTool } = client('@llamaindex/core/tools');
const { z } = client('zod');

const settings = { apiKey, baseURL, maxRetries: 0 };
const chats = (model, fields = {}) => new OpenAI({ model, ...settings, ...fields });
const responses = (model, fields = {}) => new OpenAIResponses({ model, ...settings, ...fields });
const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Tell me about the sea.' },
];
const question = [{ role: 'user', content: 'How is the weather?' }];
const weather = FunctionTool.from(({ city }) => `it is sunny in ${city}`, {
  ...{ name: 'weather', description: 'The weather of a city' },
  parameters: z.object({ city: z.string() }),
});
const noted = ({ usage }) =>
  receivedTokens(usage.prompt_tokens ?? usage.input_tokens, usage.completion_tokens ?? usage.output_tokens);
/** The last chunk of a chat's stream has its usage. */
const heard = async (stream) => {
  const chunks = await Array.fromAsync(stream);
  const raw = chunks.findLast((chunk) => chunk.raw?.usage)?.raw;
  if (raw) noted(raw);
  return { text: chunks.map(({ delta }) => delta).join(''), options: chunks.at(-1)?.options, raw };
};

test('a chat, whole and cut', async () => {
  const answer = await chats('sim-chat').chat({ messages });
  assert.ok(answer.message.content.length > 10);
  noted(answer.raw);
  const cut = await chats('sim-chat', { maxTokens: 5, temperature: 0.2 }).chat({ messages });
  assert.equal(cut.raw.usage.completion_tokens, 5);
  noted(cut.raw);
});

test('a completion', async () => {
  const answer = await chats('sim-chat').complete({ prompt: 'Tell me about the sea.' });
  assert.ok(answer.text.length > 10);
  noted(answer.raw);
});

test('a streamed chat', async () => {
  const fields = { additionalChatOptions: { stream_options: { include_usage: true } } };
  const { text, raw } = await heard(await chats('sim-chat', fields).chat({ messages, stream: true }));
  assert.ok(text.length > 10 && raw.usage.completion_tokens > 0);
});

test('a tool’s round trip', async () => {
  const llm = chats('sim-chat');
  const asked = await llm.chat({ messages: question, tools: [weather] });
  noted(asked.raw);
  const [call] = asked.message.options.toolCall;
  assert.equal(call.name, 'weather');
  const input = typeof call.input === 'string' ? JSON.parse(call.input) : call.input;
  const content = await weather.call(input);
  const options = { toolResult: { id: call.id, result: content, isError: false } };
  const turns = [...question, asked.message, { role: 'user', content, options }];
  const answer = await llm.chat({ messages: turns, tools: [weather] });
  noted(answer.raw);
  assert.match(answer.message.content, /sunny/);
});

test('a structured answer', async () => {
  const responseFormat = z.object({ name: z.string(), age: z.number().int() });
  const answer = await chats('sim-chat').chat({ messages, responseFormat });
  responseFormat.parse(JSON.parse(answer.message.content));
  noted(answer.raw);
});

test('a picture to look at', async () => {
  const url = `data:image/png;base64,${pixel.toString('base64')}`;
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url } },
  ];
  const answer = await chats('sim-vision').chat({ messages: [{ role: 'user', content }] });
  assert.match(answer.message.content, /One image/);
  noted(answer.raw);
});

test('Responses: a text and a tool', async () => {
  const answer = await responses('sim-chat').chat({ messages });
  assert.ok(answer.message.content.length > 10);
  noted(answer.raw);
  const asked = await responses('sim-chat').chat({ messages: question, tools: [weather] });
  noted(asked.raw);
  assert.equal(asked.message.options.toolCall[0].name, 'weather');
});

test('vectors of one text and of several', async () => {
  const embedding = new OpenAIEmbedding({ model: 'sim-embedding', dimensions: 8, ...settings });
  assert.equal((await embedding.getTextEmbedding('The sea')).length, 8);
  const vectors = await embedding.getTextEmbeddingsBatch(['The sea', 'A lighthouse', 'A hill']);
  assert.deepEqual(
    vectors.map(({ length }) => length),
    [8, 8, 8],
  );
});

test('errors: their status and code', async () => {
  await assert.rejects(chats('no-such-model').chat({ messages }), { status: 404, code: 'model_not_found' });
  await assert.rejects(chats('sim-chat', { temperature: 9 }).chat({ messages }), { status: 400 });
  await assert.rejects(chats('sim-chat', { apiKey: 'ak-wrong' }).chat({ messages }), { status: 401 });
});
