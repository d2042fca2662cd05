import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addPreset } from '../../core/catalog/add-preset.ts';
import { type Preset, presetNamed } from '../../core/catalog/presets.ts';
import { BY, type CatalogProcess, listen, type TestCatalog, testCatalog } from './test-catalog.ts';

const RATE = 7_200_000_000n;

function preset(name: string): Preset {
  const found = presetNamed(name);
  assert.ok(found);
  return found;
}

describe('a known vendor in one go', () => {
  let testing: TestCatalog;
  let process: CatalogProcess;
  let vendor: Awaited<ReturnType<typeof listen>>;

  before(async () => {
    testing = await testCatalog('catalog_preset_test');
    vendor = await listen((_request, response) => response.end('{"data":[{"id":"llama4:8b"},{"id":"qwen3:4b"}]}'));
    process = await testing.process({ config: { OUTBOUND_PRIVATE_HOSTS: [vendor.hostPort] } });
  });
  after(async () => {
    vendor.close();
    await testing.close();
  });

  test('provider, key and models with prices in our currency; once more adds only another key', async () => {
    const openai = preset('openai');
    const request = { preset: openai, urlBase: openai.urlBase, apiKey: 'sk-preset-000001', rate: RATE };
    const first = await addPreset(process, request, BY);
    assert.equal(first.added.length, openai.models.length);
    const mini = process.catalog.named({ identifier: 'gpt-5-mini' }, 'image-to-text');
    assert.equal(mini.price.input, 1_800_000_000n);
    assert.equal(mini.price.output, 14_400_000_000n);
    assert.deepEqual(process.catalog.keysOf(mini.providerId), [
      { id: first.keyId, urlBase: openai.urlBase, apiKey: 'sk-preset-000001', weight: 1 },
    ]);
    const again = await addPreset(process, request, BY);
    assert.deepEqual([again.added.length, again.existing.length, again.keyId], [0, first.added.length, first.keyId]);
    const other = await addPreset(process, { ...request, apiKey: 'sk-preset-000002' }, BY);
    assert.notEqual(other.keyId, first.keyId);
    assert.equal(process.catalog.keysOf(mini.providerId).length, 2);
  });

  test('only the chosen models, and no second key where the provider has one', async () => {
    const deepseek = preset('deepseek');
    const request = { preset: deepseek, rate: RATE, models: ['deepseek-flash'] };
    await assert.rejects(addPreset(process, request, BY), /apiKey/);
    assert.deepEqual(await testing.rows("SELECT id FROM providers WHERE name='deepseek'"), [], 'nothing was made');
    await assert.rejects(addPreset(process, { ...request, models: ['gpt-5-mini'] }, BY), /models\.0/);
    const first = await addPreset(process, { ...request, apiKey: 'sk-preset-000003' }, BY);
    assert.deepEqual(
      first.added.map(({ modelIdentifier }) => modelIdentifier),
      ['deepseek-flash'],
    );
    const rest = await addPreset(process, { preset: deepseek, rate: RATE }, BY);
    assert.deepEqual([rest.added.length, rest.existing.length, rest.keyId], [deepseek.models.length - 1, 1, undefined]);
    assert.equal(process.catalog.keysOf(rest.provider.id).length, 1);
  });

  test('a provider that was moved keeps its address', async () => {
    const moonshot = preset('moonshot');
    const moved = { name: 'Moonshot', urlBase: 'https://proxy.example/v1' };
    const { id } = await process.providers.create(moved, BY);
    const { provider, added } = await addPreset(process, { preset: moonshot, rate: RATE, apiKey: 'sk-preset-4' }, BY);
    assert.deepEqual([provider.id, provider.urlBase], [id, moved.urlBase]);
    assert.equal(added.length, moonshot.models.length);
  });

  test('images are priced each, and their kind is that of the vendor', async () => {
    const ark = preset('ark');
    await addPreset(process, { preset: ark, urlBase: ark.urlBase, apiKey: 'ark-key-00000001', rate: RATE }, BY);
    const seedream = process.catalog.named({ identifier: 'doubao-seedream-4-5-251128' }, 'image-to-image');
    assert.equal(seedream.price.perImage, 1_800_000_000n);
    assert.equal(seedream.kind, 'ark');
  });

  test('a vendor without a list serves what it has, free of charge', async () => {
    const ollama = preset('ollama');
    const urlBase = `${vendor.base}/v1`;
    const { added } = await addPreset(process, { preset: ollama, urlBase, apiKey: 'ollama', rate: RATE }, BY);
    assert.deepEqual(
      added.map((model) => model.modelIdentifier),
      ['llama4:8b', 'qwen3:4b'],
    );
    assert.equal(process.catalog.named({ identifier: 'qwen3:4b' }, 'text-to-text').price.output, 0n);
  });
});
