import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { chatBodyOf } from './chat-input.ts';

function refusedPaths(options: Record<string, unknown>): string[] {
  try {
    chatBodyOf({ userMessage: 'hi', options });
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.status, 400);
    return (error.details.errors ?? []).map(({ path }) => path);
  }
  return [];
}

test('a limit of tokens that is no count is refused under the name that the caller used', () => {
  for (const name of ['max_tokens', 'maxTokens', 'max_completion_tokens', 'maxCompletionTokens']) {
    for (const value of [-1_000_000, -1, 0, 1.5, 1e300, '3', Number.MAX_SAFE_INTEGER]) {
      assert.deepEqual(refusedPaths({ [name]: value }), [`options.${name}`], `${name} = ${value}`);
    }
  }
  assert.deepEqual(refusedPaths({ n: -1 }), ['options.n']);
  assert.deepEqual(refusedPaths({ max_tokens: 100, maxCompletionTokens: -5 }), ['options.maxCompletionTokens']);
  assert.deepEqual(chatBodyOf({ userMessage: 'hi', options: { maxTokens: 100, topP: null } }), {
    max_tokens: 100,
    messages: [{ role: 'user', content: 'hi' }],
  });
});
