import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkQueue } from './chunk-queue.ts';

const BIG = 'x'.repeat(600_000);

const queueUntil = (signal: AbortSignal) => new ChunkQueue<string>(signal, ({ length }) => length);

test('chunks come in order, and the end after them', async () => {
  const queue = queueUntil(new AbortController().signal);
  await queue.push('a');
  await queue.push('b');
  queue.close();
  assert.deepEqual(await Array.fromAsync(queue), ['a', 'b']);
});

test('an error comes after what was delivered before it', async () => {
  const queue = queueUntil(new AbortController().signal);
  await queue.push('a');
  queue.close(new Error('cut'));
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const chunk of queue) seen.push(chunk);
  }, /cut/);
  assert.deepEqual(seen, ['a']);
});

test('a client that does not read holds the reader up no longer than the call may take', async () => {
  const call = new AbortController();
  const queue = queueUntil(call.signal);
  await queue.push(BIG);
  let pushed = false;
  const waiting = Promise.resolve(queue.push(BIG)).then(() => {
    pushed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(pushed, false, 'the reader waits while there is no room');
  assert.equal(queue.heldUp, false);
  call.abort();
  await waiting;
  assert.equal(queue.heldUp, true, 'the client has made the call late');
});

test('a client that reads, however late the call ends, has held nobody up', async () => {
  const call = new AbortController();
  const queue = queueUntil(call.signal);
  const read = Array.fromAsync(queue);
  for (let chunk = 0; chunk < 4; chunk += 1) await queue.push(BIG);
  call.abort();
  await queue.push('late');
  queue.close();
  assert.equal((await read).length, 5);
  assert.equal(queue.heldUp, false);
});

test('for a client that has left nothing is kept and nobody waits', async () => {
  const queue = queueUntil(new AbortController().signal);
  await queue.push(BIG);
  const waiting = queue.push(BIG);
  queue.leave();
  await waiting;
  await queue.push(BIG);
  assert.deepEqual(await Array.fromAsync(queue), []);
});

test('a taker gets each chunk in the turn in which it is pushed, and the end', async () => {
  const queue = queueUntil(new AbortController().signal);
  const taken: string[] = [];
  queue.push('a');
  const end = queue.each((chunk) => {
    taken.push(chunk);
    return undefined;
  });
  queue.push('b');
  assert.deepEqual(taken, ['a', 'b']);
  queue.close();
  await end;
});

test('a taker that is full gets the next chunk when it has room, and the error after the last', async () => {
  const queue = queueUntil(new AbortController().signal);
  const taken: string[] = [];
  const room = Promise.withResolvers<void>();
  const end = queue.each((chunk) => {
    taken.push(chunk);
    return taken.length === 1 ? room.promise : undefined;
  });
  for (const chunk of ['a', BIG]) assert.equal(queue.push(chunk), undefined);
  const waiting = queue.push(BIG);
  assert.ok(waiting, 'the reader waits for a taker that is full');
  queue.close(new Error('cut'));
  assert.deepEqual(taken, ['a']);
  room.resolve();
  await waiting;
  await assert.rejects(end, /cut/);
  assert.deepEqual(taken, ['a', BIG, BIG]);
});

test('a taker that fails, at once or later, is no matter of the reader', async () => {
  const fail = () => {
    throw new Error('a bug');
  };
  for (const take of [fail, () => Promise.resolve().then(fail)]) {
    const queue = queueUntil(new AbortController().signal);
    const end = queue.each(take);
    queue.push('a');
    queue.close();
    await assert.rejects(end, /a bug/);
    for (const chunk of [BIG, BIG]) assert.equal(queue.push(chunk), undefined);
  }
});
