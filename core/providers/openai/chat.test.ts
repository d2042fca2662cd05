import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { API_KEY, failedWith, testAdapters, testContext, testTarget } from '../test-calls.ts';
import { capture, fieldsOf, replay, requestOf } from '../test-captures.ts';
import { sentJson, type TestOutbound, testOutbound } from '../test-outbound.ts';

const TARGET = testTarget('openai', 'gpt-x');
const BODY = { messages: [{ role: 'user', content: 'hi' }] };

function chatOf({ outbound }: TestOutbound) {
  return testAdapters(outbound).chat.openai;
}

test('a chat is sent as the vendor client sends it, and its reply is read', async () => {
  const recorded = capture('openai', 'openai_chat');
  const way = replay([recorded]);
  const { model: _model, ...body } = fieldsOf(recorded);
  const answer = await chatOf(way).complete(TARGET, { messages: [], ...body }, testContext());

  assert.equal(way.sent.length, 1);
  assert.equal(way.sent[0]?.method, 'POST');
  assert.equal(way.sent[0]?.path, requestOf(recorded).path);
  assert.equal(way.sent[0]?.headers.get('authorization'), `Bearer ${API_KEY}`);
  assert.equal(way.sent[0]?.headers.get('content-type'), 'application/json');
  assert.deepEqual(sentJson(way.sent[0]), fieldsOf(recorded));
  assert.deepEqual(answer.completion, JSON.parse(recorded.exchanges[0]?.reply.body ?? ''));
  assert.partialDeepStrictEqual(answer.usage, { promptTokens: 2, completionTokens: 1, isPartial: false });
});

test('unknown fields pass, and the model is the one the provider knows', async () => {
  const way = replay([capture('openai', 'openai_chat')]);
  await chatOf(way).complete(TARGET, { ...BODY, model: 'ours', top_k: 5, nested: { a: [1, null] } }, testContext());
  assert.deepEqual(sentJson(way.sent[0]), { ...BODY, model: 'gpt-x', top_k: 5, nested: { a: [1, null] } });
});

test('the least that the vendor client accepts is an answer without usage, and clients get the rest of it', async () => {
  const answer = await chatOf(replay([capture('openai', 'openai_chat_minimal_accepted')])).complete(
    TARGET,
    BODY,
    testContext(),
  );
  const { created, ...completion } = answer.completion;
  assert.deepEqual(completion, {
    ...{ id: 'chatcmpl-call-1', object: 'chat.completion', model: 'gpt-x' },
    choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  });
  assert.ok(Math.abs(Number(created) - Date.now() / 1000) < 600);
  assert.equal(answer.usage, undefined);
});

test('an answer that is none is a failure of the provider', async () => {
  const complete = (way: TestOutbound) => chatOf(way).complete(TARGET, BODY, testContext());
  await assert.rejects(
    complete(replay([capture('openai', 'openai_chat_200_with_error_body')])),
    failedWith('transient', /^boom$/, { status: 200, code: 'x' }),
  );
  await assert.rejects(
    complete(replay([capture('openai', 'openai_chat_empty_choices')])),
    failedWith('transient', /no choices/),
  );
  for (const body of ['', 'null', '[]', '"hi"', '{"choices":', '{"choices":{}}', '{"choices":[null]}']) {
    await assert.rejects(complete(testOutbound([{ body }])), failedWith('transient', /provider/), body);
  }
});

test('calls of tools go out with id, type and arguments, and their stop as tool_calls', async () => {
  const answered = async (calls: object[], reason: string) => {
    const message = { role: 'assistant', content: null, tool_calls: calls };
    const body = JSON.stringify({ id: 'x', choices: [{ index: 0, message, finish_reason: reason }] });
    const { completion } = await chatOf(testOutbound([{ body }])).complete(TARGET, BODY, testContext());
    const { choices } = z
      .object({ choices: z.array(z.looseObject({ message: z.object({ tool_calls: z.array(z.looseObject({})) }) })) })
      .parse(completion);
    return choices[0];
  };
  for (const called of [{ name: 'f' }, { name: 'f', arguments: null }, { name: 'f', arguments: '' }]) {
    const choice = await answered([{ function: called }, { id: null, type: null, function: called }], 'stop');
    assert.equal(choice?.finish_reason, 'tool_calls');
    for (const { id, ...call } of choice?.message.tool_calls ?? []) {
      assert.match(String(id), /^call_[0-9a-f]{24}$/);
      assert.deepEqual(call, { type: 'function', function: { name: 'f', arguments: '{}' } });
    }
  }
  const good = [
    { id: 'a', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
    { id: 'b', type: 'custom', custom: { name: 'g', input: '' } },
  ];
  const choice = await answered(good, 'length');
  assert.deepEqual([choice?.message.tool_calls, choice?.finish_reason], [good, 'length']);
});

test('a page, and fewer choices than asked for, are reported once', async () => {
  const complete = (body: string, more: object = {}) =>
    chatOf(testOutbound([{ body }])).complete(TARGET, { ...BODY, ...more }, testContext());
  await assert.rejects(complete('<html>'), failedWith('unusable', /a page and not/));
  const one = '{"choices":[{"message":{"content":"a"}}]}';
  await assert.rejects(complete(one, { n: 2 }), failedWith('unusable', /1 of the 2 choices/));
});

test('a stream that came in place of a whole answer is put together', async () => {
  const chunk = (delta: object, reason: string | null, more: object = {}) =>
    JSON.stringify({ id: 'x', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: reason }], ...more });
  const usage = { prompt_tokens: 2, completion_tokens: 1 };
  const chunks = [chunk({ role: 'assistant', content: 'a' }, null), chunk({ content: 'b' }, 'stop', { usage })];
  const events = chunks.map((one) => `data: ${one}\n\n`).join('');
  for (const body of [
    `${events}data: [DONE]\n\n`,
    events,
    `\uFEFF${events}`,
    `: hello\n\n${events}`,
    chunks.join('\n'),
  ]) {
    const { completion, usage: counted } = await chatOf(testOutbound([{ body }])).complete(TARGET, BODY, testContext());
    const message = { role: 'assistant', content: 'ab' };
    assert.partialDeepStrictEqual(completion, { id: 'x', choices: [{ index: 0, message, finish_reason: 'stop' }] });
    assert.partialDeepStrictEqual(counted, { promptTokens: 2, completionTokens: 1 });
  }
});

test('a refusal inside a good status keeps its class', async () => {
  const body = JSON.stringify({ error: { message: 'no', code: 'content_filter' } });
  await assert.rejects(
    chatOf(testOutbound([{ body }])).complete(TARGET, BODY, testContext()),
    failedWith('content', /^no$/),
  );
});

test('a stream asks for usage and yields the data of each chunk as it came', async () => {
  const recorded = capture('openai', 'openai_chat_stream_include_usage');
  const way = replay([recorded]);
  const chunks: string[] = [];
  for await (const chunk of await chatOf(way).stream(TARGET, BODY, testContext())) chunks.push(chunk.data);

  assert.deepEqual(sentJson(way.sent[0]), fieldsOf(recorded));
  const lines = recorded.exchanges[0]?.reply.body.split('\n\n').filter((line) => line.startsWith('data: {')) ?? [];
  assert.deepEqual(
    chunks,
    lines.map((line) => line.slice('data: '.length)),
  );
  assert.match(chunks.at(-1) ?? '', /"usage": \{"prompt_tokens": 2/);
});

test('options of a stream that are not ours stay', async () => {
  const way = replay([capture('openai', 'openai_chat_stream_include_usage')]);
  const options = { include_usage: false, chunk_include_usage: true };
  await chatOf(way).stream(TARGET, { ...BODY, stream_options: options }, testContext());
  assert.partialDeepStrictEqual(sentJson(way.sent[0]), { stream_options: { ...options, include_usage: true } });
});

test('a refusal of a stream is thrown before there is a chunk', async () => {
  const stream = async (way: TestOutbound) => Array.fromAsync(await chatOf(way).stream(TARGET, BODY, testContext()));
  await assert.rejects(stream(replay([capture('openai', 'openai_status_429')])), failedWith('rate', /^m$/));
  const headers = { 'content-type': 'application/json' };
  const error = JSON.stringify({ error: { message: 'busy', code: 'server_error' } });
  await assert.rejects(stream(testOutbound([{ headers, body: error }])), failedWith('transient', /^busy$/));
});

test('who left is told from who was slow, and both from a broken connection', async () => {
  const left = AbortSignal.abort();
  const late = AbortSignal.abort(new DOMException('late', 'TimeoutError'));
  const complete = (way: TestOutbound, signal?: AbortSignal) => chatOf(way).complete(TARGET, BODY, testContext(signal));
  const slow = Object.assign(new Error('headers'), { code: 'UND_ERR_HEADERS_TIMEOUT' });
  const cut = Object.assign(new Error('reset by 10.0.0.1'), { code: 'ECONNRESET' });

  await assert.rejects(complete(testOutbound([{ body: '{}' }]), left), failedWith('cancelled', /left/));
  await assert.rejects(complete(testOutbound([{ body: '{}' }]), late), failedWith('timeout', /in time/));
  await assert.rejects(complete(testOutbound([slow])), failedWith('timeout', /in time/, { status: 0 }));
  await assert.rejects(
    complete(testOutbound([cut])),
    failedWith('transient', /^the connection to the provider broke$/),
  );
  const half = testOutbound([{ body: '{"choices":', breaksWith: slow }]);
  await assert.rejects(complete(half), failedWith('timeout', /in time/));
});

test('nothing is sent twice', async () => {
  for (const status of [408, 409, 429, 500, 503]) {
    const way = testOutbound([{ status, headers: { 'x-should-retry': 'true' }, body: '{}' }]);
    await assert.rejects(chatOf(way).complete(TARGET, BODY, testContext()));
    assert.equal(way.sent.length, 1, `status ${status}`);
  }
});
