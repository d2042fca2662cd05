import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { chatBodyOf, openAiChatInput } from './chat-request.ts';
import { promptSize } from './plan.ts';
import { documentsIn } from './request-files.ts';

const messages = [{ role: 'user', content: 'hi' }];

function refusedPaths(body: Record<string, unknown>): string[] {
  try {
    openAiChatInput({ messages, ...body });
  } catch (error) {
    assert.ok(error instanceof AppError);
    return (error.details.errors ?? []).map(({ path }) => path);
  }
  return [];
}

test('unknown fields pass, null means absent, the gateway keeps its own', () => {
  const { body, model, stream } = openAiChatInput({
    messages,
    model: 'm',
    stream: true,
    stream_options: { include_usage: true },
    top_k: 3,
    stop: null,
    extra_params: { repetition_penalty: 1.1 },
  });
  assert.deepEqual(body, { top_k: 3, repetition_penalty: 1.1, messages });
  assert.deepEqual([model, stream], ['m', true]);
});

test('what decides who serves a call or its price cannot be set', () => {
  for (const name of [
    'models',
    'route',
    'provider',
    'plugins',
    'best_of',
    'max_output_tokens',
    'num_predict',
    'extra_body',
  ]) {
    assert.deepEqual(refusedPaths({ [name]: 1 }), [name]);
    assert.deepEqual(refusedPaths({ extra_params: { [name]: 1 } }), [`extra_params.${name}`]);
  }
  for (const name of [
    'n',
    'max_tokens',
    'service_tier',
    'enable_search',
    'search_parameters',
    'thinking_budget',
    'model',
    'stream',
  ]) {
    assert.deepEqual(refusedPaths({ extra_params: { [name]: 1 } }), [`extra_params.${name}`]);
  }
});

test('names that every object has are no fields, and what is wrong is reported at most twenty times', () => {
  for (const name of ['constructor', 'toString']) {
    assert.deepEqual(refusedPaths({ [name]: 1 }), [name]);
    assert.deepEqual(refusedPaths({ extra_params: { [name]: {} } }), [`extra_params.${name}`]);
    assert.deepEqual(refusedPaths({ messages: [{ role: 'user', content: 'x', [name]: 1 }] }), [`messages[0].${name}`]);
  }
  assert.equal(refusedPaths({ messages: Array.from({ length: 9_000 }, () => 1) }).length, 20);
  assert.equal(
    refusedPaths({ messages: [{ role: 'user', content: Array.from({ length: 2_000 }, () => 1) }] }).length,
    20,
  );
  const many = Array.from({ length: 2_001 }, () => 'x');
  assert.deepEqual(refusedPaths({ messages: [{ role: 'user', content: many }] }), ['messages[0].content']);
});

test('counts that are none are refused by name', () => {
  for (const value of [0, -1, 1.5, '3', 1e9]) assert.deepEqual(refusedPaths({ n: value }), ['n']);
  for (const value of [0, -5, 0.5, 1e12]) assert.deepEqual(refusedPaths({ max_tokens: value }), ['max_tokens']);
});

test('messages are taken in all their forms', () => {
  const { body } = openAiChatInput({
    messages: [
      { role: 'user', content: { type: 'input_text', text: 'one' } },
      { role: 'user', content: [{ type: 'input_image', image_url: 'https://example.com/a.png' }, 'two'] },
      { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: { a: 1 } } }] },
      { role: 'function', function_call_id: 'c', content: 'done' },
    ],
  });
  assert.deepEqual(body.messages, [
    { role: 'user', content: [{ type: 'text', text: 'one' }] },
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        { type: 'text', text: 'two' },
      ],
    },
    { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
    { role: 'tool', tool_call_id: 'c', content: 'done' },
  ]);
});

test('parts that nobody can bound are refused, whatever they are called', () => {
  const refused = (part: unknown) => refusedPaths({ messages: [{ role: 'user', content: [part] }] });
  for (const type of ['input_audio', 'video_url', 'file_url', 'document_url', 'Video_URL', 'x']) {
    assert.deepEqual(
      refused({ type, [type]: { url: 'https://example.com/a' } }),
      ['messages[0].content[0].type'],
      type,
    );
  }
  for (const part of [
    { video_url: { url: 'https://example.com/a' } },
    { type: 7 },
    { type: ['text'], text: 'x' },
    {},
  ]) {
    assert.deepEqual(refused(part), ['messages[0].content[0].type'], JSON.stringify(part));
  }
  assert.deepEqual(refused({ type: 'refusal', refusal: 'no' }), []);
});

test('a file is a text, or a document that models take or not; one that is not given is named', () => {
  const part = (given: unknown) => openAiChatInput({ messages: [{ role: 'user', content: [given] }] }).body;
  const pdf = { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0xLjQ=' };
  for (const given of [
    { type: 'file', file: pdf },
    { type: 'input_file', ...pdf },
  ]) {
    const body = part(given);
    assert.deepEqual(body.messages, [{ role: 'user', content: [{ type: 'file', file: pdf }] }]);
    assert.equal(promptSize(body).uncounted, 1);
    assert.deepEqual(
      documentsIn(body).map(({ path, document }) => [path, document]),
      [['messages[0].content[0].file.file_data', 'pdf']],
    );
  }
  const text = part({ type: 'file', file: { filename: 'a.txt', file_data: 'data:text/plain;base64,aGVsbG8=' } });
  assert.deepEqual(text.messages, [{ role: 'user', content: [{ type: 'text', text: 'File "a.txt":\nhello' }] }]);
  assert.deepEqual(refusedPaths({ messages: [{ role: 'user', content: [{ type: 'file', file: {} }] }] }), [
    'messages[0].content[0].file',
  ]);
});

test('a part without a type is what its fields say', () => {
  const content = [{ text: 'one' }, { image_url: { url: 'https://example.com/a.png' } }];
  assert.deepEqual(openAiChatInput({ messages: [{ role: 'user', content }] }).body.messages, [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'one' },
        { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      ],
    },
  ]);
});

function refusedOptions(options: Record<string, unknown>): string[] {
  try {
    chatBodyOf({ userMessage: 'hi', options });
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.kind, 'invalidParameter');
    return (error.details.errors ?? []).map(({ path }) => path);
  }
  return [];
}

test('a limit of tokens that is no count is refused under the name that the caller used', () => {
  for (const name of ['max_tokens', 'maxTokens', 'max_completion_tokens', 'maxCompletionTokens']) {
    for (const value of [-1_000_000, -1, 0, 1.5, 1e300, '3', Number.MAX_SAFE_INTEGER]) {
      assert.deepEqual(refusedOptions({ [name]: value }), [`options.${name}`], `${name} = ${value}`);
    }
  }
  assert.deepEqual(refusedOptions({ n: -1 }), ['options.n']);
  assert.deepEqual(refusedOptions({ max_tokens: 100, maxCompletionTokens: -5 }), ['options.maxCompletionTokens']);
  assert.deepEqual(chatBodyOf({ userMessage: 'hi', options: { maxTokens: 100, topP: null } }), {
    max_tokens: 100,
    messages: [{ role: 'user', content: 'hi' }],
  });
});
