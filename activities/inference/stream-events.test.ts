import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientStream, RepeatedEvents } from './stream-events.ts';

const text = (content: string) => `{"id":"x","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}`;
const END = '{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}';
const USAGE = '{"id":"x","choices":[],"usage":{"total_tokens":3}}';

/** The usage that was charged, as the last chunk has it. */
const CHARGED = { total_tokens: 3, cost: 1 };
const WORDS = {
  usage: (said: unknown) => ({ ...(said === undefined ? {} : { said }), ...CHARGED }),
  usageChunk: (usage: object) => ({ id: 'x', choices: [], usage }),
};

function played(chunks: readonly string[], wantsUsage: boolean, conversationId?: string): string[] {
  const stream = new ClientStream(wantsUsage, conversationId);
  const all = chunks.map((chunk) => stream.events(chunk)).join('') + stream.lastEvents(WORDS);
  return all.split('\n\n').filter((event) => event !== '');
}

/** The chunk with the usage that was charged in place of the provider's. */
function charged(chunk: string, more: object = {}): string {
  const { usage: said, ...rest } = JSON.parse(chunk);
  return `data: ${JSON.stringify({ ...rest, usage: WORDS.usage(said), ...more })}`;
}

test('chunks go out as the provider wrote them, the usage only to who asked for it', () => {
  const chunks = [text('a "usage": b'), END, USAGE];
  assert.deepEqual(played(chunks, true), [...chunks.slice(0, 2).map((chunk) => `data: ${chunk}`), charged(USAGE)]);
  assert.deepEqual(
    played(chunks, false),
    chunks.slice(0, 2).map((chunk) => `data: ${chunk}`),
  );
});

test('a chunk over several lines reaches the client whole', () => {
  assert.deepEqual(played(['{"id":"x",\n"choices":[]}'], false), ['data: {"id":"x",\ndata: "choices":[]}']);
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
    charged(USAGE, { conversation_id: 'c_1' }),
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

test('who asks for the usage gets what was charged last, wherever the provider has put its own', () => {
  const alone = `data: ${JSON.stringify(WORDS.usageChunk(CHARGED))}`;
  const both = '{"id":"x","choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":7}}';
  const early = '{"id":"x","choices":[{"delta":{"content":"a"}}],"usage":{"total_tokens":1}}';
  for (const [chunks, last] of [
    [[text('a "usage": {}'), END], alone],
    [['{"choices":[{"delta":{}}],"usage":null}', END], alone],
    [[early, END], alone],
    [[early, both], charged(both)],
    [[text('a'), END, USAGE], charged(USAGE)],
    [[], alone],
  ] as const) {
    const events = played(chunks, true);
    assert.equal(events.at(-1), last, chunks.join());
    const before = events.slice(0, -1);
    assert.deepEqual(
      before,
      chunks.slice(0, before.length).map((chunk) => `data: ${chunk}`),
    );
    assert.equal(before.length, last === alone ? chunks.length : chunks.length - 1);
  }
});

test('only a chunk with the usage waits for the next one', () => {
  const stream = new ClientStream(true);
  assert.equal(stream.events(text('a')), `data: ${text('a')}\n\n`);
  assert.equal(stream.events(END), `data: ${END}\n\n`);
  assert.equal(stream.events(USAGE), '');
});

test('chunks of a repeated form get the event that each would get by itself, with the same escapes or their own', () => {
  const form = {
    before: '{"choices":[{"delta":{"content":"',
    after: '"}}],"usage":null}',
    field: 'content',
    index: 0,
  } as const;
  for (const wantsUsage of [true, false]) {
    const stream = new ClientStream(wantsUsage, 'c_1');
    const repeated = new RepeatedEvents((data) => stream.eventOf(data));
    for (const written of ['a', String.raw`\n\"b\"`, '~text~']) {
      const event = repeated.event({ form, written, text: JSON.parse(`"${written}"`) });
      assert.equal(event, new ClientStream(wantsUsage).events(form.before + written + form.after));
    }
  }
});

test('an event that depends on others is made by itself', () => {
  const said = (before: string, after: string) => ({
    ...{ written: 'a', text: 'a' },
    form: { before, after, field: 'content', index: 0 } as const,
  });
  const stream = new ClientStream(true, 'c_1');
  const repeated = new RepeatedEvents((data) => stream.eventOf(data));
  const plain = said('{"choices":[{"delta":{"content":"', '"}}]}');
  stream.events(END);
  assert.equal(repeated.event(plain), undefined, 'while another chunk is held back');
  stream.events(text('b'));
  assert.ok(repeated.event(plain));
  assert.equal(repeated.event(said('{"choices":[],"text":"', '"}')), undefined, 'what may be the last one');
  assert.equal(repeated.event(said('{"note":"~text~","choices":[{"delta":{"content":"', '"}}]}')), undefined);
});
