import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkQueue } from './chunk-queue.ts';

const BIG = 'x'.repeat(600_000);

test('chunks come in order, and the end after them', async () => {
  const queue = new ChunkQueue(new AbortController().signal);
  await queue.push('a');
  await queue.push('b');
  queue.close();
  assert.deepEqual(await Array.fromAsync(queue), ['a', 'b']);
});

test('an error comes after what was delivered before it', async () => {
  const queue = new ChunkQueue(new AbortController().signal);
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
  const queue = new ChunkQueue(call.signal);
  await queue.push(BIG);
  let pushed = false;
  const waiting = queue.push(BIG).then(() => {
    pushed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(pushed, false, 'the reader waits while there is no room');
  call.abort();
  await waiting;
});

test('for a client that has left nothing is kept and nobody waits', async () => {
  const queue = new ChunkQueue(new AbortController().signal);
  await queue.push(BIG);
  const waiting = queue.push(BIG);
  queue.leave();
  await waiting;
  await queue.push(BIG);
  assert.deepEqual(await Array.fromAsync(queue), []);
});
