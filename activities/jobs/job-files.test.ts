import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import type { StoredFile } from '../../core/files/file-store.ts';
import { AppError } from '../../infra/errors.ts';
import type { EndedJob } from '../webhooks/message.ts';
import { HeldByRuns } from './held-by-runs.ts';
import { JobFiles, type JobFilesDeps } from './job-files.ts';
import { RunMustWait } from './job-handler.ts';

const MEGABYTE = 1024 * 1024;
const KEPT_FOR_MS = 60_000;

/** Without what is random in it. */
const partsOf = (fileId: string) => fileId.split('-').slice(0, 2).join('-');

const ended = (id: string, result: string | null): EndedJob => ({
  ...{ id, type: 'speech', status: result === null ? 'FAILED' : 'COMPLETED', modelName: '', cost: 0n, result },
  ...{ errorMessage: null, metadata: null, createdAt: new Date(), startedAt: null, finishedAt: null },
});
const ENDED: Readonly<Record<string, EndedJob>> = {
  spoken: ended('spoken', '{"fileId":"file-kept"}'),
  failed: ended('failed', null),
};

/** Files of user 1 in memory; `did` is what was done with them, in order. */
function memoryFiles(sizes: Readonly<Record<string, number>>) {
  const did: string[] = [];
  const stored = (id: string, bytes: number): StoredFile => ({
    ...{ id, userId: 1, purpose: 'user_data', filename: `${id}.wav`, bytes },
    ...{ createdAt: new Date(), expiresAt: new Date(Date.now() + KEPT_FOR_MS) },
  });
  const never = () => assert.fail('not asked for');
  const files: JobFilesDeps['files'] = {
    find: async (id, userId) => {
      const bytes = sizes[id];
      return bytes === undefined || userId !== 1 ? undefined : stored(id, bytes);
    },
    async *read({ id, bytes }) {
      did.push(`read ${id}`);
      yield Buffer.alloc(bytes, 1);
    },
    keepUntil: async (id) => void did.push(`keep ${id}`),
    remove: async (id) => did.push(`remove ${partsOf(id)}`) > 0,
    reserve: async ({ id }, room) => {
      if (room && room.bytes > room.most) throw new AppError('tooManyRequests', 'no room');
      did.push(`reserve ${room?.bytes} for ${partsOf(id)}`);
    },
    fill: async (meta, pieces) => {
      let bytes = 0;
      for await (const piece of pieces) bytes += piece.length;
      did.push(`fill ${meta.filename}`);
      return { ...meta, bytes };
    },
    removeOthers: async (operationId, _userId, kept) => void did.push(`remove of ${operationId} but ${kept}`),
    ...{ checkRoom: never, put: never, list: never, removeExpired: never, begins: never },
  };
  const store = { announced: async (id: string) => ENDED[id] };
  const deps = { files, store, bytesPerUser: 100 * MEGABYTE, keptMs: KEPT_FOR_MS, publicUrl: '' };
  return { did, jobFiles: new JobFiles({ ...deps, held: new HeldByRuns(3 * MEGABYTE) }) };
}

const named = (fileId: string) => ({ fileId, filename: 'a.wav', mediaType: '' });

describe('recordings of jobs', () => {
  test('a file is named by its row: nothing is read and nothing is kept longer before its job is accepted', async () => {
    const { did, jobFiles } = memoryFiles({ small: 5, large: 27 * MEGABYTE });
    const { stored, recording } = await jobFiles.given(1, 'small');
    assert.deepEqual([stored.bytes, recording.fileId, did], [5, 'small', []]);
    for (const [userId, id] of [
      [1, 'large'],
      [1, 'none'],
      [2, 'small'],
    ] as const) {
      await assert.rejects(jobFiles.given(userId, id), { kind: 'invalidParameter' });
    }
    assert.equal((await jobFiles.measured(stored)).bytes, 5);
    await jobFiles.keepForRun('small');
    assert.deepEqual(did, ['read small', 'keep small']);
  });

  test('runs wait while the recordings of others fill the memory, and one alone may be larger', async () => {
    const { did, jobFiles } = memoryFiles({ a: 2 * MEGABYTE, b: 2 * MEGABYTE, huge: 5 * MEGABYTE });
    const hear = <Result>(id: string, use: () => Promise<Result>) =>
      jobFiles.withRecording({ userId: 1 }, named(id), use);
    const { promise: answered, resolve: answer } = Promise.withResolvers<string>();
    const { promise: called, resolve: call } = Promise.withResolvers<void>();
    const first = hear('a', () => {
      call();
      return answered;
    });
    await called;
    await assert.rejects(
      hear('b', async () => assert.fail('it waits')),
      RunMustWait,
    );
    assert.deepEqual(did, ['read a'], 'what waits is not read');
    answer('heard');
    assert.equal(await first, 'heard');
    await assert.rejects(
      hear('b', () => Promise.reject(new Error('the provider fails'))),
      /fails/,
    );
    assert.equal(await hear('huge', async () => 'heard alone'), 'heard alone');
  });
});

describe('speech of jobs', () => {
  const work = { id: 'job', userId: 1 };
  const wav = { input: '海'.repeat(10), extra: { response_format: 'wav' } };
  const sound = (...pieces: Uint8Array[]) => ({ mediaType: 'audio/wav', bytes: Readable.from(pieces) });

  test('its room is taken before it is called for, by its text and how it is packed', async () => {
    const { did, jobFiles } = memoryFiles({});
    const speak = async () => {
      did.push('speak');
      return sound(Buffer.alloc(7));
    };
    const { file, mediaType } = await jobFiles.keepSpeech(work, wav, speak);
    assert.deepEqual([file.bytes, file.filename, mediaType], [7, 'speech-job.wav', 'audio/wav']);
    await jobFiles.keepSpeech(work, { ...wav, extra: {} }, speak);
    const filled = ['speak', 'fill speech-job.wav'];
    assert.deepEqual(did, ['reserve 96000 for file-job', ...filled, 'reserve 32000 for file-job', ...filled]);
    const tooLong = { ...wav, input: 'x'.repeat(100_000) };
    await assert.rejects(
      jobFiles.keepSpeech(work, tooLong, () => assert.fail('nothing is paid')),
      { kind: 'tooManyRequests' },
    );
  });

  test('a call that fails, that says nothing or that breaks leaves no file', async () => {
    const { did, jobFiles } = memoryFiles({});
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(5);
        throw new Error('it breaks');
      })(),
    );
    for (const speak of [
      () => Promise.reject(new Error('it fails')),
      async () => sound(),
      async () => ({ mediaType: 'audio/wav', bytes: broken }),
    ]) {
      did.length = 0;
      await assert.rejects(jobFiles.keepSpeech(work, wav, speak));
      assert.deepEqual([did[0], did.at(-1)], ['reserve 96000 for file-job', 'remove file-job']);
    }
  });

  test('what the result of an ended job does not name goes, whoever wrote it', async () => {
    const { did, jobFiles } = memoryFiles({});
    for (const id of ['spoken', 'failed']) await jobFiles.settle({ id, type: 'speech', userId: 1 });
    await jobFiles.settle({ id: 'heard', type: 'transcript', userId: 1 });
    await jobFiles.settle({ id: 'chat', type: 'chat', userId: 1 });
    assert.deepEqual(did, ['remove of spoken but file-kept', 'remove of failed but undefined', 'remove file-heard']);
  });
});
