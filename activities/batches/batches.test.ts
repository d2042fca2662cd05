import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileStore } from '../../core/files/file-store.ts';
import { Batches } from './batches.ts';
import { callerOf, MemoryBatch } from './memory-batch.fixture.ts';

const NOW = new Date();

/** One input file, until it is taken away. */
function world() {
  const batch = new MemoryBatch(0, 'completed');
  const found = { userId: 1, purpose: 'batch', filename: 'f', bytes: 1, createdAt: NOW, expiresAt: NOW };
  const input = { isThere: true };
  const kept: [string, number][] = [];
  const files: Pick<FileStore, keyof FileStore> = {
    ...batch.files,
    put: async (meta, pieces, room) => {
      const file = await batch.files.put(meta, pieces, room);
      input.isThere = true;
      return file;
    },
    find: async (id) => (input.isThere ? { ...found, id } : undefined),
    checkRoom: async () => undefined,
    list: async () => [],
    keepUntil: async (id, until) => void kept.push([id, until.getTime()]),
    removeExpired: async () => 0,
    reserve: async () => undefined,
    fill: async (meta, pieces) => batch.files.put(meta, pieces),
    removeOthers: async () => undefined,
    begins: async () => [],
  };
  const kicked: string[] = [];
  const starter = { kick: ({ workflowId }: { workflowId: string }) => void kicked.push(workflowId) };
  const { store } = batch;
  return { batch, kicked, input, kept, batches: new Batches({ store, files, starter, bytesPerUser: 1, keptMs: 1 }) };
}

const request = { inputFileId: 'file-in', endpoint: '/v1/embeddings', metadata: null, traceId: 't' } as const;

test('a keyed request that runs again after a crash finds the batch of its first run', async () => {
  const { batch, batches, kicked, input } = world();
  const caller = await callerOf(1, 1);
  const operationId = '0198c0de-0000-7000-8000-000000000001';
  const first = await batches.create(caller, { ...request, operationId });
  input.isThere = false;
  const second = await batches.create(caller, { ...request, operationId });
  assert.deepEqual([second.id, second.holdId], [first.id, operationId]);
  assert.deepEqual([batch.created, kicked], [[first.id], [`batch/user-1/${first.id}`]]);
  await assert.rejects(batches.create(caller, { ...request, operationId: `${operationId}f` }), /there is no file/);
});

test('the file of a batch does not expire before the batch', async () => {
  const { batch, batches, kept } = world();
  await batches.create(await callerOf(1, 1), { ...request, operationId: '0198c0de-0000-7000-8000-000000000002' });
  const [[id, until] = ['', 0]] = kept;
  assert.equal(id, 'file-in');
  assert.ok(batch.row.expiresAt.getTime() - until < 60_000);
});

test('a keyed upload that runs again after a crash finds the file of its first run', async () => {
  const { batch, batches, input } = world();
  input.isThere = false;
  const operationId = '0198c0de-0000-7000-8000-000000000003';
  const add = () => batches.addFile(1, { file: new File(['{}'], 'f.jsonl'), purpose: 'batch', operationId });
  const ids = [(await add()).id, (await add()).id];
  assert.equal(ids[0], ids[1]);
  assert.deepEqual([...batch.texts.keys()], [ids[0]]);
});
