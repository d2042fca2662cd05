import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { HeldByRequest, HeldBytes } from '../../infra/held-bytes.ts';
import { keptFileReader, withKeptFiles } from './request-files.ts';

const MEGABYTE = 1024 * 1024;

/** Files that the user 1 keeps, by their sizes, and which of them were read. */
function keptFiles(sizes: Readonly<Record<string, number>>) {
  const wasRead: string[] = [];
  const createdAt = new Date();
  const read = keptFileReader({
    find: async (id, userId) =>
      sizes[id] === undefined || userId !== 1
        ? undefined
        : {
            id,
            userId,
            purpose: 'user_data',
            filename: `${id}.txt`,
            bytes: sizes[id],
            createdAt,
            expiresAt: createdAt,
          },
    async *read({ id, bytes }) {
      wasRead.push(id);
      yield Buffer.alloc(bytes, 'a');
    },
  });
  return { wasRead, read };
}

const naming = (...ids: string[]) => ({
  body: { messages: [{ role: 'user', content: ids.map((file_id) => ({ type: 'file', file: { file_id } })) }] },
});

test('a kept file for which there is no room is not read, and its room comes back', async () => {
  const { wasRead, read } = keptFiles({ a: MEGABYTE, b: MEGABYTE });
  const held = new HeldBytes(6 * MEGABYTE);
  const room = new HeldByRequest(held, 1);
  const ask = (...ids: string[]) => withKeptFiles(naming(...ids), read, { userId: 1, room });
  await assert.rejects(ask('a', 'b'), (error) => error instanceof AppError && error.kind === 'tooManyRequests');
  assert.deepEqual(wasRead, ['a']);
  room.giveBack();
  const { body } = await ask('a');
  assert.match(JSON.stringify(body), /File \\"a\.txt\\":\\na{1000}/);
  const others = new HeldByRequest(held, 2);
  others.take(MEGABYTE);
  await assert.rejects(ask('b'), { kind: 'tooManyRequests' }, 'what the request holds already counts');
});

test('a request that names no kept file is the same object', async () => {
  const { read } = keptFiles({});
  const request = { body: { messages: [{ role: 'user', content: 'hello' }] } };
  const room = new HeldByRequest(new HeldBytes(0), 1);
  assert.equal(await withKeptFiles(request, read, { userId: 1, room }), request);
});
