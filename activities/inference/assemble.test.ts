import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompletionAssembler } from './assemble.ts';

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
  assert.deepEqual(assembled(a, counted).completion().usage, usage);
  assert.equal(assembled(a, counted, a).completion().usage, undefined);
  assert.equal(assembled(counted, chunk({ tool_calls: [{ index: 0 }] })).completion().usage, undefined);
  // Some providers count in every chunk, its own answer included, or close with a chunk that says nothing.
  assert.deepEqual(assembled(a, chunk({ content: 'b' }, { usage }), chunk({ content: '' })).completion().usage, usage);
  assert.deepEqual(assembled(a, counted, a, counted).completion().usage, usage);
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
