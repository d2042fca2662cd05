import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOfResult, NO_ANSWER, withChunk, withComment } from './answer.ts';

function chunk(delta: object, rest: object = {}) {
  return { model: 'm', choices: [{ index: 0, delta, ...rest }] };
}

test('texts and thoughts are put together in their order, and usage and cost come last', () => {
  const events = [
    chunk({ role: 'assistant', content: '' }),
    chunk({ reasoning_content: 'let me ' }),
    chunk({ reasoning: 'see' }),
    chunk({ content: 'Hel' }),
    chunk({ content: 'lo' }, { finish_reason: 'stop' }),
    { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 }, conversation_id: 'c_1' },
  ];
  const answer = withComment(events.reduce(withChunk, NO_ANSWER), ' x-cost=0.000000001 x-request-id=r1 x-price-rule=a');
  assert.deepEqual(answer, {
    ...{ text: 'Hello', reasoning: 'let me see', toolCalls: [], images: [], model: 'm', finishReason: 'stop' },
    ...{ promptTokens: 3, completionTokens: 2, cost: '0.000000001', requestId: 'r1', conversationId: 'c_1' },
  });
});

test('calls of tools come in pieces, each at its place', () => {
  const events = [
    chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'weather', arguments: '' } }] }),
    chunk({ tool_calls: [{ index: 1, id: 'b', function: { name: 'time', arguments: '{}' } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: '"Rome"}' } }] }),
  ];
  assert.deepEqual(events.reduce(withChunk, NO_ANSWER).toolCalls, [
    { name: 'weather', arguments: '{"city":"Rome"}' },
    { name: 'time', arguments: '{}' },
  ]);
});

test('events of any other form change nothing, and comments without a cost neither', () => {
  for (const odd of [null, 1, 'x', [], {}, { choices: null }, { choices: [null] }, chunk({ tool_calls: 'x' })]) {
    const { model: _, ...rest } = withChunk(NO_ANSWER, odd);
    const { model: __, ...nothing } = NO_ANSWER;
    assert.deepEqual(rest, nothing);
  }
  assert.equal(withComment(NO_ANSWER, ' keep-alive'), NO_ANSWER);
});

test('the result of a job is an answer', () => {
  const answer = answerOfResult({
    ...{ assistantMessage: 'hi', inputTokensCount: 1, outputTokensCount: 2, cost: '0.1', usedModelIdentifier: 'm' },
    ...{ toolCalls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }], imageUrls: ['/v1/pictures/1'] },
  });
  assert.deepEqual([answer.text, answer.cost, answer.completionTokens], ['hi', '0.1', 2]);
  assert.deepEqual([answer.toolCalls, answer.images], [[{ name: 'f', arguments: '{}' }], ['/v1/pictures/1']]);
  assert.deepEqual(answerOfResult(null), NO_ANSWER);
});
