import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { patienceOf } from './needs.ts';
import { PROVIDER_KINDS } from './provider.ts';
import { testAdapters, testContext, testTarget } from './test-calls.ts';
import { testOutbound } from './test-outbound.ts';
import { VENDORS } from './vendors.ts';

const MIGRATIONS = join(import.meta.dirname, '../../infra/mysql/migrations');

test('the database takes exactly the kinds that there are', () => {
  const files = readdirSync(MIGRATIONS).sort();
  const texts = files.map((name) => readFileSync(join(MIGRATIONS, name), 'utf8'));
  const checks = texts.flatMap((text) =>
    [...text.matchAll(/CHECK \(kind IN \(([^)]*)\)\)/g)].map(([, list = '']) => list),
  );
  const kinds = [...(checks.at(-1) ?? '').matchAll(/'([^']*)'/g)].map(([, kind]) => kind);
  assert.deepEqual(kinds.sort(), [...PROVIDER_KINDS].sort());
});

test('each vendor offers something, and no host or image model belongs to two', () => {
  for (const kind of PROVIDER_KINDS) assert.ok(VENDORS[kind].chat ?? VENDORS[kind].images, kind);
  const hosts = [
    'dashscope.aliyuncs.com',
    'dashscope-intl.aliyuncs.com',
    'x.maas.aliyuncs.com',
    'ark.cn-beijing.volces.com',
  ];
  for (const host of hosts)
    assert.equal(PROVIDER_KINDS.filter((kind) => VENDORS[kind].ownsHost?.(host)).length, 1, host);
  for (const model of ['wan2.6-t2i', 'qwen-image', 'seedream-4', 'doubao-seedream-4']) {
    assert.equal(PROVIDER_KINDS.filter((kind) => VENDORS[kind].imageModels?.test(model)).length, 1, model);
  }
});

test('a model that thinks may be silent for 300 s, any other as long as its record says', async () => {
  const { outbound } = testOutbound([]);
  const silences: number[] = [];
  const request: typeof outbound.request = (url, call) => {
    silences.push(call.limits.firstByteMs, call.limits.idleMs);
    return outbound.request(url, call);
  };
  const adapter = testAdapters({ ...outbound, request }).chat.openai;
  const patienceMs = patienceOf({}, 'o3-mini');
  await assert.rejects(
    adapter.complete({ ...testTarget('openai', 'o3-mini'), patienceMs }, { messages: [] }, testContext()),
  );
  assert.deepEqual(silences, [300_000, 300_000]);
  assert.equal(patienceOf({ thinkingSwitch: 'enable_thinking' }, 'qwen3'), 300_000);
  assert.equal(patienceOf({ patienceSeconds: 20 }, 'deepseek-reasoner'), 20_000);
  assert.equal(patienceOf({}, 'gpt-4o'), undefined);
});
