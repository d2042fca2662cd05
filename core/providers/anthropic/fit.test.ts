import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitForMessages } from './fit.ts';
import { messagesBody } from './request.ts';

const messages = [{ role: 'user', content: 'hi' }];
const tool = (name: string) => ({ type: 'function', function: { name } });
const tools = [tool('x'), tool('y'), tool('z')];

function asked(fields: object) {
  const { body, leftOut } = fitForMessages({ messages, tools, ...fields });
  const { tools: offered, tool_choice: choice, stop_sequences: stops } = messagesBody(body);
  return { names: Array.isArray(offered) ? offered.map(({ name }) => name) : [], choice, stops, leftOut };
}

test('only allowed tools are offered, and one has to be called where that is asked', () => {
  const allowed = (mode: string) => ({
    tool_choice: { type: 'allowed_tools', allowed_tools: { mode, tools: [tool('y'), tool('none')] } },
  });
  assert.partialDeepStrictEqual(asked(allowed('required')), { names: ['y'], choice: { type: 'any' } });
  assert.partialDeepStrictEqual(asked(allowed('auto')), { names: ['y'], choice: { type: 'auto' } });
  assert.deepEqual(asked({ ...allowed('required'), parallel_tool_calls: false }).choice, {
    ...{ type: 'any', disable_parallel_tool_use: true },
  });
  const flat = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'z' }] };
  assert.partialDeepStrictEqual(asked({ tool_choice: flat }), { names: ['z'], choice: { type: 'any' } });
  for (const none of [[], [tool('none')], [{}], undefined]) {
    const choice = { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: none } };
    assert.throws(() => asked({ tool_choice: choice }), /tool_choice/);
  }
});

test('a choice that Messages know passes, in the words of either vendor; another is refused by name', () => {
  for (const [choice, sent] of [
    ['required', { type: 'any' }],
    [tool('x'), { type: 'tool', name: 'x' }],
    [{ type: 'any' }, { type: 'any' }],
    [
      { type: 'tool', name: 'x' },
      { type: 'tool', name: 'x' },
    ],
    [null, undefined],
  ]) {
    assert.deepEqual(asked({ tool_choice: choice }).choice, sent, JSON.stringify(choice));
  }
  for (const choice of ['always', 1, {}, { type: 'custom', custom: { name: 'x' } }]) {
    assert.throws(() => asked({ tool_choice: choice }), /tool_choice/, JSON.stringify(choice));
  }
  assert.throws(() => asked({ function_call: {} }), /function_call/);
});

test('a tool whose calls Messages cannot answer in its form is refused by name', () => {
  const custom = { type: 'custom', custom: { name: 'free' } };
  assert.throws(() => asked({ tools: [tool('x'), custom] }), /tools\[1\]\.type.*custom/);
  assert.throws(() => asked({ tools: [{ type: 'function', name: 'flat' }] }), /tools\[0\]\.function/);
});

test('stop sequences that are blank are left out and named', () => {
  assert.partialDeepStrictEqual(asked({ stop: [' ', 'END', '\n'] }), { stops: ['END'], leftOut: ['stop'] });
  for (const stop of ['', [' ']]) assert.deepEqual(asked({ stop }), { ...asked({}), leftOut: ['stop'] });
  for (const stop of ['END', ['END', 'STOP']]) assert.deepEqual(asked({ stop }).leftOut, []);
});

test('earlier calls with broken arguments are refused by name, not sent with none', () => {
  const answered = (...given: readonly unknown[]) => ({
    messages: [
      ...messages,
      { role: 'assistant', tool_calls: given.map((text) => ({ id: 'c', function: { name: 'x', arguments: text } })) },
    ],
  });
  assert.throws(() => asked(answered('{}', '{"city":')), /messages\[1\]\.tool_calls\[1\]\.function\.arguments/);
  for (const given of ['[1]', '"x"', 'null', '{} {}']) assert.throws(() => asked(answered(given)), /arguments/, given);
  asked(answered('', ' ', null, undefined, '{"a":1}', { a: 1 }));
});

test('a call of a custom tool in the history keeps its text', () => {
  const call = { id: 'c.1', type: 'custom', custom: { name: 'free', input: 'a b' } };
  assert.deepEqual(messagesBody({ messages: [{ role: 'assistant', content: null, tool_calls: [call] }] }).messages, [
    { role: 'assistant', content: [{ type: 'tool_use', id: 'c_1', name: 'free', input: { input: 'a b' } }] },
  ]);
});

test('what is a part of the answer is refused by its name, and every other field without a place is named', () => {
  for (const [fields, path] of [
    [{ n: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
    [{ top_logprobs: 1 }, 'top_logprobs'],
    [{ response_format: { type: 'grammar' } }, 'response_format'],
    [{ response_format: { type: 'json_schema', json_schema: {} } }, 'response_format'],
  ] as const) {
    assert.throws(() => asked(fields), new RegExp(`^AppError: ${path}\\b`), path);
  }
  const plain = { n: 1, logprobs: false, top_logprobs: 0, response_format: { type: 'text' }, store: true, user: 'u' };
  assert.deepEqual(asked({ ...plain, prompt_cache_key: 'k', thinking: { type: 'disabled' } }).leftOut, []);
  assert.deepEqual(asked({ seed: 1, min_p: 0.1, verbosity: null }).leftOut, ['seed', 'min_p']);
});
