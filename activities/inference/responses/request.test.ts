import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listIn } from '../../../core/providers/message.ts';
import type { ChatBody } from '../../../core/providers/provider.ts';
import { AppError } from '../../../infra/errors.ts';
import { isJsonObject } from '../../../infra/json-object.ts';
import { askedResponse } from './asked.ts';
import { sealedThoughts } from './items.ts';
import { placedItems, responsesInput } from './request.ts';

function chatOf(body: object): ChatBody {
  const input = responsesInput({ ...body }, 0);
  return askedResponse(input, placedItems(input.items)).body;
}

function wrongField(body: object): string | undefined {
  try {
    chatOf(body);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    return error.details.param;
  }
}

const call = (call_id: string, name = 'f', more: object = {}) => ({
  ...{ type: 'function_call', call_id, name, arguments: '{"a":1}' },
  ...more,
});
const output = (call_id: string, text: unknown = 'ok') => ({ type: 'function_call_output', call_id, output: text });
const toolCall = (id: string, name = 'f', text = '{"a":1}') => ({
  ...{ id, type: 'function', function: { name, arguments: text } },
});

test('a text and instructions become messages; options get the names that chats have for them', () => {
  const format = { type: 'json_schema', name: 'p', schema: { type: 'object' }, strict: true };
  const body = chatOf({
    ...{ model: 'm', input: 'Hi', instructions: 'Be brief.', max_output_tokens: 9, temperature: 0.5, top_k: 3 },
    ...{ reasoning: { effort: 'low', summary: 'auto' }, text: { format, verbosity: 'low' }, stream: true },
    ...{ include: ['message.output_text.logprobs'], top_logprobs: 2, prompt_cache_key: 'k', metadata: { a: 'b' } },
    ...{ store: false, truncation: 'auto', max_tool_calls: 3, client_metadata: { x: '1' }, parallel_tool_calls: true },
  });
  assert.deepEqual(body, {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ],
    ...{ top_k: 3, temperature: 0.5, prompt_cache_key: 'k', max_tokens: 9, top_logprobs: 2, logprobs: true },
    ...{ reasoning_effort: 'low', verbosity: 'low' },
    response_format: { type: 'json_schema', json_schema: { name: 'p', schema: { type: 'object' }, strict: true } },
  });
});

test('what a model said in one turn is one message: thoughts, a text and calls, then the results', () => {
  const { messages } = chatOf({
    input: [
      {
        role: 'developer',
        content: [
          { type: 'input_text', text: 'a' },
          { type: 'input_text', text: 'b' },
        ],
      },
      { role: 'user', content: 'go' },
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [{ type: 'summary_text', text: 'short' }],
        encrypted_content: sealedThoughts('all of it'),
      },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
      call('1'),
      call('2', 'spawn', { namespace: 'agents' }),
      output('1'),
      output('2', [
        { type: 'input_text', text: 'seen' },
        { type: 'input_image', image_url: 'https://a.example/p.png' },
      ]),
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
      { role: 'assistant', content: 'Done.' },
      { role: 'assistant', content: 'Really.' },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Then this.' }] },
    ],
  });
  assert.deepEqual(messages, [
    { role: 'developer', content: 'a\n\nb' },
    { role: 'user', content: 'go' },
    {
      ...{ role: 'assistant', content: 'I look.', reasoning_content: 'all of it' },
      tool_calls: [toolCall('1'), toolCall('2', 'agents__spawn')],
    },
    { role: 'tool', tool_call_id: '1', content: 'ok' },
    { role: 'tool', tool_call_id: '2', content: 'seen' },
    { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.example/p.png' } }] },
    { role: 'assistant', content: 'Done.' },
    { role: 'assistant', content: 'Really.', reasoning_content: 'Then this.' },
  ]);
});

test('text that stands between a call and its result joins the turn, and calls of other tools are functions', () => {
  const { messages } = chatOf({
    input: [
      { type: 'custom_tool_call', call_id: 'c', name: 'apply_patch', input: '*** "x"' },
      { role: 'assistant', content: 'On it.' },
      { type: 'custom_tool_call_output', call_id: 'c', output: 'patched' },
      { type: 'local_shell_call', call_id: 's', action: { type: 'exec', command: ['ls'], env: {} } },
      { type: 'local_shell_call_output', id: 's', output: 'a.txt' },
    ],
  });
  assert.deepEqual(messages, [
    {
      ...{ role: 'assistant', content: 'On it.' },
      tool_calls: [toolCall('c', 'apply_patch', JSON.stringify({ input: '*** "x"' }))],
    },
    { role: 'tool', tool_call_id: 'c', content: 'patched' },
    { role: 'assistant', content: null, tool_calls: [toolCall('s', 'local_shell', '{"command":["ls"]}')] },
    { role: 'tool', tool_call_id: 's', content: 'a.txt' },
  ]);
});

test('tools of every kind that a client runs are offered as functions; those of OpenAI are left out', () => {
  const parameters = { type: 'object', properties: {} };
  const tools = [
    { type: 'function', name: 'f', description: 'F', parameters, strict: false },
    { type: 'namespace', name: 'agents', description: 'A', tools: [{ type: 'function', name: 'spawn', parameters }] },
    { type: 'custom', name: 'patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } },
    { type: 'local_shell' },
    { type: 'web_search', external_web_access: true },
  ];
  const chosen = (tool_choice: unknown, more: object = {}) => {
    const { tools: offered, tool_choice: choice } = chatOf({ input: 'x', tools, tool_choice, ...more });
    return { names: Array.isArray(offered) ? offered.map((one) => one.function.name) : offered, choice };
  };
  const names = ['f', 'agents__spawn', 'patch', 'local_shell'];
  assert.deepEqual(chosen('required'), { names, choice: 'required' });
  assert.deepEqual(chosen({ type: 'custom', name: 'patch' }), {
    names,
    choice: { type: 'function', function: { name: 'patch' } },
  });
  const allowed = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] };
  assert.deepEqual(chosen(allowed), { names: ['f'], choice: 'required' });
  assert.deepEqual(chosen('auto', { tools: [{ type: 'web_search' }], parallel_tool_calls: true }), {
    names: undefined,
    choice: undefined,
  });
  const { tools: offered } = chatOf({ input: 'x', tools });
  assert.match(JSON.stringify(offered), /must follow this lark grammar:\\nstart: \\"x\\"/);
  const long = 'n'.repeat(60);
  const { tools: shortened } = chatOf({
    input: 'x',
    tools: [{ type: 'namespace', name: long, tools: [{ type: 'function', name: long }] }],
  });
  const [name] = Array.isArray(shortened) ? shortened.map((one) => one.function.name) : [];
  assert.equal(name.length, 64);
});

test('a file of text is passed on as text, and the head of a data URL is read in no time', () => {
  const text = (url: string) =>
    JSON.stringify(
      chatOf({ input: [{ role: 'user', content: [{ type: 'input_file', filename: 'f', file_data: url }] }] }),
    );
  assert.match(text('data:text/plain;charset=utf-8;base64,aGVsbG8='), /hello/);
  for (const head of [
    'a'.repeat(300_000),
    `text/plain${';'.repeat(300_000)}`,
    `text/plain;base64${'a'.repeat(300)},`,
  ]) {
    const startedAt = performance.now();
    const input = responsesInput(
      { input: [{ role: 'user', content: [{ type: 'input_file', file_data: `data:${head}` }] }] },
      0,
    );
    const { native } = askedResponse(input, placedItems(input.items));
    assert.deepEqual(
      native.untold.map(({ path }) => path),
      ['input[0].content[0].file_data'],
    );
    assert.equal(native.size.uncounted, 1);
    assert.ok(performance.now() - startedAt < 10_000, 'minutes, where it is quadratic');
  }
});

test('a response that is passed on: all items, without what is kept here, offered elsewhere or in no form of its own', () => {
  const input = responsesInput(
    {
      ...{ model: 'm', instructions: 'Be brief.', previous_response_id: 'resp_1', store: true, stream: true },
      ...{ conversation: null, request_id: 'r', metadata: { a: 'b' }, text: { verbosity: 'low' }, top_p: null },
      ...{ reasoning: { effort: 'low', summary: 'auto' }, max_output_tokens: 9, include: ['x'] },
      tools: [{ type: 'web_search' }, { type: 'custom', name: 'patch', format: { type: 'grammar' } }],
      input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://a.example/x.png' }] }],
    },
    0,
  );
  const thought = (encrypted_content: string | null) => ({ type: 'reasoning', summary: [], encrypted_content });
  const earlier = [thought('gAAA'), thought(null), thought(sealedThoughts('hm')), call('c1'), output('c1')];
  const { native, body } = askedResponse(input, placedItems([...earlier, ...input.items]), [
    { role: 'user', content: 'long ago' },
  ]);
  assert.deepEqual(native.body, {
    ...{ instructions: 'Be brief.', metadata: { a: 'b' }, text: { verbosity: 'low' }, include: ['x'] },
    ...{ reasoning: { effort: 'low', summary: 'auto' }, max_output_tokens: 9 },
    tools: [{ type: 'custom', name: 'patch', format: { type: 'grammar' } }],
    input: [thought('gAAA'), call('c1'), output('c1'), { role: 'user', content: 'long ago' }, ...input.items],
  });
  assert.equal(native.size.images, 1);
  assert.ok(native.size.textBytes > 200 && native.size.textBytes < 1_000, String(native.size.textBytes));
  assert.partialDeepStrictEqual(body.messages.at(-2), { content: 'long ago' });
});

test('what only names a file, or none, is no file that is asked for; one answer is what there is', () => {
  const annotations = [{ type: 'file_citation', file_id: 'f', index: 0 }];
  const { messages } = chatOf({
    ...{ n: 1, prompt: null },
    input: [
      { role: 'assistant', content: [{ type: 'output_text', text: 'So.', annotations }] },
      { type: 'file_search_call', id: 'fs_1', results: [{ file_id: 'f', text: 'x' }] },
      { role: 'user', content: [{ type: 'input_image', image_url: 'https://a.example/p.png', file_id: null }] },
    ],
  });
  assert.equal(messages.length, 2);
});

test('tools pass as they are offered: without inner ones that are left out, and fields that are none of theirs', () => {
  const inner = { type: 'function', name: 'g', description: 'G', parameters: { type: 'object' }, strict: false };
  const patch = { type: 'custom', name: 'patch', description: 'P', format: { type: 'text' } };
  const more = { server_url: 'https://a.example', defer_loading: true, container: { type: 'auto' } };
  const tools = [
    { type: 'namespace', name: 'empty', tools: [{ type: 'web_search' }] },
    {
      type: 'namespace',
      name: 'ns',
      description: 'N',
      tools: [{ type: 'web_search' }, { ...inner, ...more }],
      ...more,
    },
    { ...patch, ...more },
    { type: 'local_shell', ...more },
    { type: 'web_search' },
  ];
  const input = responsesInput({ input: 'x', tools }, 0);
  const { native, body } = askedResponse(input, placedItems(input.items));
  const offered = [{ type: 'namespace', name: 'ns', description: 'N', tools: [inner] }, patch, { type: 'local_shell' }];
  assert.deepEqual(native.body.tools, offered);
  assert.deepEqual(input.echo.tools, offered);
  assert.equal(listIn(body.tools).length, 3);
  const none = responsesInput({ input: 'x', tools: tools.slice(0, 1), tool_choice: 'required' }, 0);
  const { native: bare } = askedResponse(none, placedItems(none.items));
  assert.deepEqual([bare.body.tools, bare.body.tool_choice], [undefined, undefined]);
});

test('ids of items stay here: the provider keeps nothing that it could find by them, and its seals name its own', () => {
  const items = [
    { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' },
    { type: 'message', id: 'msg_1', role: 'assistant', content: 'I look.' },
    { ...call('1'), id: 'fc_1' },
    { type: 'custom_tool_call', id: 'item_1', call_id: 'c', name: 'patch', input: 'x' },
    { type: 'web_search_call', id: 'ws_1', status: 'completed' },
    { id: 'msg_2', role: 'user', content: 'go' },
    { type: 'local_shell_call_output', id: 'call_s', output: 'a.txt' },
    { type: 'file_search_call', id: 'fs_1', queries: [], status: 'completed' },
  ];
  const { native } = askedResponse(responsesInput({ input: items }, 0), placedItems(items));
  const ids = listIn(native.body.input).map((item) => (isJsonObject(item) ? item.id : item));
  assert.deepEqual(ids, [...Array(6).fill(undefined), 'call_s', 'fs_1']);
});

test('what is wrong is named where the client wrote it', () => {
  const cases: [object, string][] = [
    [{}, 'input'],
    [{ input: [{ role: 'user', content: [{ type: 'input_file' }] }] }, 'input[0].content[0].file_data'],
    [
      {
        input: [
          { role: 'user', content: [{ type: 'input_image', image_url: 'https://a.example/p.png', file_id: 'f' }] },
        ],
      },
      'input[0].content[0].file_id',
    ],
    [{ input: [{ type: 'computer_call_output', call_id: 'c', output: { file_id: 'f' } }] }, 'input[0].output.file_id'],
    [{ input: 'x', prompt: 1 }, 'prompt'],
    [{ input: 'x', prompt: { id: 'pmpt_1' } }, 'prompt'],
    [{ input: 'x', extra_params: 1 }, 'extra_params'],
    [{ input: 'x', n: 2 }, 'n'],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:x,y' }] }] },
      'input[0].content[0].image_url',
    ],
    [{ input: [call('')] }, 'input[0].call_id'],
    [{ input: [output('')] }, 'input[0].call_id'],
    [{ input: 'x', tools: [null] }, 'tools[0]'],
    [{ input: 'x', tools: [{ type: 'mcp' }] }, 'tools[0].type'],
    [
      { input: 'x', tools: [{ type: 'namespace', name: 'a', tools: [{ type: 'namespace', name: 'b' }] }] },
      'tools[0].tools[0].type',
    ],
    [
      {
        input: 'x',
        tools: [
          { type: 'function', name: 'a' },
          { type: 'custom', name: 'a' },
        ],
      },
      'tools[1].name',
    ],
    [{ input: 'x', tool_choice: 'always' }, 'tool_choice'],
    [{ input: 'x', tool_choice: { type: 'web_search' } }, 'tool_choice'],
    [{ input: 'x', max_tokens: 5 }, 'max_tokens'],
    [{ input: 'x', extra_params: {} }, 'extra_params'],
    [{ input: 'x', reasoning: 'high' }, 'reasoning'],
    [{ input: 'x', text: 'json' }, 'text'],
    [{ input: 'x', previous_response_id: 7 }, 'previous_response_id'],
    [{ input: 'x', previous_response_id: 'a', conversation: 'b' }, 'conversation'],
    [{ input: [{ type: 'reasoning', summary: [] }] }, 'input'],
    [{ input: 'x', models: ['a'] }, 'models'],
  ];
  for (const [body, field] of cases) assert.equal(wrongField(body), field, JSON.stringify(body));
});
