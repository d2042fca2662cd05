import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailureClass, UpstreamFailure } from '../../core/providers/failure.ts';
import { ChunkQueue, outcomeOfStream } from './stream.ts';

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
  const queue = new ChunkQueue(call.signal);
  const read = Array.fromAsync(queue);
  for (let chunk = 0; chunk < 4; chunk += 1) await queue.push(BIG);
  call.abort();
  await queue.push('late');
  queue.close();
  assert.equal((await read).length, 5);
  assert.equal(queue.heldUp, false);
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

const failed = (failure: FailureClass, status = 0) => new UpstreamFailure(failure, 'said so', { status });

test('a stream that breaks counts as its provider did it', () => {
  for (const failure of ['timeout', 'transient', 'rate'] as const) {
    assert.equal(outcomeOfStream(failed(failure), false), failure);
  }
});

test('behind a client that does not read, a provider is neither late nor broken', () => {
  assert.equal(outcomeOfStream(failed('timeout'), true), 'cancelled');
  assert.equal(outcomeOfStream(failed('transient'), true), 'cancelled');
});

test('what a provider says itself counts however slowly it is read', () => {
  assert.equal(outcomeOfStream(failed('transient', 200), true), 'transient');
  assert.equal(outcomeOfStream(failed('rate', 429), true), 'rate');
});

test('our own error says nothing about a key', () => {
  assert.equal(outcomeOfStream(new TypeError('a bug'), false), 'cancelled');
});
