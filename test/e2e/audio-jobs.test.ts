/** Speech and transcripts as jobs: their files, what is refused before anything large, charges, a worker that dies. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { z } from 'zod';
import { until } from '../until.ts';
import { apiFetch } from './api-fetch.ts';
import { type Customer, call, jobEnd, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';
import { rootToken, upstream } from './upstream.ts';

const accepted = z.object({ jobId: z.string() });
const FILE_STORAGE_BYTES = 1024 ** 3;

describe('jobs of audio', () => {
  let product: Product;
  let customer: Customer;
  before(async () => {
    ({ product } = await sharedProduct('jobs'));
    customer = await newCustomer(api());
    const body = {
      ...{ providerName: 'simulator', displayName: 'dear', modelIdentifier: 'dear-transcribe', priority: 50 },
      ...{ upstreamModel: 'sim-transcribe', capabilities: ['speech-to-text'], pricing: { perSecond: '0.01' } },
    };
    const answer = await call(api(), 'POST', '/v1/models', { token: await rootToken(product), body });
    assert.ok(answer.status < 300, answer.message);
  });

  const api = () => product.apis[0];

  const submitted = async (path: string, body: string | FormData, type = 'application/json', more = {}) => {
    const headers = {
      authorization: `Bearer ${customer.key}`,
      ...(type === '' ? {} : { 'content-type': type }),
      ...more,
    };
    const answer = await apiFetch(`${api()?.url}/v1/async/${path}`, { method: 'POST', headers, body });
    const text = await answer.text();
    assert.equal(answer.status, 202, text);
    return z.object({ data: accepted }).parse(JSON.parse(text)).data.jobId;
  };
  const transferOf = async (jobId: string) =>
    product.rows(
      `SELECT characters, audio_seconds AS seconds, amount FROM transfers WHERE id='${jobId}' AND kind='charge'`,
    );
  const filesOf = async () => {
    const headers = { authorization: `Bearer ${customer.key}` };
    const listed = await apiFetch(`${api()?.url}/v1/files`, { headers });
    return z.object({ data: z.array(z.object({ id: z.string(), purpose: z.string() })) }).parse(await listed.json())
      .data;
  };
  const contentOf = async (fileId: string) => {
    const headers = { authorization: `Bearer ${customer.key}` };
    const answer = await apiFetch(`${api()?.url}/v1/files/${fileId}/content`, { headers });
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
  };

  test('speech and its transcript as jobs: kept as a file, charged as the provider counts, and removed', async () => {
    const input = 'The sea is calm tonight. '.repeat(40);
    const body = JSON.stringify({ model: 'sim-speech', voice: 'alloy', input, response_format: 'wav', priority: 2 });
    const speech = await submitted('speech', body, 'application/json', { 'idempotency-key': 'speech-once' });
    assert.equal(await submitted('speech', body, 'application/json', { 'idempotency-key': 'speech-once' }), speech);
    const spoken = await jobEnd(api(), customer.key, speech);
    assert.equal(spoken.status, 'COMPLETED', spoken.errorMessage ?? '');
    const said = z.object({ fileId: z.string(), contentUrl: z.string(), bytes: z.number(), mediaType: z.string() });
    const { fileId, contentUrl, bytes, mediaType } = said.parse(spoken.resultPayload);
    const { bytes: wav } = await contentOf(fileId);
    assert.deepEqual([wav.length, wav.toString('latin1', 8, 12), mediaType], [bytes, 'WAVE', 'audio/wav']);
    assert.ok(contentUrl.endsWith(`/v1/files/${fileId}/content`));
    const [charge, ...others] = await transferOf(speech);
    assert.deepEqual([Number(charge?.characters), others], [[...input].length, []]);
    const ofFile = JSON.stringify({ model: 'sim-transcribe', file_id: fileId, metadata: { of: 'file' } });
    const recording = () => {
      const form = new FormData();
      form.append('model', 'sim-transcribe');
      form.append('response_format', 'srt');
      form.append('metadata', '{"of":"form"}');
      form.append('file', new File([wav], 'sea.wav', { type: 'audio/wav' }));
      return form;
    };
    const seconds = Math.ceil((wav.length - 44) / 8_000);
    const once = { 'idempotency-key': 'transcript-once' };
    const form = await submitted('transcriptions', recording(), '', once);
    assert.equal(await submitted('transcriptions', recording(), '', once), form, 'whatever stands between its parts');
    for (const jobId of [form, await submitted('transcriptions', ofFile)]) {
      const heard = await jobEnd(api(), customer.key, jobId);
      assert.equal(heard.status, 'COMPLETED', heard.errorMessage ?? '');
      const { text } = z.object({ text: z.string().min(1) }).parse(heard.resultPayload);
      assert.equal(text.includes('-->'), jobId === form);
      const [paid, ...more] = await transferOf(jobId);
      assert.deepEqual([Number(paid?.seconds), more], [seconds, []]);
    }
    await until('the recording of the form is gone', async () => (await filesOf()).length === 1);
    assert.deepEqual(await filesOf(), [{ id: fileId, purpose: 'speech' }]);
    await call(api(), 'DELETE', `/v1/async/jobs/${speech}`, { key: customer.key });
    assert.equal((await contentOf(fileId)).status, 404);
  });

  test('speech priced by tokens is charged by the provider’s count, whole and as a job', async () => {
    const made = await call(api(), 'POST', '/v1/models', {
      token: await rootToken(product),
      body: {
        ...{ providerName: 'simulator', displayName: 'counted', modelIdentifier: 'counted-speech', priority: 50 },
        ...{
          upstreamModel: 'gpt-4o-mini-tts',
          capabilities: ['text-to-speech'],
          pricing: { input: '0.00001', output: '0.00002' },
        },
      },
    });
    assert.ok(made.status < 300, made.message);
    const input = 'The sea is calm tonight.';
    const body = JSON.stringify({ model: 'counted-speech', voice: 'alloy', input, response_format: 'wav' });
    const jobId = await submitted('speech', body);
    const { status, resultPayload } = await jobEnd(api(), customer.key, jobId);
    assert.equal(status, 'COMPLETED');
    const { fileId, mediaType } = z.object({ fileId: z.string(), mediaType: z.string() }).parse(resultPayload);
    const { bytes } = await contentOf(fileId);
    await call(api(), 'DELETE', `/v1/async/jobs/${jobId}`, { key: customer.key });
    const headers = { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json' };
    const whole = await apiFetch(`${api()?.url}/v1/audio/speech`, { method: 'POST', headers, body });
    assert.deepEqual([whole.headers.get('content-type'), mediaType], ['audio/wav', 'audio/wav']);
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), bytes);
    assert.equal(bytes.toString('latin1', 8, 12), 'WAVE');
    const asEvents = JSON.stringify({ ...JSON.parse(body), stream_format: 'sse' });
    const events = await apiFetch(`${api()?.url}/v1/audio/speech`, { method: 'POST', headers, body: asEvents });
    const [, cost, commented] =
      /\n: x-cost=([\d.]+) x-request-id=(\S+)\n\ndata: .*audio\.done/.exec(await events.text()) ?? [];
    assert.ok(Number(cost) > 0);
    assert.equal(commented, events.headers.get('x-request-id'), 'the cost stands before the last event');
    for (const id of [jobId, whole.headers.get('x-request-id'), commented]) {
      const [row, ...others] = await product.rows(
        `SELECT prompt_tokens AS heard, completion_tokens AS spoken, estimated FROM transfers WHERE id='${id}' AND kind='charge'`,
      );
      // The simulator counts two for each character, the gateway's own estimate fewer.
      assert.deepEqual([Number(row?.spoken), Number(row?.estimated), others], [2 * input.length, 0, []]);
      assert.ok(Number(row?.heard) > 0);
    }
  });

  test('jobs of audio that cannot be: refused by the field, or ended without a charge', async () => {
    const refused = async (path: string, body: object, field: string) => {
      const headers = { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const answer = await apiFetch(`${api()?.url}/v1/async/${path}`, init);
      const text = await answer.text();
      assert.equal(answer.status, 400, text);
      const { data } = z
        .object({ data: z.object({ errors: z.array(z.object({ path: z.string() })) }) })
        .parse(JSON.parse(text));
      assert.equal(data.errors[0]?.path, field);
    };
    const asked = { model: 'sim-transcribe', file: 'UklGRg==' };
    await refused('speech', { model: 'sim-speech', voice: 'alloy', input: '' }, 'input');
    await refused('speech', { model: 'sim-speech', voice: 'alloy', input: 'a', stream_format: 'sse' }, 'stream_format');
    await refused('speech', { model: 'sim-speech', voice: 'alloy', input: 'a', priority: 9 }, 'priority');
    await refused('transcriptions', { model: 'sim-transcribe' }, 'file');
    await refused('transcriptions', { model: 'sim-transcribe', file_id: 'file-of-nobody' }, 'file_id');
    await refused('transcriptions', { ...asked, file_id: 'file-1' }, 'file_id');
    await refused('transcriptions', { ...asked, stream: true }, 'stream');
    await refused('transcriptions', { ...asked, webhookUrl: 'nowhere' }, 'webhookUrl');
    const failing = JSON.stringify({ model: 'sim-speech', voice: 'alloy', input: '😀'.repeat(50_000) });
    const jobId = await submitted('speech', failing);
    const job = await jobEnd(api(), customer.key, jobId);
    assert.deepEqual([job.status, job.cost, await transferOf(jobId)], ['FAILED', 0, []]);
    assert.match(job.errorMessage ?? '', /string_too_long/);
    const noSound = await submitted('transcriptions', JSON.stringify(asked));
    assert.equal((await jobEnd(api(), customer.key, noSound)).status, 'FAILED');
    await until('its recording is gone', async () => (await filesOf()).length === 0);
  });

  const answerTo = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const sent = { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json', ...headers };
    const answer = await apiFetch(`${api()?.url}/v1/async/${path}`, { method: 'POST', headers: sent, body });
    const { data } = z
      .object({ data: z.object({ jobId: z.string().optional() }).nullish() })
      .parse(await answer.json());
    return { status: answer.status, jobId: data?.jobId };
  };
  /** FLAC whose head says 20,000 seconds. */
  const longRecording = Buffer.alloc(5_000, 7);
  longRecording.write('fLaC');
  longRecording.writeUInt32BE((8_000 << 12) | (15 << 4), 18);
  longRecording.writeUInt32BE(20_000 * 8_000, 22);
  const uploaded = async () => {
    const form = new FormData();
    form.append('purpose', 'user_data');
    form.append('file', new File([longRecording], 'a.flac', { type: 'audio/flac' }));
    const init = { method: 'POST', headers: { authorization: `Bearer ${customer.key}` }, body: form };
    const answer = await apiFetch(`${api()?.url}/v1/files`, init);
    return z.object({ id: z.string() }).parse(await answer.json()).id;
  };
  const removed = (fileId: string) => {
    const headers = { authorization: `Bearer ${customer.key}` };
    return apiFetch(`${api()?.url}/v1/files/${fileId}`, { method: 'DELETE', headers });
  };
  test('speech of the most characters is taken, however its client writes them', async () => {
    const asked = (input: string) => `{"model":"sim-speech","voice":"alloy","input":"${input}"}`;
    const inputs = ['\\ud83d\\ude00'.repeat(50_000), '😀'.repeat(50_000), 'x'.repeat(100_000)];
    for (const input of inputs) {
      const { status, jobId = '' } = await answerTo('speech', asked(input));
      assert.equal(status, 202);
      assert.equal((await jobEnd(api(), customer.key, jobId)).status, 'FAILED', 'the provider takes fewer');
    }
    assert.equal((await answerTo('speech', asked('x'.repeat(100_001)))).status, 400);
  });

  test('a repeat of a job by its key is the same job without its file and without room for another', async () => {
    const speech = JSON.stringify({ model: 'sim-speech', voice: 'alloy', input: 'Once.' });
    const fileId = await uploaded();
    const transcript = JSON.stringify({ model: 'sim-transcribe', file_id: fileId });
    const sent = JSON.stringify({ model: 'sim-transcribe', file: longRecording.toString('base64') });
    const asked = [
      ['speech', speech],
      ['transcriptions', transcript],
      ['transcriptions', sent],
    ] as const;
    const key = (at: number) => ({ 'idempotency-key': `no-room-${at}` });
    const first = await Promise.all(asked.map(([path, body], at) => answerTo(path, body, key(at))));
    for (const { jobId = '' } of first) await jobEnd(api(), customer.key, jobId);
    await removed(fileId);
    await product.execute(
      `INSERT INTO files (id,user_id,purpose,filename,bytes,created_at,expires_at,is_whole)
       VALUES ('file-full',${customer.userId},'user_data','full',${FILE_STORAGE_BYTES - 1_000},NOW(3),NOW(3)+INTERVAL 1 HOUR,0)`,
    );
    const again = await Promise.all(asked.map(([path, body], at) => answerTo(path, body, key(at))));
    assert.deepEqual(again, first);
    const fresh = await Promise.all(asked.map(([path, body]) => answerTo(path, body)));
    assert.deepEqual(
      fresh.map(({ status }) => status),
      [429, 400, 429],
    );
    const of = (model: string) => sent.replace('sim-transcribe', model);
    const unpaid = await answerTo('transcriptions', of('dear-transcribe'));
    const unknown = await answerTo('transcriptions', of('no-such-model'));
    assert.deepEqual([unpaid.status, unknown.status], [402, 404], 'known before room is looked for');
    await product.execute("DELETE FROM files WHERE id='file-full'");
  });

  test('a file is kept for the jobs that were accepted, not for those that were refused', async () => {
    const fileId = await uploaded();
    await product.execute(`UPDATE files SET expires_at=NOW(3)+INTERVAL 30 MINUTE WHERE id='${fileId}'`);
    const minutesLeft = async () => {
      const sql = `SELECT TIMESTAMPDIFF(MINUTE,NOW(3),expires_at) AS minutes FROM files WHERE id='${fileId}'`;
      return Number((await product.rows(sql))[0]?.minutes);
    };
    const of = (model: string) => JSON.stringify({ model, file_id: fileId });
    assert.equal((await answerTo('transcriptions', of('dear-transcribe'))).status, 402);
    assert.equal((await answerTo('transcriptions', of('no-such-model'))).status, 404);
    assert.ok((await minutesLeft()) <= 30);
    const { jobId = '' } = await answerTo('transcriptions', of('sim-transcribe'));
    assert.ok((await minutesLeft()) > 60);
    await jobEnd(api(), customer.key, jobId);
    await removed(fileId);
  });

  test('a worker killed while it hears and while it speaks: another run goes on, charged once', async () => {
    const speech = JSON.stringify({ model: 'sim-speech', voice: 'alloy', input: 'Good night.'.repeat(9) });
    const head = Buffer.from('UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQ==', 'base64');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(40_000);
    const wav = Buffer.concat([head, length, Buffer.alloc(40_000, 128)]);
    const asked = JSON.stringify({ model: 'sim-transcribe', file: wav.toString('base64') });
    const { fault, noFaults } = upstream(product);
    for (const model of ['sim-speech', 'sim-transcribe']) await fault({ fault: 'latency', value: 600_000, model });
    const jobs = [await submitted('speech', speech), await submitted('transcriptions', asked)];
    const rowsOf = () =>
      product.rows(`SELECT provider_attempts AS calls, attempt FROM jobs WHERE id IN ('${jobs.join("','")}')`);
    await until('the provider is called for both', async () =>
      (await rowsOf()).every(({ calls }) => Number(calls) === 1),
    );
    const ofSpeech = `id LIKE 'file-${jobs[0]?.replaceAll('-', '')}%' AND bytes>0`;
    const speechFiles = (isWhole: 0 | 1) =>
      product.rows(`SELECT id FROM files WHERE ${ofSpeech} AND is_whole=${isWhole}`);
    await until('the room of the speech is taken', async () => (await speechFiles(0)).length === 1);
    await product.worker.kill('SIGKILL');
    await noFaults();
    const unbegun = await submitted('transcriptions', asked);
    await call(api(), 'POST', `/v1/async/jobs/${unbegun}/cancel`, { key: customer.key });
    assert.equal((await jobEnd(api(), customer.key, unbegun)).status, 'CANCELLED');
    const recordings = (await filesOf()).filter(({ purpose }) => purpose === 'job_input');
    assert.equal(recordings.length, 1, 'a cancelled job leaves nothing, also while no worker runs');
    await product.worker.start();
    for (const jobId of jobs) {
      const job = await jobEnd(api(), customer.key, jobId);
      assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
      assert.equal((await transferOf(jobId)).length, 1);
    }
    for (const { calls, attempt } of await rowsOf()) assert.deepEqual([Number(calls), Number(attempt)], [2, 2]);
    assert.equal(await product.openHolds(customer.userId), 0);
    await until('the recording is gone', async () => (await filesOf()).every(({ purpose }) => purpose === 'speech'));
    await until('the room of the dead call is given back', async () => (await speechFiles(0)).length === 0);
    assert.equal((await speechFiles(1)).length, 1, 'one speech, which the result names');
  });
});
