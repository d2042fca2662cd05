import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testAdapters, testContext, testTarget } from '../test-calls.ts';
import { capture, replay } from '../test-captures.ts';
import { type TestOutbound, testOutbound, type WrittenAnswer } from '../test-outbound.ts';
import { chunksOf } from './chat.ts';
import type { Call } from './client.ts';

const CHUNKS = [
  '{"choices":[{"index":0,"delta":{"role":"assistant","content":"猫 🐈‍⬛ é"},"finish_reason":null}],"usage":null}',
  String.raw`{"choices":[{"index":0,"delta":{"content":"\"finish_reason\":\"stop\", \"error\":{\"code\":1}"},"finish_reason":null}]}`,
  '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null,"error":null}',
  '{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3}}',
];

const CALL: Call = {
  urlBase: '',
  apiKey: '',
  signal: new AbortController().signal,
  classify: () => 'transient',
};

async function chunksFrom(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string[]> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const chunks: string[] = [];
  for await (const chunk of chunksOf(bytes(), CALL)) chunks.push(chunk);
  return chunks;
}

/** What was yielded, and how it ended. */
async function read(way: TestOutbound): Promise<{ chunks: string[]; failure?: unknown; message?: string }> {
  const adapter = testAdapters(way.outbound).chat.openai;
  const stream = await adapter.stream(testTarget('openai', 'm'), { messages: [] }, testContext());
  const chunks: string[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
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

test('an event over several lines is one chunk', async () => {
  const { chunks } = await read(eventStream('data: {"choices":\ndata: []}\n\ndata: [DONE]\n\n'));
  assert.deepEqual(chunks, ['{"choices":\n[]}']);
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

test('a chunk that is no JSON object ends the stream, and is not passed on', async () => {
  for (const broken of ['{"choices":[{"index":0,"delta":{"con', 'x', '[]', '"text"', 'null']) {
    const body = `data: ${CHUNKS[0]}\n\ndata: ${broken}\n\ndata: ${CHUNKS[2]}\n\ndata: [DONE]\n\n`;
    const { chunks, failure, message } = await read(eventStream(body));
    assert.deepEqual({ chunks, failure }, { chunks: [CHUNKS[0]], failure: 'transient' }, broken);
    assert.match(message ?? '', /no JSON object/);
  }
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
    yield new TextEncoder().encode(`data: ${CHUNKS[2]}\n\ndata: [DONE]\n\n`);
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
  for await (const _ of chunksOf(bytes(), CALL)) break;
  assert.equal(closed, true);
});
