import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedWith, testAdapters, testContext, testTarget } from '../test-calls.ts';
import { sentJson, testOutbound, type WrittenAnswer } from '../test-outbound.ts';

const FILE = new File(['x'], 'a.wav');
const JSON_TYPE = { 'content-type': 'application/json' };
const EVENTS = { 'content-type': 'text/event-stream; charset=utf-8' };
const ERROR = '{"error":{"message":"boom","type":"server_error"}}';
const DELTA = 'data: {"type":"transcript.text.delta","delta":"a"}\n\n';
const DONE = 'data: {"type":"transcript.text.done","text":"a"}\n\n';
const STREAMED = [['stream', 'true']] as const;

const audioOver = (answer: WrittenAnswer) => testAdapters(testOutbound([answer]).outbound).audio.openai;

/** All that comes, also of an answer that fails after it. */
async function given(pending: Promise<{ mediaType: string; bytes: AsyncIterable<Uint8Array> }>) {
  const { mediaType, bytes } = await pending;
  let text = '';
  let error: unknown;
  try {
    for await (const chunk of bytes) text += Buffer.from(chunk).toString();
  } catch (thrown) {
    error = thrown;
  }
  if (error && text === '') throw error;
  return { mediaType, text, error };
}

const speak = (answer: WrittenAnswer, extra: object = {}) =>
  given(audioOver(answer).speak(testTarget('openai', 'm'), { input: 'a', extra: { ...extra } }, testContext()));
const transcribe = (answer: WrittenAnswer, fields: readonly (readonly [string, string])[] = []) =>
  given(audioOver(answer).transcribe(testTarget('openai', 'm'), { file: FILE, fields }, testContext()));

test('an error is no transcript, whatever its status and form', async () => {
  const text = [['response_format', 'srt']] as const;
  for (const [answer, fields] of [
    [{ headers: JSON_TYPE, body: ERROR }, []],
    [{ headers: JSON_TYPE, body: ERROR }, STREAMED],
    [{ headers: JSON_TYPE, body: ERROR }, text],
    [{ headers: { 'content-type': 'text/plain' }, body: ERROR }, text],
    [{ headers: JSON_TYPE, body: '{}' }, []],
    [{ headers: JSON_TYPE, body: '{}' }, text],
    [{ headers: JSON_TYPE, body: '{"text":null}' }, []],
    [{ headers: { 'content-type': 'text/plain' }, body: 'internal error' }, []],
    [{ headers: EVENTS, body: DELTA + DONE }, []],
    [{ headers: EVENTS, body: `data: ${ERROR}\n\n` }, STREAMED],
    [{ headers: EVENTS, body: ERROR }, STREAMED],
    [{ headers: EVENTS, body: 'event: error\ndata: {"code":"boom"}\n\n' }, STREAMED],
    [{ headers: EVENTS, body: `data: {"type":"transcript.text.delta","delta":""}\n\ndata: ${ERROR}\n\n` }, STREAMED],
    [{ headers: EVENTS, body: ': nothing\n\n' }, STREAMED],
  ] as const) {
    await assert.rejects(transcribe(answer, fields), { name: 'UpstreamFailure' }, answer.body);
  }
  await assert.rejects(transcribe({ headers: JSON_TYPE, body: ERROR }), failedWith('transient', /^boom$/));
});

test('a transcript is given on as it is, in every form, that of silence too', async () => {
  for (const [headers, body, format] of [
    [JSON_TYPE, '{"text":""}', 'json'],
    [JSON_TYPE, '{"text":"a","usage":{"type":"duration","seconds":1}}', 'verbose_json'],
    [{ 'content-type': 'text/plain' }, '1\n00:00 --> 00:01\na', 'srt'],
    [{}, 'a', 'text'],
  ] as const) {
    const { text } = await transcribe({ headers, body }, [['response_format', format]]);
    assert.equal(text, body);
  }
  const whole = await transcribe({ headers: JSON_TYPE, body: '{"text":"a"}' }, STREAMED);
  assert.deepEqual([whole.mediaType, whole.text], ['application/json', '{"text":"a"}']);
  const vllm = 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
  for (const body of [DELTA + DONE, vllm]) {
    for (const headers of [EVENTS, { 'content-type': 'text/plain' }]) {
      const { mediaType, text, error } = await transcribe({ headers, body, chunkBytes: 7 }, STREAMED);
      assert.deepEqual([mediaType, text, error], ['text/event-stream', body, undefined]);
    }
  }
});

test('what came of a transcript before an error or a cut is given on, and then it fails', async () => {
  for (const rest of [`data: {"type":"error",${ERROR.slice(1)}\n\n`, '']) {
    const { text, error } = await transcribe({ headers: EVENTS, body: DELTA + rest }, STREAMED);
    assert.equal(text, DELTA);
    assert.ok(error instanceof Error && /boom|cut off/.test(error.message), String(error));
  }
});

test('where tokens are counted, the sound is taken out of events, whose usage is reported beside it', async () => {
  const parts = ['so', 'und'].map((part) => ({
    ...{ type: 'speech.audio.delta', audio: Buffer.from(part).toString('base64') },
  }));
  const done = { type: 'speech.audio.done', usage: { input_tokens: 5, output_tokens: 42 } };
  const body = [...parts, done].map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  const refusal = { status: 400, headers: JSON_TYPE, body: '{"error":{"message":"Unknown parameter: stream_format"}}' };
  const sound = { headers: { 'content-type': 'audio/mpeg' }, body: 'plain' };
  const speakCounted = async (...answers: WrittenAnswer[]) => {
    const { outbound, sent } = testOutbound(answers);
    const request = { input: 'a', extra: { response_format: 'wav' }, counted: true };
    const answer = await testAdapters(outbound).audio.openai.speak(testTarget('openai', 'm'), request, testContext());
    const { mediaType, text, error } = await given(Promise.resolve(answer));
    return { mediaType, text, error, reported: answer.reported?.(), asked: sent.map(sentJson) };
  };
  const counted = await speakCounted({ headers: EVENTS, body, chunkBytes: 7 });
  assert.deepEqual([counted.mediaType, counted.text, counted.reported], ['audio/wav', 'sound', done.usage]);
  assert.partialDeepStrictEqual(counted.asked, [{ stream_format: 'sse', response_format: 'wav' }]);
  // Who does not take the field, or passes over it, speaks as before, and counts nothing.
  const refused = await speakCounted(refusal, sound);
  assert.deepEqual([refused.text, refused.reported, refused.asked.length], ['plain', undefined, 2]);
  assert.deepEqual(refused.asked[1], { response_format: 'wav', model: 'm', input: 'a' });
  assert.equal((await speakCounted(sound)).text, 'plain');
  const cut = await speakCounted({ headers: EVENTS, body: body.slice(0, 70) });
  assert.deepEqual([cut.text, cut.reported], ['so', undefined]);
  assert.match(String(cut.error), /cut off/);
});

test('only sound is speech, or events where they were asked for', async () => {
  for (const type of ['audio/mpeg', 'Audio/WAV; rate=8000', 'application/octet-stream', undefined]) {
    const { text } = await speak({ headers: type === undefined ? {} : { 'content-type': type }, body: 'sound' });
    assert.equal(text, 'sound');
  }
  for (const [type, body] of [
    ['text/plain', 'internal error'],
    ['text/html', '<html>'],
    ['application/json', '"internal error"'],
    ['application/json', ERROR],
    ['text/event-stream', 'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n'],
    ['audio/mpeg', ERROR],
    ['application/octet-stream', '<!DOCTYPE html>'],
  ] as const) {
    await assert.rejects(speak({ headers: { 'content-type': type }, body }), { name: 'UpstreamFailure' }, body);
  }
  const asked = { stream_format: 'sse' };
  await assert.rejects(speak({ headers: EVENTS, body: `data: ${ERROR}\n\n` }, asked), failedWith('transient', /boom/));
  const events = 'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\ndata: {"type":"speech.audio.done"}\n\n';
  assert.equal((await speak({ headers: EVENTS, body: events }, asked)).text, events);
});
