import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCachedLookup } from './cached-lookup.ts';

/** Loads that the test finishes by hand. */
function manualLoads() {
  const pending: { key: string; resolve: (value: string | undefined) => void; reject: (error: Error) => void }[] = [];
  const load = (key: string) =>
    new Promise<string | undefined>((resolve, reject) => pending.push({ key, resolve, reject }));
  return { pending, load };
}

test('a fresh entry is given at once, an old one is loaded again', async () => {
  let time = 0;
  let loads = 0;
  const lookup = createCachedLookup({ load: async () => ++loads, maxEntries: 10, now: () => time });
  assert.equal(await lookup.get('a'), 1);
  time = 29_999;
  assert.equal(lookup.get('a'), 1);
  time = 30_000;
  assert.equal(await lookup.get('a'), 2);
});

test('callers that miss together share one load', async () => {
  const { pending, load } = manualLoads();
  const lookup = createCachedLookup({ load, maxEntries: 10 });
  const both = [lookup.get('a'), lookup.get('a')];
  assert.equal(pending.length, 1);
  pending[0]?.resolve('x');
  assert.deepEqual(await Promise.all(both), ['x', 'x']);
});

test('a load that began before an invalidation is not kept', async () => {
  const { pending, load } = manualLoads();
  const lookup = createCachedLookup({ load, maxEntries: 10 });
  const early = lookup.get('a');
  lookup.forget((value) => value === 'nothing has this value yet');
  const late = lookup.get('a');
  assert.equal(pending.length, 2, 'the second caller does not join a load that may be outdated');
  pending[1]?.resolve('new');
  assert.equal(await late, 'new');
  pending[0]?.resolve('old');
  assert.equal(await early, 'old');
  assert.equal(lookup.get('a'), 'new');
});

test('forget drops what it names, clear drops all', async () => {
  const lookup = createCachedLookup({ load: async (key: string) => key, maxEntries: 10 });
  await lookup.get('a');
  await lookup.get('b');
  lookup.forget((value) => value === 'a');
  assert.equal(lookup.get('b'), 'b');
  assert.equal(lookup.get('a') instanceof Promise, true);
  lookup.clear();
  assert.equal(lookup.get('b') instanceof Promise, true);
});

test('neither a missing row nor a failure is remembered', async () => {
  const { pending, load } = manualLoads();
  const lookup = createCachedLookup({ load, maxEntries: 10 });
  const missing = lookup.get('a');
  pending[0]?.resolve(undefined);
  assert.equal(await missing, undefined);
  const failing = lookup.get('a');
  pending[1]?.reject(new Error('down'));
  await assert.rejects(async () => failing, /down/);
  lookup.get('a');
  assert.equal(pending.length, 3);
});

test('the oldest entry goes when there are too many', async () => {
  const lookup = createCachedLookup({ load: async (key: string) => key, maxEntries: 2 });
  for (const key of ['a', 'b', 'c']) await lookup.get(key);
  assert.equal(lookup.get('c'), 'c');
  assert.equal(lookup.get('b'), 'b');
  assert.equal(lookup.get('a') instanceof Promise, true);
});
