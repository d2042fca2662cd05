import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { HeldByRequest, HeldBytes } from '../../infra/held-bytes.ts';
import { keptFileReader, keptTextFinder, sizeWithTexts, withKeptFiles } from './kept-files.ts';
import { promptSize } from './plan.ts';

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

test('a kept text counts as its bytes, once for each place that names it; a PDF stays a document', async () => {
  const begins = { note: '# Note', empty: '', paper: '%PDF-1.4' };
  const find = keptTextFinder({
    begins: async (ids, userId) =>
      Object.entries(begins).flatMap(([id, begin]) =>
        ids.includes(id) && userId === 1 ? { id, filename: 'a.md', bytes: 1_000, begin: Buffer.from(begin) } : [],
      ),
  });
  const head = Buffer.byteLength('File "a.md":\n');
  const chat = naming('note', 'paper', 'note', 'gone');
  const texts = await find(chat, 1);
  assert.deepEqual([...texts], [['note', head + 1_000]]);
  const whole = promptSize(chat.body);
  assert.equal(whole.uncounted, 4);
  const counted = { ...whole, textBytes: whole.textBytes + 2 * (head + 1_000), uncounted: 2 };
  assert.deepEqual(sizeWithTexts(whole, chat, texts), counted);
  const input = ['content', 'output'].map((field) => ({ [field]: [{ type: 'input_file', file_id: 'note' }] }));
  const response = { ...chat, native: { form: 'responses', body: { input } } };
  assert.deepEqual(sizeWithTexts(whole, response, texts), counted);
  assert.deepEqual([...(await find(naming('empty'), 1))], [['empty', head + 1_000]]);
  assert.equal((await find(chat, 2)).size, 0, 'the file of another user is nothing to anybody');
  assert.equal((await find({ body: { messages: [{ role: 'user', content: 'hello' }] } }, 1)).size, 0);
});

test('a text that no model could read is refused by its size', async () => {
  const { read } = keptFiles({ long: 8 * MEGABYTE + 1 });
  const room = new HeldByRequest(new HeldBytes(100 * MEGABYTE), 1);
  const asked = withKeptFiles(naming('long'), read, { userId: 1, room });
  await assert.rejects(asked, {
    kind: 'invalidParameter',
    message: 'messages[0].content[0].file.file_id: is a text of more than 8388608 bytes',
  });
});
