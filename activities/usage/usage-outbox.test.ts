import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OutboxRow, wholeBatches } from './usage-outbox.ts';

const rows = (...sequence: string[]): OutboxRow[] =>
  sequence.map((seq, index) => ({ seq, id: `r${index}`, doc: '{}' }));

test('a portion below the limit is whole', () => {
  assert.equal(wholeBatches([], 4), undefined);
  assert.deepEqual(wholeBatches(rows('7', '7', '9'), 4), { rows: rows('7', '7', '9'), lastSeq: '9' });
});

test('a batch that the limit may have cut waits for the next portion', () => {
  assert.deepEqual(wholeBatches(rows('7', '7', '8', '9'), 4), { rows: rows('7', '7', '8'), lastSeq: '8' });
  assert.throws(() => wholeBatches(rows('7', '7', '7', '7'), 4), /batch 7/);
});
