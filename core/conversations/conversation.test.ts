import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messagesOf, newConversationId, summaryOf } from './conversation.ts';

test('ids are c_ and 32 hex digits, each its own', () => {
  const ids = new Set(Array.from({ length: 100 }, newConversationId));
  assert.equal(ids.size, 100);
  for (const id of ids) assert.match(id, /^c_[0-9a-f]{32}$/);
});

test('a summary is one line of at most 100 characters and cuts none in two', () => {
  assert.equal(summaryOf('  two\n\nlines '), 'two lines');
  assert.equal(summaryOf('a\u0000b\u001b[31mc\u202edef\u2066\u200f'), 'a b [31mc def');
  assert.equal(summaryOf('👨\u200d👩\u200d👧'), '👨\u200d👩\u200d👧', 'joined images stay joined');
  assert.equal(summaryOf('字'.repeat(100)), '字'.repeat(100));
  assert.equal(summaryOf('字'.repeat(101)), `${'字'.repeat(100)}…`);
  assert.equal(summaryOf('😀'.repeat(300)), `${'😀'.repeat(100)}…`);
  assert.ok(summaryOf(`a${'😀'.repeat(300)}`).isWellFormed());
});

test('messages of one call keep their order and come after what is there', () => {
  const last = new Date(5_000);
  const pair = [
    { role: 'user', content: 'hello' },
    { role: 'assistant', content: 'hi', cost: 3n, modelIdentifier: 'm' },
  ];
  const [first, second] = messagesOf('c_1', 'r-1', pair, last, 4_000);
  assert.deepEqual([first?.messageId, second?.messageId], ['r-1-0', 'r-1-1']);
  assert.deepEqual([first?.createdAt.getTime(), second?.createdAt.getTime()], [5_001, 5_002]);
  assert.deepEqual([first?.cost, second?.cost, first?.imageUrls], [null, 3n, []]);
  assert.equal(messagesOf('c_1', 'r-2', pair, last, 9_000)[0]?.createdAt.getTime(), 9_000);
});
