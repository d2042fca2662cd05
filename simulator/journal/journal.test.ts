import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal } from './journal.ts';

const start = {
  vendor: 'openai',
  key: 'sim-a',
  model: 'sim-chat',
  path: '/',
  stream: false,
  work: true,
  requestId: 'r',
  clientRequestId: null,
};
const usage = { promptTokens: 3, completionTokens: 2, reasoningTokens: 0, cachedTokens: 1, images: 0 };

test('counts stay exact where entries are dropped', () => {
  const journal = new Journal();
  for (let call = 0; call < 50_000; call += 1) {
    const record = journal.begin(start);
    record.usage = usage;
    journal.end(record, 'completed');
  }
  const { byKey } = journal.counts();
  assert.equal(byKey['sim-a']?.calls, 50_000);
  assert.equal(byKey['sim-a']?.promptTokens, 150_000);
  assert.equal(byKey['sim-a']?.running, 0);
  const entries = journal.entries(0, 100_000);
  assert.equal(entries.length, 20_000);
  assert.equal(entries.at(-1)?.id, 50_000);
  assert.deepEqual(
    journal.entries(49_998, 10).map((entry) => entry.id),
    [49_999, 50_000],
  );
});

test('a record is closed once', () => {
  const journal = new Journal();
  const record = journal.begin(start);
  journal.end(record, 'completed');
  journal.end(record, 'cut_by_client');
  assert.equal(record.outcome, 'completed');
  assert.equal(journal.counts().byKey['sim-a']?.cutByClient, 0);
});

test('a reset forgets, ids go on', () => {
  const journal = new Journal();
  journal.end(journal.begin(start), 'refused');
  journal.reset();
  assert.deepEqual(journal.counts().byKey, {});
  assert.equal(journal.begin(start).id, 2);
  assert.deepEqual(
    journal.entries(0, 10).map((entry) => entry.id),
    [2],
  );
});

test('looking at a task is counted apart, images made later are added', () => {
  const journal = new Journal();
  const submitted = journal.begin(start);
  submitted.usage = { ...usage };
  journal.end(submitted, 'completed');
  journal.end(journal.begin({ ...start, work: false }), 'completed');
  journal.addImages(submitted, 4);
  const count = journal.counts().byKey['sim-a'];
  assert.deepEqual([count?.calls, count?.otherCalls, count?.completed, count?.images], [1, 1, 1, 4]);
});
