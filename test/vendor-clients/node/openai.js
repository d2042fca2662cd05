/** OpenAI's Node client: what chats, responses and images leave out (test/e2e/openai-sdk.test.ts has those). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import OpenAI, { toFile } from 'openai';
import { apiKey, baseURL, receivedSeconds, receivedSpeech, receivedTokens } from './gateway.js';

const openai = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
const ENDED = ['completed', 'failed', 'expired', 'cancelled'];

const line = (index, body = {}) => ({
  ...{ custom_id: `line-${index}`, method: 'POST', url: '/v1/chat/completions' },
  body: { model: 'sim-chat', max_tokens: 8, messages: [{ role: 'user', content: `Line ${index}` }], ...body },
});
const upload = async (lines) =>
  openai.files.create({
    file: await toFile(Buffer.from(lines.map((each) => JSON.stringify(each)).join('\n')), 'lines.jsonl'),
    purpose: 'batch',
  });
const ended = async ({ id }) => {
  for (;;) {
    const batch = await openai.batches.retrieve(id);
    if (ENDED.includes(batch.status)) return batch;
    await pause(100);
  }
};
const linesOf = async (file) => {
  const text = await (await openai.files.content(file)).text();
  return text.trim().split('\n').map(JSON.parse);
};

test('files: kept, listed, read and removed', async () => {
  const file = await upload([line(0)]);
  assert.deepEqual([file.object, file.purpose, file.filename], ['file', 'batch', 'lines.jsonl']);
  assert.equal((await openai.files.retrieve(file.id)).bytes, file.bytes);
  const listed = [];
  for await (const { id } of openai.files.list({ limit: 1 })) listed.push(id);
  assert.ok(listed.includes(file.id));
  assert.deepEqual(await linesOf(file.id), [line(0)]);
  assert.equal((await openai.files.delete(file.id)).deleted, true);
  await assert.rejects(openai.files.retrieve(file.id), OpenAI.NotFoundError);
});

test('a batch of chats: answers in order, errors by line, each paid as it says', async () => {
  const file = await upload([line(0), line(1, { temperature: 9 }), line(2)]);
  const made = await openai.batches.create({
    ...{ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h', metadata: { of: 'node' } },
  });
  const batch = await ended(made);
  assert.deepEqual(
    [batch.status, batch.request_counts, batch.metadata],
    ['completed', { total: 3, completed: 2, failed: 1 }, { of: 'node' }],
  );
  const answers = await linesOf(batch.output_file_id);
  assert.deepEqual(
    answers.map(({ custom_id: id }) => id),
    ['line-0', 'line-2'],
  );
  for (const { response } of answers) {
    assert.equal(response.status_code, 200);
    receivedTokens(response.body.usage.prompt_tokens, response.body.usage.completion_tokens);
  }
  const [failed] = await linesOf(batch.error_file_id);
  const { response, error: notRun } = failed;
  assert.deepEqual([failed.custom_id, response.status_code, notRun], ['line-1', 400, null]);
  assert.equal(response.body.error.param, 'temperature');
});

test('a batch that is refused, and one that is not there', async () => {
  const file = await upload([line(0), line(0)]);
  const made = await openai.batches.create({
    ...{ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' },
  });
  const batch = await ended(made);
  assert.deepEqual([batch.status, batch.errors.data[0].code], ['failed', 'duplicate_custom_id']);
  await assert.rejects(openai.batches.cancel(batch.id), OpenAI.APIError);
  await assert.rejects(openai.batches.retrieve('batch_none'), OpenAI.NotFoundError);
});

const words = 'A lighthouse at dusk.';

test('speech, and what was heard of it', async () => {
  const spoken = await openai.audio.speech.create({
    ...{ model: 'sim-speech', voice: 'alloy', input: words, response_format: 'wav' },
  });
  const wav = Buffer.from(await spoken.arrayBuffer());
  receivedSpeech(wav, words);
  const file = () => toFile(wav, 'speech.wav', { type: 'audio/wav' });
  const heard = await openai.audio.transcriptions.create({ model: 'sim-transcribe', file: await file() });
  assert.equal(heard.text, 'the light of');
  receivedSeconds(heard.usage.seconds);
  const stream = await openai.audio.transcriptions.create({
    ...{ model: 'sim-transcribe', file: await file(), response_format: 'verbose_json' },
  });
  assert.ok(stream.duration > 1 && stream.segments.length > 0);
  receivedSeconds(Math.ceil(stream.duration));
});

test('moderations and embeddings', async () => {
  const judged = await openai.moderations.create({ model: 'sim-moderation', input: ['a lamb', 'I will harm you'] });
  assert.deepEqual(
    judged.results.map(({ flagged }) => flagged),
    [false, true],
  );
  const vectors = await openai.embeddings.create({ model: 'sim-embedding', input: ['a', 'b'], dimensions: 8 });
  assert.deepEqual(
    vectors.data.map(({ embedding }) => embedding.length),
    [8, 8],
  );
});
