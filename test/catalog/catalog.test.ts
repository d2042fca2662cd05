import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseTokenPrice } from '../../core/ledger/money.ts';
import { until } from '../until.ts';
import { BY, CANARY, type CatalogProcess, relayTo, type TestCatalog, testCatalog } from './test-catalog.ts';

const PRICING = { input: parseTokenPrice('0.000002'), output: parseTokenPrice('0.000008') };
const TEXT = ['text-to-text'] as const;

const failure = (code: number, message: RegExp) => ({ name: 'AppError', code, message });

let identifiers = 0;
/** A model of a new name on a provider. */
function newModel(providerId: number) {
  identifiers += 1;
  return {
    displayName: 'A model',
    modelIdentifier: `model-${identifiers}`,
    capabilities: TEXT,
    pricing: PRICING,
    providerId,
  };
}

describe('the catalog on the real database', () => {
  let testing: TestCatalog;
  let one: CatalogProcess;
  let other: CatalogProcess;
  let providerId: number;

  before(async () => {
    testing = await testCatalog('catalog_test');
    one = await testing.process();
    other = await testing.process();
    providerId = (await one.providers.create({ name: 'vendor', urlBase: 'https://api.vendor.example/v1' }, BY)).id;
  });
  after(() => testing.close());

  test('a change is seen by its own process at once and by the others by push', async () => {
    const model = await one.models.create(newModel(providerId), BY);
    assert.equal(one.catalog.modelByIdentifier(model.modelIdentifier)?.id, model.id);
    await until('the model in the other process', () => other.catalog.modelById(model.id) !== undefined);
    // Both listen now, so a change is in force in both when it is answered.
    await other.models.setOnline(model.id, false, BY);
    assert.equal(other.catalog.modelById(model.id)?.online, false);
    assert.equal(one.catalog.modelById(model.id)?.online, false);
    assert.throws(() => one.catalog.named({ id: model.id }, 'text-to-text'), failure(600002, /model-\d+ is offline/));
  });

  test('a named model is found by id or identifier, and told apart when it cannot serve', async () => {
    const model = await one.models.create(newModel(providerId), BY);
    const unpriced = await one.models.create({ ...newModel(providerId), pricing: undefined, online: false }, BY);
    const named = one.catalog.named({ identifier: model.modelIdentifier }, 'text-to-text');
    assert.equal(named.modelId, model.id);
    assert.equal(named.upstreamModel, model.modelIdentifier);
    assert.equal(named.price.output, 8_000_000_000n);
    const source = one.catalog;
    assert.throws(() => source.named({ identifier: 'none' }, 'text-to-text'), failure(600001, /no model none/));
    assert.throws(() => source.named({ id: model.id }, 'text-to-image'), failure(600003, /text-to-image/));
    assert.throws(() => source.named({ id: unpriced.id }, 'text-to-text'), failure(600002, /offline/));
    await assert.rejects(one.models.setOnline(unpriced.id, true, BY), failure(400001, /pricing: is required/));
  });

  test('online models of a capability come by priority, then id', async () => {
    const create = (priority: number) =>
      one.models.create({ ...newModel(providerId), capabilities: ['image-to-text'], priority }, BY);
    const [second, first, third] = [await create(5), await create(1), await create(5)];
    const offline = await create(1);
    await one.models.setOnline(offline.id, false, BY);
    const ids = one.catalog.capable('image-to-text').map((model) => model.modelId);
    assert.deepEqual(ids, [first.id, second.id, third.id]);
  });

  test('another price is a new version; the old one stays and can still be charged', async () => {
    const model = await one.models.create(newModel(providerId), BY);
    const before = model.price;
    assert.ok(before);
    await one.models.update(model.id, { pricing: PRICING, displayName: 'Renamed' }, BY);
    assert.equal(one.catalog.modelById(model.id)?.price?.id, before.id);
    const pricing = { ...PRICING, cachedInput: 0n };
    const changed = await one.models.update(model.id, { pricing }, BY);
    assert.equal(changed.displayName, 'Renamed');
    assert.equal(changed.price?.cachedInput, 0n);
    const versions = await testing.rows(`SELECT version, created_by FROM model_prices WHERE model_id=${model.id}`);
    assert.deepEqual(
      versions.map((row) => [row.version, row.created_by]),
      [
        [1, 1],
        [2, 1],
      ],
    );
    const now = changed.price?.id ?? 0;
    const priced = await one.catalog.pricedAt([before.id, now]);
    assert.deepEqual(priced.map((candidate) => candidate.price.id).sort(), [before.id, now]);
    await one.models.setOnline(model.id, false, BY);
    assert.deepEqual(await one.catalog.pricedAt([before.id, now]), []);
  });

  test('the prices of a deleted model stay: holds and charges name them', async () => {
    const model = await one.models.create(newModel(providerId), BY);
    const changed = await one.models.update(model.id, { pricing: { ...PRICING, input: 17n } }, BY);
    await one.models.delete(model.id, BY);
    const prices = await testing.rows(
      `SELECT id, version FROM model_prices WHERE model_id=${model.id} ORDER BY version`,
    );
    assert.deepEqual(
      prices.map(({ id, version }) => [id, version]),
      [
        [model.price?.id, 1],
        [changed.price?.id, 2],
      ],
    );
    assert.deepEqual(
      await one.catalog.pricedAt(prices.map(({ id }) => Number(id))),
      [],
      'no call can be made with them',
    );
    const { modelIdentifier } = model;
    const again = await one.models.create({ ...newModel(providerId), modelIdentifier }, BY);
    assert.notEqual(again.id, model.id);
  });

  test('price changes at the same time make one version each', async () => {
    const model = await one.models.create(newModel(providerId), BY);
    const prices = [11n, 12n, 13n, 14n, 15n, 16n];
    await Promise.all(
      prices.map((input, index) =>
        (index % 2 === 0 ? one : other).models.update(model.id, { pricing: { ...PRICING, input } }, BY),
      ),
    );
    const versions = await testing.rows(`SELECT version FROM model_prices WHERE model_id=${model.id} ORDER BY version`);
    assert.deepEqual(
      versions.map((row) => row.version),
      [1, 2, 3, 4, 5, 6, 7],
    );
  });

  test('the last copy stays while the database is away', async (context) => {
    const relay = await relayTo(testing.config.DB_HOST, testing.config.DB_PORT);
    context.after(relay.cut);
    const cut = await testing.process({ config: { DB_HOST: '127.0.0.1', DB_PORT: relay.port } });
    const model = await one.models.create(newModel(providerId), BY);
    await until('the model behind the relay', () => cut.catalog.modelById(model.id) !== undefined);
    relay.cut();
    await one.models.update(model.id, { displayName: 'Later' }, BY);
    await assert.rejects(cut.models.get(model.id));
    assert.equal(cut.catalog.named({ id: model.id }, 'text-to-text').modelId, model.id);
    await relay.mend();
    await one.models.update(model.id, { displayName: 'Later still' }, BY);
    await until('the change after the break', () => cut.catalog.modelById(model.id)?.displayName === 'Later still');
  });

  test('a broken connection to Redis is made up for when it is back', async (context) => {
    const relay = await relayTo(testing.config.REDIS_HOST, testing.config.REDIS_PORT);
    context.after(relay.cut);
    const deaf = await testing.process({ config: { REDIS_HOST: '127.0.0.1', REDIS_PORT: relay.port } });
    relay.cut();
    await until('the break', () => deaf.subscriber.status !== 'ready');
    const model = await one.models.create(newModel(providerId), BY);
    assert.equal(deaf.catalog.modelById(model.id), undefined);
    const own = await deaf.models.create(newModel(providerId), BY);
    assert.equal(deaf.catalog.modelById(own.id)?.id, own.id);
    await relay.mend();
    await until('what was missed', () => deaf.catalog.modelById(model.id) !== undefined);
  });

  test('what is taken or contradicts itself is refused by name', async () => {
    const model = newModel(providerId);
    await one.models.create(model, BY);
    await assert.rejects(one.models.create(model, BY), failure(500003, /modelIdentifier/));
    await assert.rejects(one.providers.create({ name: 'VENDOR' }, BY), failure(500003, /name/));
    const wrong = { contextWindow: 10, maxOutputTokens: 20, defaultMaxTokens: 30 };
    await assert.rejects(
      one.models.create({ ...newModel(providerId), ...wrong }, BY),
      failure(400001, /maxOutputTokens: .*; defaultMaxTokens: /),
    );
    await assert.rejects(
      one.models.create({ ...newModel(providerId), pricing: undefined }, BY),
      /pricing: is required/,
    );
    await assert.rejects(one.models.get(999_999), failure(600001, /no model/));
    await assert.rejects(one.providers.get(999_999), failure(500002, /no provider/));
    await assert.rejects(one.models.create(newModel(999_999), BY), failure(500002, /no provider/));
  });

  test('a model that starts to make images needs a price for them', async () => {
    const model = await one.models.create(newModel(providerId), BY);
    const capabilities = ['text-to-image'] as const;
    await assert.rejects(one.models.update(model.id, { capabilities }, BY), failure(400001, /pricing: is required/));
    const pricing = { output: parseTokenPrice('0.02') };
    const changed = await one.models.update(model.id, { capabilities, pricing }, BY);
    assert.equal(changed.price?.perImage, 20_000_000n);
    assert.equal(changed.price?.output, 0n);
  });

  test('a provider in use cannot be deleted; without models it goes with its keys', async () => {
    const provider = await one.providers.create({ name: 'leaving', urlBase: 'https://leaving.example' }, BY);
    await one.providerKeys.create({ id: provider.id }, { apiKey: CANARY }, BY);
    const model = await one.models.create(newModel(provider.id), BY);
    await assert.rejects(one.providers.delete(provider.id, BY), failure(500006, /has models/));
    await one.models.delete(model.id, BY);
    assert.equal(one.catalog.modelById(model.id), undefined);
    await one.providers.delete(provider.id, BY);
    assert.deepEqual(await testing.rows(`SELECT id FROM provider_keys WHERE provider_id=${provider.id}`), []);
    assert.deepEqual(one.catalog.keysOf(provider.id), []);
  });

  test('every change is in the audit log with who, before and after, and without keys', async () => {
    const rows = await testing.rows('SELECT * FROM audit_log ORDER BY id');
    const actions = new Set(rows.map((row) => row.action));
    for (const action of ['providers.create', 'providers.delete', 'models.create', 'models.update', 'models.delete']) {
      assert.ok(actions.has(action), action);
    }
    assert.ok(actions.has('provider-keys.create'));
    assert.ok(rows.every((row) => row.actor_name === 'root' && row.trace_id === 'trace-1'));
    assert.equal(JSON.stringify(rows).includes('canary'), false);
  });
});
