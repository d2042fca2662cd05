import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countedTokens } from '../../core/providers/usage.ts';
import { ClientStream, CompletionAssembler } from './stream-events.ts';

const chunk = (delta: object, more: object = {}) =>
  JSON.stringify({ id: 'x', model: 'm', choices: [{ index: 0, delta, finish_reason: null }], ...more });

function assembled(...chunks: readonly string[]): CompletionAssembler {
  const assembler = new CompletionAssembler();
  for (const data of chunks) assembler.add(data);
  return assembler;
}

test('a role is no answer; a text, a thought, a refusal and a call of a tool are', () => {
  const role = chunk({ role: 'assistant', content: '' });
  assert.deepEqual([assembled().isEmpty, assembled(role).isEmpty], [true, false]);
  assert.equal(assembled(role, chunk({})).hasSaid, false);
  for (const delta of [
    { content: 'a' },
    { reasoning_content: 'a' },
    { reasoning: 'a' },
    { refusal: 'a' },
    { function_call: { name: 'f', arguments: '' } },
    { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '' } }] },
  ]) {
    assert.equal(assembled(role, chunk(delta)).hasSaid, true, JSON.stringify(delta));
  }
});

test('a usage counts what came before it and no more', () => {
  const usage = { prompt_tokens: 5, completion_tokens: 1 };
  const counted = JSON.stringify({ choices: [], usage });
  const a = chunk({ content: 'a' });
  const isPartial = (...chunks: string[]) => countedTokens(assembled(...chunks).usage())?.isPartial;
  assert.equal(isPartial(a, counted), false);
  assert.equal(isPartial(a, counted, a), true);
  assert.equal(isPartial(counted, chunk({ tool_calls: [{ index: 0 }] })), true);
  // Some providers count in every chunk, its own answer included, or close with a chunk that says nothing.
  assert.equal(isPartial(a, chunk({ content: 'b' }, { usage }), chunk({ content: '' })), false);
  assert.equal(isPartial(a, counted, a, counted), false);
});

test('a call of a function in its older form is put together', () => {
  const role = chunk({ role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } });
  const { choices } = assembled(
    role,
    chunk({ function_call: { arguments: '{"a":' } }),
    chunk({ function_call: { arguments: '1}' } }),
  ).completion();
  assert.deepEqual(choices, [
    {
      index: 0,
      message: { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{"a":1}' } },
      finish_reason: null,
    },
  ]);
});

const text = (content: string) => `{"id":"x","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}`;
const END = '{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}';
const USAGE = '{"id":"x","choices":[],"usage":{"total_tokens":3}}';

function played(chunks: readonly string[], wantsUsage: boolean, conversationId?: string): string[] {
  const stream = new ClientStream(wantsUsage, conversationId);
  const all = chunks.map((chunk) => stream.events(chunk)).join('') + stream.lastEvents();
  return all.split('\n\n').filter((event) => event !== '');
}

test('chunks go out as the provider wrote them, the usage only to who asked for it', () => {
  const chunks = [text('a "usage": b'), END, USAGE];
  assert.deepEqual(
    played(chunks, true),
    chunks.map((chunk) => `data: ${chunk}`),
  );
  assert.deepEqual(
    played(chunks, false),
    chunks.slice(0, 2).map((chunk) => `data: ${chunk}`),
  );
});

test('a chunk over several lines reaches the client whole', () => {
  assert.deepEqual(played(['{"id":"x",\n"choices":[]}'], true), ['data: {"id":"x",\ndata: "choices":[]}']);
});

test('a usage beside an answer is taken out of its chunk', () => {
  const [event = ''] = played(['{"choices":[{"delta":{}}],"usage":null}'], false);
  assert.deepEqual(JSON.parse(event.slice(6)), { choices: [{ delta: {} }] });
});

test('the last chunk carries the conversation, whichever it is', () => {
  const added = (chunk: string) => `data: ${JSON.stringify({ ...JSON.parse(chunk), conversation_id: 'c_1' })}`;
  assert.deepEqual(played([text('a'), text('b'), END, USAGE], true, 'c_1'), [
    `data: ${text('a')}`,
    `data: ${text('b')}`,
    `data: ${END}`,
    added(USAGE),
  ]);
  assert.deepEqual(played([text('a'), END, USAGE], false, 'c_1'), [`data: ${text('a')}`, added(END)]);
  assert.deepEqual(played([END, text('other choice'), END], false, 'c_1'), [
    `data: ${END}`,
    `data: ${text('other choice')}`,
    added(END),
  ]);
});

test('a stream without an end of its own gets one for the conversation', () => {
  const events = played([text('a')], false, 'c_1');
  assert.equal(events[0], `data: ${text('a')}`);
  assert.deepEqual(JSON.parse(events[1]?.slice(6) ?? ''), {
    object: 'chat.completion.chunk',
    choices: [],
    conversation_id: 'c_1',
  });
});
