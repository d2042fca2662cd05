import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompletionAssembler, requireAnswer } from './completion.ts';
import { UpstreamFailure } from './failure.ts';

const chunk = (delta: object, more: object = {}) => ({
  id: 'x',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: null }],
  ...more,
});

type Chunk = Readonly<Record<string, unknown>>;

function assembled(...chunks: readonly Chunk[]): CompletionAssembler {
  const assembler = new CompletionAssembler();
  for (const one of chunks) assembler.add(one);
  return assembler;
}

test('a role is no answer; a text, a thought, a refusal, a call, an image and speech are', () => {
  const role = chunk({ role: 'assistant', content: '' });
  assert.equal(assembled(role, chunk({})).hasSaid, false);
  for (const delta of [
    { content: 'a' },
    { reasoning_content: 'a' },
    { reasoning: 'a' },
    { refusal: 'a' },
    { function_call: { name: 'f', arguments: '' } },
    { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '' } }] },
    { images: [{ type: 'image_url' }] },
    { audio: { id: 'a', transcript: 'a' } },
    { content_parts: [{ type: 'image_url' }] },
  ]) {
    assert.equal(assembled(role, chunk(delta)).hasSaid, true, JSON.stringify(delta));
  }
});

test('a usage counts what came before it and no more', () => {
  const usage = { prompt_tokens: 5, completion_tokens: 1 };
  const counted = { choices: [], usage };
  const a = chunk({ content: 'a' });
  const isPartial = (...chunks: Chunk[]) => assembled(...chunks).usage()?.isPartial;
  assert.equal(isPartial(a, counted), false);
  assert.equal(isPartial(a, counted, a), true);
  assert.equal(isPartial(counted, chunk({ tool_calls: [{ index: 0 }] })), true);
  // Some providers count in every chunk, its own answer included, or close with a chunk that says nothing.
  assert.equal(isPartial(a, chunk({ content: 'b' }, { usage }), chunk({ content: '' })), false);
  assert.equal(isPartial(a, counted, a, counted), false);
});

test('a text that was read without its chunk says as much as one', () => {
  const form = { before: '', after: '', field: 'content', index: 0 } as const;
  const data = '{}';
  const first = { data, body: chunk({ content: 'a' }, { usage: { prompt_tokens: 5, completion_tokens: 1 } }) };
  const repeated = { form, written: 'b', text: 'b' };
  const assembler = new CompletionAssembler();
  assembler.addChunk(first);
  assert.equal(assembler.usage()?.isPartial, false);
  assembler.addChunk({ data, body: {}, repeated });
  assembler.addChunk({ data, body: {}, repeated: { ...repeated, form: { ...form, field: 'reasoning_content' } } });
  assert.equal(assembler.usage()?.isPartial, true, 'it is not counted yet');
  assert.deepEqual(assembler.texts(), ['ab', 'b']);
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

test('everything that came stands in the message: pieces joined, fields of the vendor kept', () => {
  const call = (index: number, name: string, text: string) => ({
    index,
    id: name === '' ? undefined : `call-${name}`,
    function: { name, arguments: text },
    ...(name === '' ? {} : { extra_content: { signature: name } }),
  });
  const { choices, citations } = assembled(
    chunk({ role: 'assistant', tool_calls: [call(0, 'f', '{"a"'), call(1, 'g', '')] }, { citations: ['a page'] }),
    chunk({ tool_calls: [call(0, '', ':1}'), call(1, '', '{}')], annotations: [1] }),
    chunk({ annotations: [2], audio: { id: 'x', transcript: 'Hel' } }),
    chunk({ audio: { transcript: 'lo' }, content_parts: [{ type: 'text', text: 'a' }] }),
    chunk({ content_parts: [{ type: 'text', text: 'b' }, { type: 'image_url' }] }),
  ).completion();
  const called = (name: string, text: string) => ({
    id: `call-${name}`,
    type: 'function',
    function: { name, arguments: text },
    extra_content: { signature: name },
  });
  assert.deepEqual(citations, ['a page']);
  assert.partialDeepStrictEqual(choices, [
    {
      message: {
        content: null,
        tool_calls: [called('f', '{"a":1}'), called('g', '{}')],
        annotations: [1, 2],
        audio: { id: 'x', transcript: 'Hello' },
        content_parts: [{ type: 'text', text: 'ab' }, { type: 'image_url' }],
      },
    },
  ]);
});

test('an end that says why nothing was said is an answer, whole and streamed; an unexplained one is none', () => {
  const isAnswer = (reason: string | null, sent: Chunk) => {
    const choice = { index: 0, finish_reason: reason };
    const streamed = assembled({ choices: [{ ...choice, delta: { role: 'assistant', content: '' } }] });
    const ways = [
      () => streamed.requireAnswer(sent),
      () => requireAnswer({ choices: [{ ...choice, message: { content: null } }] }, sent),
    ].map((way) => {
      try {
        way();
        return true;
      } catch (error) {
        assert.ok(error instanceof UpstreamFailure && error.failure === 'empty');
        return false;
      }
    });
    assert.equal(ways[0], ways[1], `${reason}: a stream is judged as a whole answer`);
    return ways[0];
  };
  const explained = ['length', 'max_tokens', 'MAX_TOKENS', 'model_context_window_exceeded', 'content_filter', 'SAFETY'];
  for (const reason of [...explained, 'sensitive', 'refusal', 'stop_sequence']) assert.ok(isAnswer(reason, {}), reason);
  for (const reason of ['stop', 'end_turn', 'tool_calls', 'error', 'network_error', '', null]) {
    assert.equal(isAnswer(reason, {}), false, String(reason));
  }
  for (const stop of ['x', ['x'], ['', 'x']]) {
    assert.ok(isAnswer('stop', { stop }));
    for (const reason of ['tool_calls', 'error', null]) assert.equal(isAnswer(reason, { stop }), false, String(reason));
  }
  for (const stop of ['', [], [''], null]) assert.equal(isAnswer('stop', { stop }), false);
});
