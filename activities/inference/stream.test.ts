import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailureClass, UpstreamFailure } from '../../core/providers/failure.ts';
import { outcomeOfStream } from './stream.ts';

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
