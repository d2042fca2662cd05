import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API_KEY, failedWith, testAdapters, testContext, testTarget } from '../test-calls.ts';
import { type Capture, capture, fieldsOf, replay, requestOf } from '../test-captures.ts';
import { sentJson, type TestOutbound } from '../test-outbound.ts';

function chatOf({ outbound }: TestOutbound) {
  return testAdapters(outbound).chat.ark;
}

function modelOf(recorded: Capture): string {
  return String(fieldsOf(recorded).model);
}

test('a chat is what the vendor client sends', async () => {
  const recorded = capture('ark', 'ark_chat');
  const way = replay([recorded]);
  const { messages } = fieldsOf(recorded);
  assert.ok(Array.isArray(messages));
  const body = { ...fieldsOf(recorded), messages };
  const answer = await chatOf(way).complete(testTarget('ark', modelOf(recorded)), body, testContext());

  assert.equal(way.sent[0]?.path, requestOf(recorded).path);
  assert.equal(way.sent[0]?.headers.get('authorization'), `Bearer ${API_KEY}`);
  assert.deepEqual(sentJson(way.sent[0]), fieldsOf(recorded));
  assert.partialDeepStrictEqual(answer.usage, { promptTokens: 2, completionTokens: 3, reasoningTokens: 2 });
});

test('a stream is what the vendor client sends, and every chunk arrives', async () => {
  const recorded = capture('ark', 'ark_chat_stream');
  const way = replay([recorded]);
  const messages = [{ role: 'user', content: 'hi' }];
  const chunks: string[] = [];
  const stream = await chatOf(way).stream(testTarget('ark', modelOf(recorded)), { messages }, testContext());
  for await (const chunk of stream) chunks.push(chunk.data);

  assert.deepEqual(sentJson(way.sent[0]), fieldsOf(recorded));
  assert.equal(chunks.length, 4);
  assert.match(chunks[0] ?? '', /"reasoning_content": "th"/);
  assert.match(chunks[3] ?? '', /"prompt_tokens": 2/);
});

test('refusals and an error in the middle of a stream have their class', async () => {
  const complete = (name: string) =>
    chatOf(replay([capture('ark', name)])).complete(testTarget('ark', 'm'), { messages: [] }, testContext());
  await assert.rejects(complete('litellm_volc_chat_modelnotopen'), failedWith('account', /not activated/));
  await assert.rejects(complete('litellm_volc_chat_sensitive'), failedWith('content', /sensitive/));

  const way = replay([capture('ark', 'ark_chat_stream_midstream_error')]);
  const stream = await chatOf(way).stream(testTarget('ark', 'm'), { messages: [] }, testContext());
  const iterator = stream[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).done, false);
  const broken = failedWith('transient', /^boom$/, { status: 200, code: 'InternalServiceError' });
  await assert.rejects(async () => iterator.next(), broken);
});
