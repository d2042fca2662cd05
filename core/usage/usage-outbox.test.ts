import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OutboxRow, wholeBatches } from './usage-outbox.ts';

const rows = (...sequence: bigint[]): OutboxRow[] =>
  sequence.map((seq, index) => ({ seq, id: `r${index}`, doc: '{}' }));

test('a portion below the limit is whole', () => {
  assert.equal(wholeBatches([], 4), undefined);
  assert.deepEqual(wholeBatches(rows(7n, 7n, 9n), 4), { rows: rows(7n, 7n, 9n), lastSeq: 9n });
});

test('a batch that the limit may have cut waits for the next portion', () => {
  assert.deepEqual(wholeBatches(rows(7n, 7n, 8n, 9n), 4), { rows: rows(7n, 7n, 8n), lastSeq: 8n });
  assert.throws(() => wholeBatches(rows(7n, 7n, 7n, 7n), 4), /batch 7/);
});
