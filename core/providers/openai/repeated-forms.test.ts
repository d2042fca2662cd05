import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RepeatedForms } from './repeated-forms.ts';

const HEAD = '"id":"x","object":"chat.completion.chunk","created":1,"model":"m"';
const chunk = (delta: string, more = '', beside = ',"finish_reason":null') =>
  `{${HEAD},"choices":[{"index":0,"delta":${delta}${beside}}]${more}}`;
const text = (written: string) => chunk(`{"content":"${written}"}`);

/** A chunk that clients get as it came. */
function learn(chunks: RepeatedForms, data: string): void {
  const body = JSON.parse(data);
  chunks.learn(data, body, { data, body });
}

/** What the second of two chunks says, if it is read by the first; the text, or its field and text. */
function readBy(first: string, second: string): string | undefined {
  const chunks = new RepeatedForms();
  learn(chunks, first);
  const read = chunks.read(second);
  if (read === undefined) return undefined;
  assert.equal(read.data, second);
  assert.deepEqual(read.body, JSON.parse(second));
  assert.ok(read.repeated);
  const { form, text, written } = read.repeated;
  assert.equal(form.before + written + form.after, second);
  return form.field === 'content' ? text : `${form.field}: ${text}`;
}

test('a chunk that differs in its text only is read without being parsed', () => {
  assert.equal(readBy(text('a'), text('b')), 'b');
  assert.equal(readBy(text('a \\"quoted\\" é'), text('\\n\\u732b\\\\ 🐈')), '\n猫\\ 🐈');
  const spaced = (written: string) =>
    `{"choices" : [ {"index": 0, "delta": {"role": "assistant", "content" : "${written}"} } ], "usage": null}`;
  assert.equal(readBy(spaced('a'), spaced('b')), 'b');
  const thought = (written: string) => chunk(`{"content":null,"reasoning_content":"${written}"}`);
  assert.equal(readBy(thought('a'), thought('b')), 'reasoning_content: b');
  const empty = (written: string) =>
    chunk(`{"content":"${written}","tool_calls":[],"refusal":""}`, '', ',"finish_reason":"","logprobs":[]');
  assert.equal(readBy(empty('a'), empty('b')), 'b');
});

test('what stands where the text was is a text, or the chunk is parsed', () => {
  for (const written of ['', '"', 'b"},"index":1,"x":{"content":"c', 'b","refusal":"no', '\\', 'b\nc', '\\x']) {
    assert.equal(readBy(text('a'), text(written)), undefined, written);
  }
  assert.equal(readBy(text('a'), text('b').slice(1)), undefined);
  assert.equal(readBy(text('a'), text('b').slice(0, -1)), undefined);
});

test('a chunk that says more than a text is no pattern', () => {
  for (const first of [
    chunk('{"role":"assistant"}'),
    chunk('{"content":""}'),
    chunk('{"content":"a","refusal":"b"}'),
    chunk('{"content":"a","tool_calls":[{"index":0}]}'),
    chunk('{"content":"a"}', ',"usage":{"completion_tokens":1}'),
    chunk('{"content":"a"}', ',"x_groq":{"usage":{"completion_tokens":1}}'),
    chunk('{"content":"a"}', '', ',"finish_reason":"stop"'),
    chunk('{"content":"a"}', '', ',"logprobs":{"content":[]}'),
    chunk('{"content":"a"}').replace('}]', '},{"index":1,"delta":{"content":"b"}}]'),
  ]) {
    assert.equal(readBy(first, first), undefined, first);
    assert.equal(readBy(first, first.replace('"a"', '"c"')), undefined, first);
  }
});

test('another member of the same name is not taken for the text', () => {
  const first = `{"note":{"content":"a"},"choices":[{"index":0,"delta":{"content" : "b"}}]}`;
  assert.equal(readBy(first, first.replace('"a"', '"c"')), undefined);
});

test('a stream that repeats no form is tried seldom, not at each chunk', () => {
  const chunks = new RepeatedForms();
  const numbered = (id: number) => `{"id":"${id}","choices":[{"index":0,"delta":{"content":"a"}}]}`;
  for (let id = 0; id < 4; id += 1) {
    assert.equal(chunks.read(numbered(id)), undefined);
    learn(chunks, numbered(id));
  }
  assert.ok(chunks.read(numbered(3)), 'the last one is still known');
  const others = new RepeatedForms();
  for (let id = 0; id < 5; id += 1) learn(others, numbered(id));
  assert.equal(others.read(numbered(4)), undefined);
  for (let id = 5; id < 50 && !others.read(numbered(99)); id += 1) learn(others, numbered(99));
  assert.ok(others.read(numbered(99)), 'it is tried again later');
});

test('a text that is kept does not keep the chunk that it came in', () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  const pad = 'p'.repeat(200_000);
  const come = (said: string) => Buffer.from(chunk(`{"content":"${said}"}`, `,"pad":"${pad}"`)).toString('latin1');
  const chunks = new RepeatedForms();
  const first = come('the first text of all');
  learn(chunks, first);
  collect();
  const before = process.memoryUsage().heapUsed;
  const kept = Array.from({ length: 100 }, (_, at) => chunks.read(come(`a text with number ${at}`))?.repeated?.text);
  collect();
  const megabytes = (process.memoryUsage().heapUsed - before) / 1e6;
  assert.equal(kept[99], 'a text with number 99');
  assert.ok(megabytes < 5, `100 texts of 20 MB of chunks keep ${megabytes} MB`);
});
