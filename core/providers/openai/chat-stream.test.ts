import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testAdapters, testContext, testTarget } from '../test-calls.ts';
import { capture, replay } from '../test-captures.ts';
import { type TestOutbound, testOutbound, type WrittenAnswer } from '../test-outbound.ts';

import type { Call } from './client.ts';
import { type ExpectedAnswer, readChunks } from './stream.ts';

const HEAD = '"id":"x","object":"chat.completion.chunk","created":1,"model":"m"';
const CHUNKS = [
  `{${HEAD},"choices":[{"index":0,"delta":{"role":"assistant","content":"猫 🐈‍⬛ é"},"finish_reason":null}],"usage":null}`,
  String.raw`{${HEAD},"choices":[{"index":0,"delta":{"content":"\"finish_reason\":\"stop\", \"error\":{\"code\":1}"},"finish_reason":null}]}`,
  `{${HEAD},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null,"error":null}`,
  `{${HEAD},"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3}}`,
];

/** A whole answer in one chunk, with a place for text. */
const WORDS = `{${HEAD},"choices":[{"index":0,"delta":{"role":"assistant","content":"a~b"},"finish_reason":"stop"}]}`;

const CALL: Call = {
  urlBase: '',
  apiKey: '',
  signal: new AbortController().signal,
  classify: () => 'transient',
};

const EXPECTED: ExpectedAnswer = { choices: 1, head: { id: 'chatcmpl-1', created: 2, model: 'own' } };

async function chunksFrom(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string[]> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const chunks: string[] = [];
  for await (const chunk of readChunks(bytes(), CALL, EXPECTED)) chunks.push(chunk.data);
  return chunks;
}

/** What was yielded, and how it ended. */
async function read(way: TestOutbound, n?: number): Promise<{ chunks: string[]; failure?: unknown; message?: string }> {
  const adapter = testAdapters(way.outbound).chat.openai;
  const stream = await adapter.stream(
    testTarget('openai', 'm'),
    { messages: [], ...(n === undefined ? {} : { n }) },
    testContext(),
  );
  const chunks: string[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk.data);
    return { chunks };
  } catch (error) {
    assert.ok(error instanceof Error && 'failure' in error);
    return { chunks, failure: error.failure, message: error.message };
  }
}

function eventStream(body: string, change: Partial<WrittenAnswer> = {}): TestOutbound {
  return testOutbound([{ headers: { 'content-type': 'text/event-stream' }, body, ...change }]);
}

test('chunks are the same wherever the bytes are cut, with each line end', async () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const events = CHUNKS.map((chunk) => `: keep-alive${end}id: 7${end}data: ${chunk}${end}${end}`).join('');
    const bytes = new TextEncoder().encode(`${events}data: [DONE]${end}${end}`);
    for (let at = 0; at <= bytes.length; at += 1) {
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
      assert.deepEqual(await chunksFrom(pieces), CHUNKS, `cut at byte ${at} of ${bytes.length}`);
    }
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assert.deepEqual(await chunksFrom(single), CHUNKS, 'byte by byte');
  }
});

test('a byte order mark counts as one at the very start only', async () => {
  const [before = '', after = ''] = WORDS.split('~');
  const marked = `${before}\ufeff${after}`;
  const bytes = Buffer.from(`\ufeffdata: ${marked}\n\ndata: ${marked}\n\ndata: [DONE]\n\n`);
  for (let at = 0; at <= bytes.length; at += 1) {
    const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
    assert.deepEqual(await chunksFrom(pieces), [marked, marked], `cut at byte ${at}`);
  }
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
  assert.deepEqual(await chunksFrom(single), [marked, marked], 'byte by byte');
  const unmarked = Array.from(bytes.subarray(3), (byte) => Uint8Array.of(byte));
  assert.deepEqual(await chunksFrom(unmarked), [marked, marked], 'none at the start, byte by byte');
});

test('half a character is replaced where it stands', async () => {
  const [before = '', after = ''] = `data: ${WORDS}\n\n`.split('~');
  const pieces = [[...Buffer.from(before), 0xe7, 0x8c], Buffer.from(after)].map((bytes) => Uint8Array.from(bytes));
  assert.deepEqual(await chunksFrom(pieces), [`${before}\ufffd${after}`.slice('data: '.length).trim()]);
});

test('chunks that are changed for the client are changed alike when their form is repeated', async () => {
  const given = (index: string, written: string) =>
    `event: message\ndata: {"choices":[{"index":0,"delta":{"content":"${written}"},"finish_reason":${index}}]}\n\n`;
  const texts = ['a', 'b', String.raw`\u0022c\u0022`, '', 'd'];
  const events = texts.map((written) => given('""', written)).join('') + given('"stop"', '');
  const { chunks } = await read(eventStream(events));
  const made = chunks.map((chunk) => JSON.parse(chunk));
  assert.deepEqual(
    made.map(({ choices: [{ delta, finish_reason: reason }] }) => [delta.content, reason]),
    [
      ['a', null],
      ['b', null],
      ['"c"', null],
      ['', null],
      ['d', null],
      ['', 'stop'],
    ],
  );
  assert.equal(new Set(made.map(({ id, created }) => `${id} ${created}`)).size, 1);
  assert.equal(chunks[2], chunks[1]?.replace('"b"', String.raw`"\"c\""`));
});

test('an event over several lines is one chunk', async () => {
  const { chunks } = await read(eventStream(`data: {${HEAD},"choices":\ndata: []}\n\ndata: [DONE]\n\n`));
  assert.deepEqual(chunks, [`{${HEAD},"choices":\n[]}`]);
});

test('a last event without its blank line counts when it is whole', async () => {
  const whole = `data: ${CHUNKS[2]}`;
  assert.deepEqual(await read(eventStream(whole)), { chunks: [CHUNKS[2]] });
  const { chunks, failure } = await read(eventStream(`data: ${CHUNKS[0]}\n\n${whole.slice(0, 40)}`));
  assert.deepEqual({ chunks, failure }, { chunks: [CHUNKS[0]], failure: 'transient' });
  const recorded = capture('openai', 'openai_chat_stream_last_event_unterminated');
  assert.equal((await read(replay([recorded]))).chunks.length, 1);
});

test('a stream without [DONE] is whole when its choice has finished, and cut when not', async () => {
  const finished = CHUNKS.slice(0, 3).map((chunk) => `data: ${chunk}\n\n`);
  assert.deepEqual(await read(eventStream(finished.join(''))), { chunks: CHUNKS.slice(0, 3) });
  const cut = await read(eventStream(finished.slice(0, 2).join('')));
  assert.deepEqual(cut, {
    chunks: CHUNKS.slice(0, 2),
    failure: 'transient',
    message: "the provider's stream was cut off",
  });
  const recorded = await read(replay([capture('openai', 'openai_chat_stream_cut_without_done')]));
  assert.equal(recorded.chunks.length, 1);
  assert.equal(recorded.failure, 'transient');
});

test('a cut or malformed object ends the stream, and is not passed on', async () => {
  for (const broken of ['{"choices":[{"index":0,"delta":{"con', '{"choices":[}', ' {x}']) {
    const body = `data: ${CHUNKS[0]}\n\ndata: ${broken}\n\ndata: ${CHUNKS[2]}\n\ndata: [DONE]\n\n`;
    const { chunks, failure, message } = await read(eventStream(body));
    assert.deepEqual({ chunks, failure }, { chunks: [CHUNKS[0]], failure: 'transient' }, broken);
    assert.match(message ?? '', /no JSON object/);
  }
});

/** Events that are no part of an answer. */
const JUNK = [
  ...['null', 'ping', '[]', '"text"', '7', '{}', '{"type":"ping"}', 'keep alive'].map((data) => `data: ${data}`),
  ...['ping', '{}', '{"type":"ping","message":"alive"}', '{"cut'].map((data) => `event: ping\ndata: ${data}`),
  'event: comment\ndata: {"message":"hello"}',
];

test('what is no part of an answer is skipped, wherever it comes', async () => {
  for (const junk of JUNK) {
    const events = CHUNKS.map((chunk) => `${junk}\n\ndata: ${chunk}\n\n`).join('');
    assert.deepEqual(await read(eventStream(`${events}${junk}\n\ndata: [DONE]\n\n`)), { chunks: CHUNKS }, junk);
    const nothing = await read(eventStream(`${junk}\n\ndata: [DONE]\n\n`));
    assert.equal(nothing.message, "the provider's stream is empty", junk);
  }
});

test('the end mark counts in lower case and between blanks', async () => {
  for (const mark of ['[done]', ' [DONE] ', '[Done]\t']) {
    const body = `data: ${CHUNKS[0]}\n\ndata: ${mark}\n\n`;
    for (const text of [body, body.trimEnd(), `${CHUNKS[0]}\n${mark}\n`, `${CHUNKS[0]}\n${mark}`]) {
      const { chunks, failure } = await read(eventStream(text));
      assert.deepEqual({ first: chunks[0], failure }, { first: CHUNKS[0], failure: undefined }, text);
    }
  }
});

test('after the finish nothing fails the call, and the usage is still read', async () => {
  const finished = `data: ${CHUNKS[0]}\n\ndata: ${CHUNKS[2]}\n\n`;
  const errors = ['data: {"error":{"message":"boom"}}', 'event: error\ndata: boom', 'data: {"cut', 'data: x'];
  for (const junk of [...errors, ...JUNK]) {
    const { chunks, failure } = await read(eventStream(`${finished}${junk}\n\ndata: ${CHUNKS[3]}\n\n`));
    assert.deepEqual({ chunks, failure }, { chunks: [CHUNKS[0], CHUNKS[2], CHUNKS[3]], failure: undefined }, junk);
  }
});

test('events without blank lines between them are read one by one', async () => {
  const lines = [...CHUNKS, '[DONE]'].map((data) => `data: ${data}\n`).join('');
  for (const body of [lines, `${lines}\n`, `data: ping\n${lines}`, lines.replaceAll('\n', '\r\n')]) {
    assert.deepEqual(await read(eventStream(body)), { chunks: CHUNKS });
  }
  const cut = await read(eventStream(`data: ${CHUNKS[0]}\ndata: ${CHUNKS[2]?.slice(0, 40)}\n\n`));
  assert.deepEqual([cut.chunks, cut.failure], [[CHUNKS[0]], 'transient']);
  const error = await read(eventStream('event: error\ndata: out of\ndata: memory\n\n'));
  assert.match(error.message ?? '', /out of\s+memory/);
});

test('an error in the middle of a stream ends it, in each of its forms', async () => {
  const inData = await read(replay([capture('openai', 'openai_chat_stream_error_chunk')]));
  assert.equal(inData.chunks.length, 1);
  assert.deepEqual([inData.failure, inData.message], ['transient', 'boom']);
  const flat = await read(replay([capture('openai', 'openai_chat_stream_error_event_flat')]));
  assert.equal(flat.chunks.length, 1);
  assert.deepEqual([flat.failure, flat.message], ['transient', 'boom']);
  const text = await read(eventStream('event: error\ndata: out of memory\n\n'));
  assert.deepEqual(text, { chunks: [], failure: 'transient', message: 'out of memory' });
  const classed = 'data: {"error":{"message":"slow down","code":"rate_limit_exceeded"}}\n\n';
  assert.equal((await read(eventStream(classed))).failure, 'rate');
});

test('a word that is no finish reason does not end a stream, and clients do not get it', async () => {
  for (const word of ['', 'null']) {
    const chunk = (content: string) =>
      `data: {"choices":[{"index":0,"delta":{"content":"${content}"},"finish_reason":"${word}"}]}\n\n`;
    const { chunks, failure } = await read(eventStream(chunk('a') + chunk('b')));
    assert.equal(failure, 'transient', word);
    assert.ok(chunks.every((one) => JSON.parse(one).choices[0].finish_reason === null));
    assert.equal((await read(eventStream(`${chunk('a')}data: [DONE]\n\n`))).failure, undefined);
  }
});

const CHOICE = (index: number, reason: string | null) =>
  `data: {"choices":[{"index":${index},"delta":{"content":"a"},"finish_reason":${JSON.stringify(reason)}}]}\n\n`;

test('one choice that has finished does not end another, and a choice that never came is missed', async () => {
  const both = CHOICE(0, 'stop') + CHOICE(1, null);
  assert.equal((await read(eventStream(both), 2)).failure, 'transient');
  assert.equal((await read(eventStream(both))).failure, 'transient', 'also of one that nobody asked for');
  assert.equal((await read(eventStream(both + CHOICE(1, 'length')), 2)).failure, undefined);
  assert.equal((await read(eventStream(CHOICE(0, 'stop')), 2)).failure, 'transient');
  const missed = await read(eventStream(`${CHOICE(0, 'stop')}data: [DONE]\n\n`), 2);
  assert.deepEqual([missed.failure, missed.message], ['unusable', 'the provider gave 1 of the 2 choices asked for']);
});

test('after the last finish reason neither a broken nor an open connection is a failure', async () => {
  const cut = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
  assert.equal((await read(eventStream(CHOICE(0, 'stop'), { breaksWith: cut }))).failure, undefined);
  assert.equal((await read(eventStream(CHOICE(0, null), { breaksWith: cut }))).failure, 'transient');
});

test('a finish waits neither for the connection to close nor for keep-alives to stop', {
  timeout: 60_000,
}, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [later, never] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(CHOICE(0, 'stop'));
    await later.promise;
    yield new TextEncoder().encode(': keep-alive\n\n');
    await never.promise;
  }
  const stream = readChunks(bytes(), CALL, EXPECTED);
  assert.equal((await stream.next()).done, false);
  const end = stream.next();
  // Not before the reader has begun to wait.
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(3_000);
  later.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(2_000);
  assert.equal((await end).done, true);
  never.resolve();
});

test('an error in any vendor’s form ends a stream, with its class', async () => {
  const forms: readonly (readonly [string, string])[] = [
    ['{"code":"InternalError","message":"x","request_id":"r"}', 'transient'],
    ['{"code":"Throttling","message":"x"}', 'transient'],
    ['{"error":{"code":"InternalServiceError","message":"x","param":"","type":""}}', 'transient'],
    ['{"error":"model runner stopped"}', 'transient'],
    ['{"choices":null,"base_resp":{"status_code":1002,"status_msg":"rate limit"}}', 'rate'],
    ['{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}', 'account'],
    ['{"object":"error","message":"engine is dead","code":500}', 'transient'],
    ['{"error_code":336501,"error_msg":"x"}', 'transient'],
    ['{"detail":"Internal Server Error"}', 'transient'],
    [
      '{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":429,"message":"x"}}]}',
      'rate',
    ],
    ['{"choices":[{"index":0,"delta":{},"finish_reason":"network_error"}]}', 'transient'],
    ['{"choices":[{"index":0,"delta":{},"finish_reason":"insufficient_system_resource"}]}', 'transient'],
  ];
  for (const [data, failure] of forms) {
    const result = await read(eventStream(`data: ${CHUNKS[0]}\n\ndata: ${data}\n\ndata: [DONE]\n\n`));
    assert.deepEqual({ chunks: result.chunks, failure: result.failure }, { chunks: [CHUNKS[0]], failure }, data);
  }
});

test('fields that only look like an error are none', async () => {
  for (const more of [
    '"error":null',
    '"error":""',
    '"base_resp":{"status_code":0,"status_msg":""}',
    '"code":0,"message":"ok"',
  ]) {
    const data = `{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],${more}}`;
    assert.equal((await read(eventStream(`data: ${data}\n\n`))).failure, undefined, more);
  }
});

const CALLS = (calls: object[]) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: calls } }] })}\n\n`;
const piece = (id: string, name: string, text: string, more: object = {}) => ({
  ...(id === '' ? {} : { id }),
  function: { ...(name === '' ? {} : { name }), arguments: text },
  ...more,
});

test('calls of tools get the indexes that clients put them together by', async () => {
  const streams: [string, object[], number[]][] = [
    ['none at all', [piece('1', 'f', '{}'), piece('2', 'g', '{}')], [0, 1]],
    [
      'none, in pieces',
      [piece('1', 'f', '{'), piece('', '', '}'), piece('2', 'g', '{'), piece('', '', '}')],
      [0, 0, 1, 1],
    ],
    [
      'none, by id',
      [piece('1', 'f', ''), piece('2', 'g', ''), piece('1', '', '{}'), piece('2', '', '{}')],
      [0, 1, 0, 1],
    ],
    ['neither index nor id', [piece('', 'f', '{}'), piece('', 'g', '{}')], [0, 1]],
    ['all 0', [piece('1', 'f', '{}', { index: 0 }), piece('2', 'g', '{}', { index: 0 })], [0, 1]],
    [
      'as they should be',
      [piece('1', 'f', '', { index: 0 }), piece('2', 'g', '', { index: 1 }), piece('', '', '{}', { index: 0 })],
      [0, 1, 0],
    ],
  ];
  for (const [name, calls, indexes] of streams) {
    const { chunks } = await read(eventStream(`${calls.map((call) => CALLS([call])).join('')}data: [DONE]\n\n`));
    const given = chunks.slice(0, -1).map((one) => JSON.parse(one).choices[0].delta.tool_calls[0].index);
    assert.deepEqual(given, indexes, name);
    const atOnce = await read(eventStream(`${CALLS(calls)}data: [DONE]\n\n`));
    assert.deepEqual(
      JSON.parse(atOnce.chunks[0] ?? '').choices[0].delta.tool_calls.map((call: { index: number }) => call.index),
      indexes,
      name,
    );
  }
});

/** The pieces of calls as a client gets them, put together as OpenAI's clients do: texts are added up. */
function putTogether(chunks: readonly string[]) {
  const calls: { id: string; type: string; name: string; arguments: string }[] = [];
  for (const chunk of chunks) {
    for (const call of JSON.parse(chunk).choices[0].delta.tool_calls ?? []) {
      const known = calls[call.index] ?? { id: '', type: '', name: '', arguments: '' };
      calls[call.index] = {
        id: known.id + (call.id ?? ''),
        type: call.type ?? known.type,
        name: known.name + (call.function.name ?? ''),
        arguments: known.arguments + (call.function.arguments ?? ''),
      };
    }
  }
  return calls;
}

test('a call without id, type or arguments, or with its name in each part, is one that clients can put together', async () => {
  const f = (name: string | null | undefined, text: string | null | undefined, more: object = {}) => ({
    index: 0,
    function: { name, arguments: text },
    ...more,
  });
  const streams: [string, object[], string][] = [
    ['a name in each part', [f('f', '{"a"'), f('f', ':1'), f('f', '}')], '{"a":1}'],
    ['a name and an empty id in each part', [f('f', '', { id: '' }), f('f', '{}', { id: '' })], '{}'],
    ['null', [f('f', null, { id: null, type: null }), f(null, '{}'), f(null, null)], '{}'],
    ['nothing but a name', [f('f', undefined)], ''],
    ['an id that comes late', [f('f', ''), f(undefined, '{}', { id: 'late' })], '{}'],
  ];
  for (const [name, calls, text] of streams) {
    const { chunks } = await read(eventStream(`${calls.map((call) => CALLS([call])).join('')}data: [DONE]\n\n`));
    const [call, ...others] = putTogether(chunks);
    assert.deepEqual([call?.type, call?.name, call?.arguments, others.length], ['function', 'f', text, 0], name);
    assert.match(call?.id ?? '', /^call_[0-9a-f]{24}$/, name);
  }
});

test('pieces of calls that clients can read stay as the provider wrote them', async () => {
  const calls = [
    { index: 0, id: '1', type: 'function', function: { name: 'f', arguments: '' } },
    { index: 0, id: '', type: 'function', function: { name: null, arguments: '{' } },
    { index: 0, function: { arguments: '}' } },
    { index: 1, id: '2', type: 'custom', custom: { name: 'g', input: '' } },
  ];
  const role = `data: ${CHUNKS[0]}\n\n`;
  const events = calls.map((call) => CALLS([call]).replace('{', `{${HEAD},`));
  const { chunks } = await read(eventStream(`${role}${events.join('')}data: [DONE]\n\n`));
  assert.deepEqual(
    chunks.slice(1, -1).map((chunk) => `data: ${chunk}\n\n`),
    events,
  );
});

test('a stop after calls of tools is one of tool_calls, and no other reason is', async () => {
  for (const [reason, expected] of [
    ['stop', 'tool_calls'],
    ['STOP', 'tool_calls'],
    ['length', 'length'],
    ['tool_calls', 'tool_calls'],
  ]) {
    const { chunks } = await read(eventStream(CALLS([piece('1', 'f', '{}')]) + CHOICE(0, reason ?? '')));
    assert.equal(JSON.parse(chunks.at(-1) ?? '').choices[0].finish_reason, expected);
    const plain = await read(eventStream(CHOICE(0, reason ?? '')));
    assert.equal(JSON.parse(plain.chunks[0] ?? '').choices[0].finish_reason, reason);
  }
});

test('what a provider leaves out of its chunks stands in them, the same in all', async () => {
  const bare = [
    '{"choices":[{"delta":{"content":"a"}}]}',
    '{"id":null,"choices":[{"delta":{"content":"b"}}],"model":null}',
  ];
  const usage = '{"usage":{"prompt_tokens":1,"completion_tokens":2}}';
  const { chunks } = await read(eventStream(`data: ${[...bare, usage, '[DONE]'].join('\n\ndata: ')}\n\n`));
  const [first, ...others] = chunks.map((chunk) => JSON.parse(chunk));
  const { choices, created, ...head } = first;
  assert.deepEqual(head, { id: 'chatcmpl-call-1', object: 'chat.completion.chunk', model: 'm' });
  assert.ok(Math.abs(created - Date.now() / 1000) < 600);
  assert.deepEqual(
    [{ choices }, ...others],
    [
      { choices: [{ index: 0, delta: { role: 'assistant', content: 'a' }, finish_reason: null }] },
      { ...head, created, choices: [{ index: 0, delta: { content: 'b' }, finish_reason: null }] },
      { ...head, created, choices: [], ...JSON.parse(usage) },
      { ...head, created, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    ],
  );
});

test("a provider's own head stays, and stands in the chunks that lack it", async () => {
  const second = '{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":null}]}';
  const calls = CALLS([{ index: 0, ...piece('1', 'f', '{}') }]);
  const { chunks } = await read(eventStream(`data: ${CHUNKS[0]}\n\ndata: ${second}\n\n${calls}data: [DONE]\n\n`));
  assert.equal(chunks[0], CHUNKS[0]);
  for (const chunk of chunks) assert.partialDeepStrictEqual(JSON.parse(chunk), JSON.parse(`{${HEAD}}`));
  assert.deepEqual(JSON.parse(chunks[1] ?? '').choices, JSON.parse(second).choices);
  assert.equal(JSON.parse(chunks.at(-1) ?? '').choices[0].finish_reason, 'tool_calls');
});

test('content that is a list is read as text and thoughts, its parts are kept', async () => {
  const parts = [
    { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
    { type: 'text', text: 'Yes.' },
  ];
  const data = JSON.stringify({ choices: [{ index: 0, delta: { content: parts }, finish_reason: 'stop' }] });
  const { chunks } = await read(eventStream(`data: ${data}\n\n`));
  assert.deepEqual(JSON.parse(chunks[0] ?? '').choices[0].delta, {
    role: 'assistant',
    content: 'Yes.',
    reasoning_content: 'Hm.',
    content_parts: parts,
  });
});

const WHOLE = '{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}';
const LINE = '{"id":"x","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}';
const LAST = '{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}';

test('what came in place of a stream is read as what it is, wherever its bytes are cut', async () => {
  const pretty = JSON.stringify(JSON.parse(WHOLE), undefined, 2);
  for (const body of [
    WHOLE,
    `\uFEFF${WHOLE}`,
    `\n ${pretty}\n`,
    `${LINE}\n${LAST}\n`,
    `\uFEFFdata: ${LINE}\n\ndata: ${LAST}\n\n`,
  ]) {
    for (const type of ['application/json', 'text/event-stream', 'text/plain']) {
      const way = testOutbound([{ headers: { 'content-type': type }, body, chunkBytes: 5 }]);
      const { chunks, failure } = await read(way);
      assert.equal(failure, undefined, body);
      const said = chunks.map((one) => JSON.parse(one).choices[0].delta.content ?? '').join('');
      assert.equal(said, 'a', body);
      assert.equal(JSON.parse(chunks.at(-1) ?? '').choices[0].finish_reason, 'stop');
    }
  }
});

test('a page in place of a stream is reported once', async () => {
  const { failure, message } = await read(eventStream('<!doctype html><title>hello</title>'));
  assert.equal(failure, 'unusable');
  assert.match(message ?? '', /a page and not/);
});

test('a last message that repeats the whole answer is not said twice', async () => {
  const repeated = '{"choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}';
  const { chunks } = await read(eventStream(`data: ${LINE}\n\ndata: ${repeated}\n\ndata: [DONE]\n\n`));
  assert.deepEqual(JSON.parse(chunks[1] ?? '').choices, [{ finish_reason: 'stop', index: 0, delta: {} }]);
});

test('empty data is no chunk, and a stream of nothing is a failure', async () => {
  assert.equal((await read(replay([capture('openai', 'openai_chat_stream_empty_data')]))).chunks.length, 1);
  for (const body of ['', ': nothing\n\n', 'data: [DONE]\n\n']) {
    assert.deepEqual(await read(eventStream(body)), {
      chunks: [],
      failure: 'transient',
      message: "the provider's stream is empty",
    });
  }
});

test('a connection that breaks or falls silent in a stream is told apart', async () => {
  const body = `data: ${CHUNKS[0]}\n\n`;
  const silent = Object.assign(new Error('body'), { code: 'UND_ERR_BODY_TIMEOUT' });
  const cut = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
  assert.equal((await read(eventStream(body, { breaksWith: silent }))).failure, 'timeout');
  assert.equal((await read(eventStream(body, { breaksWith: cut }))).failure, 'transient');
});

test('what comes after [DONE] is read but not waited for', async () => {
  const gate = Promise.withResolvers<void>();
  const drained = Promise.withResolvers<void>();
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(`data: ${CHUNKS[2]}\n\ndata: [DONE]\n\ndata: {}\n\n`);
    await gate.promise;
    yield new TextEncoder().encode('\n');
    drained.resolve();
  }
  assert.deepEqual(await chunksFrom(bytes()), [CHUNKS[2]]);
  gate.resolve();
  await drained.promise;
});

test('a reader that stops closes the connection', async () => {
  let closed = false;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new TextEncoder().encode(`data: ${CHUNKS[0]}\n\n`);
    } finally {
      closed = true;
    }
  }
  for await (const _ of readChunks(bytes(), CALL, EXPECTED)) break;
  assert.equal(closed, true);
});
