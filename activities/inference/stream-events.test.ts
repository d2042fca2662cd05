import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientStream } from './stream-events.ts';

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

test('a usage is found however it is written', () => {
  assert.deepEqual(played(['{"choices" : [] , "usage" : {"total_tokens" : 3}}'], false), []);
  const [event = ''] = played(['{"choices":[{"delta":{"content":"\\"usage\\""}}],"usage"\t: null}'], false);
  assert.deepEqual(JSON.parse(event.slice(6)), { choices: [{ delta: { content: '"usage"' } }] });
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

test('a client that has asked for the usage and got none is known', () => {
  for (const [chunks, wantsUsage, lacks] of [
    [[text('a "usage": {}'), END], true, true],
    [['{"choices":[{"delta":{}}],"usage":null}', END], true, true],
    [[text('a'), END, USAGE], true, false],
    [[text('a'), END, USAGE], false, false],
  ] as const) {
    const stream = new ClientStream(wantsUsage);
    for (const chunk of chunks) stream.events(chunk);
    assert.equal(stream.lacksUsage, lacks, chunks.join());
  }
});
