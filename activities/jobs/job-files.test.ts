import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StoredFile } from '../../core/files/file-store.ts';
import { JobFiles, type JobFilesDeps } from './job-files.ts';
import { RunMustWait } from './job-handler.ts';

const MEGABYTE = 1024 * 1024;
const KEPT_FOR_MS = 60_000;

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
    remove: async (id) => did.push(`remove ${id}`) > 0,
    ...{ checkRoom: never, bytesOf: never, put: never, list: never, removeExpired: never },
  };
  const store = { announced: async () => undefined };
  const deps = { files, store, bytesPerUser: 100 * MEGABYTE, keptMs: KEPT_FOR_MS, publicUrl: '' };
  return { did, jobFiles: new JobFiles({ ...deps, heldBytes: 3 * MEGABYTE }) };
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
