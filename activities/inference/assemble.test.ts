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
    { refusal: 'a' },
    { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '' } }] },
  ]) {
    assert.equal(assembled(role, chunk(delta)).hasSaid, true, JSON.stringify(delta));
  }
});
