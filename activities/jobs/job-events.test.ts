import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAhead, type JobEvent } from './job-events.ts';

const state = (status: JobEvent['status'], progress: number): JobEvent => ({ jobId: 'job', status, progress });

test('a state is ahead of another by its status, then by its progress; nothing follows an end', () => {
  const inOrder = [
    state('PENDING', 0),
    state('PROCESSING', 0),
    state('PROCESSING', 40),
    state('PROCESSING', 90),
    state('COMPLETED', 100),
  ];
  for (const [index, later] of inOrder.entries()) {
    for (const [other, earlier] of inOrder.entries()) assert.equal(isAhead(later, earlier), index > other);
  }
  assert.equal(isAhead(state('CANCELLED', 100), state('COMPLETED', 50)), false);
});
