import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { KeyHealth } from '../../core/key-pool/key-healths.ts';
import { parseTokenPrice } from '../../core/ledger/money.ts';
import { AppError } from '../../infra/errors.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { createOutbound } from '../../infra/outbound.ts';
import { BY, CANARY, type CatalogProcess, listen, type TestCatalog, testCatalog } from './test-catalog.ts';

const PRICING = { input: parseTokenPrice('0.000002'), output: parseTokenPrice('0.000008') };
const IMAGE_PRICING = { output: parseTokenPrice('0.02') };
const FIRST_MODEL = {
  ...{ displayName: 'First', modelIdentifier: 'first-address', capabilities: ['text-to-text'] as const },
  pricing: PRICING,
};
const failure = (code: number, message: RegExp) => ({ name: 'AppError', code, message });

describe('keys of providers', () => {
  let testing: TestCatalog;
  let one: CatalogProcess;

  before(async () => {
    testing = await testCatalog('catalog_keys_test');
    one = await testing.process();
  });
  after(() => testing.close());

  async function provider(name: string): Promise<number> {
    return (await one.providers.create({ name, urlBase: `https://${name}.example/v1` }, BY)).id;
  }

  test('a key is stored sealed, shown in part, and plain only in memory', async () => {
    const id = await provider('sealed');
    const key = await one.providerKeys.create({ name: 'SEALED' }, { apiKey: CANARY, name: 'main', weight: 3 }, BY);
    assert.equal(key.lastFour, 'c1d0');
    assert.equal(JSON.stringify(await one.providerKeys.list(id)).includes('canary'), false);
    const [row] = await testing.rows(`SELECT HEX(secret) AS secret FROM provider_keys WHERE id=${key.id}`);
    assert.equal(String(row?.secret).includes(Buffer.from('canary').toString('hex').toUpperCase()), false);
    assert.deepEqual(one.catalog.keysOf(id), [
      { id: key.id, urlBase: 'https://sealed.example/v1', apiKey: CANARY, weight: 3 },
    ]);
    await assert.rejects(one.providerKeys.create({ id }, { apiKey: CANARY }, BY), failure(500003, /has this key/));
  });

  test('a sealed key moved to another row is left out', async () => {
    const id = await provider('swapped');
    const good = await one.providerKeys.create({ id }, { apiKey: 'sk-good-000000001' }, BY);
    const bad = await one.providerKeys.create({ id }, { apiKey: 'sk-bad-0000000001' }, BY);
    const [row] = await testing.rows(`SELECT HEX(secret) AS secret FROM provider_keys WHERE id=${good.id}`);
    await testing.write(`UPDATE provider_keys SET secret=UNHEX('${row?.secret}') WHERE id=${bad.id}`);
    const fresh = await testing.process();
    assert.deepEqual(
      fresh.catalog.keysOf(id).map((key) => key.id),
      [good.id],
    );
  });

  test('switching a key off and on', async () => {
    const id = await provider('switched');
    const key = await one.providerKeys.create({ id }, { apiKey: 'sk-switch-000001' }, BY);
    await one.providerKeys.setActive(key.id, false, BY);
    assert.deepEqual(one.catalog.keysOf(id), []);
    await one.providerKeys.setActive(key.id, true, BY);
    assert.equal(one.catalog.keysOf(id).length, 1);
    await one.providerKeys.delete(key.id, BY);
    assert.deepEqual(one.catalog.keysOf(id), []);
    await assert.rejects(one.providerKeys.setActive(key.id, true, BY), failure(500002, /no provider key/));
  });

  test('whatever changes where keys are sent switches them off, whatever does not leaves them on', async () => {
    const from = 'https://sent.example/v1';
    const elsewhere = {
      path: { urlBase: 'https://sent.example/echo/v1' },
      'shorter path': { urlBase: 'https://sent.example' },
      host: { urlBase: 'https://sent.example.evil.example/v1' },
      port: { urlBase: 'https://sent.example:8443/v1' },
      scheme: { urlBase: 'http://sent.example/v1' },
      kind: { kind: 'dashscope' },
    } as const;
    const same = {
      name: { name: 'sent otherwise' },
      spelling: { urlBase: ' https://SENT.example:443/v1/ ' },
      endpoint: { urlBase: `${from}/chat/completions` },
      nothing: {},
    } as const;
    for (const [change, active] of [elsewhere, same].flatMap((changes, n) =>
      Object.values(changes).map((change) => [change, n] as const),
    )) {
      const { id } = await one.providers.create(
        { name: `sent ${JSON.stringify(change)}`.slice(0, 50), urlBase: from },
        BY,
      );
      await one.providerKeys.create({ id }, { apiKey: 'sk-sent-000001' }, BY);
      await one.providers.update(id, change, BY);
      assert.equal(one.catalog.keysOf(id).length, active, JSON.stringify(change));
    }
  });

  test("another address switches the provider's keys off until they are entered again, audited", async () => {
    const id = await provider('moved');
    const key = await one.providerKeys.create({ id }, { apiKey: 'sk-moved-000001' }, BY);
    await one.providers.update(id, { urlBase: 'https://moved.example/echo/v1' }, BY);
    assert.deepEqual(one.catalog.keysOf(id), []);
    await assert.rejects(one.providerKeys.setActive(key.id, true, BY), failure(500006, /entered again/));
    await assert.rejects(one.providerKeys.test(key.id, AbortSignal.timeout(1_000)), failure(500006, /entered again/));
    await assert.rejects(
      one.providers.upstreamModels(id, AbortSignal.timeout(1_000)),
      failure(500006, /no active key/),
    );
    await one.providerKeys.setActive(key.id, false, BY);
    await assert.rejects(one.providerKeys.setActive(key.id, true, BY), failure(500006, /entered again/));
    const [audit] = await testing.rows(
      `SELECT after_state FROM audit_log WHERE action='providers.update' AND target_id='${id}' ORDER BY id DESC LIMIT 1`,
    );
    const state = audit?.after_state;
    const after = typeof state === 'string' ? JSON.parse(state) : state;
    assert.deepEqual(after.keysSwitchedOff, [key.id]);
    const again = await one.providerKeys.create({ id }, { apiKey: 'sk-moved-000001' }, BY);
    assert.equal(again.id, key.id);
    assert.equal(one.catalog.keysOf(id).length, 1);
  });

  test('a key goes to the address it was entered for, also when that changes while both are read', async (t) => {
    const sequelize = connectSequelize(testing.config);
    const outbound = createOutbound(testing.config);
    t.after(() => Promise.all([sequelize.close(), outbound.close()]));
    let meanwhile: (() => Promise<void>) | undefined;
    const sent: string[] = [];
    const racing = await testing.process({
      sequelize,
      probe: async ({ urlBase, apiKey }) => {
        sent.push(`${new URL(urlBase).hostname} ${apiKey}`);
        return { ok: true, latencyMs: 1 };
      },
      outbound: {
        ...outbound,
        request: async (address, { headers = {} }) => {
          sent.push(
            `${new URL(address).hostname} ${new Map(Object.entries(headers)).get('authorization')?.slice('Bearer '.length)}`,
          );
          throw new AppError('proxyFailed', 'the test sends nothing');
        },
      },
    });
    for (const table of ['providers', 'provider_keys']) {
      sequelize.model(table).addHook('afterFind', async () => {
        const now = meanwhile;
        meanwhile = undefined;
        await now?.();
      });
    }
    const signal = AbortSignal.timeout(10_000);
    const ways = {
      list: (id: number) => racing.providers.upstreamModels(id, signal),
      model: (_id: number, modelId: number) => racing.models.test(modelId, signal),
      key: (_id: number, _modelId: number, keyId: number) => racing.providerKeys.test(keyId, signal),
    };
    for (const [name, way] of Object.entries(ways)) {
      const [before, after] = [`before-${name}.example`, `after-${name}.example`];
      const oldKey = `sk-of-${before}`;
      const model = { ...FIRST_MODEL, modelIdentifier: `racing-${name}`, providerName: `racing ${name}` };
      const made = await one.models.create({ ...model, urlBase: `https://${before}/v1`, apiKey: oldKey }, BY);
      const id = made.providerId;
      const keyId = one.catalog.keysOf(id)[0]?.id ?? 0;
      const newKey = name === 'key' ? oldKey : `sk-of-${after}`;
      meanwhile = async () => {
        await one.providers.update(id, { urlBase: `https://${after}/v1` }, BY);
        await one.providerKeys.create({ id }, { apiKey: newKey }, BY);
      };
      await way(id, made.id, keyId).catch(() => undefined);
      assert.equal(meanwhile, undefined);
      const fitting = [`${before} ${oldKey}`, `${after} ${newKey}`];
      assert.equal(sent.length, 1, name);
      assert.ok(fitting.includes(sent.pop() ?? ''), name);
    }
  });

  test('a first address leaves on the keys of whoever names it, and no others', async () => {
    const OTHER = { actor: { userId: 2, username: 'other' }, traceId: 'trace-2' };
    const ways = {
      change: (id: number) => one.providers.update(id, { urlBase: 'https://first.example/v1' }, BY),
      model: (id: number) =>
        one.models.create({ ...FIRST_MODEL, providerId: id, urlBase: 'https://first.example/v1' }, BY),
    };
    for (const [name, nameAddress] of Object.entries(ways)) {
      const { id } = await one.providers.create({ name: `nowhere ${name}` }, BY);
      const own = await one.providerKeys.create({ id }, { apiKey: 'sk-own-00000001' }, BY);
      const others = await one.providerKeys.create({ id }, { apiKey: 'sk-others-00001' }, OTHER);
      await nameAddress(id);
      const active = one.catalog.keysOf(id).map((key) => key.id);
      assert.deepEqual(active, [own.id], name);
      await assert.rejects(one.providerKeys.setActive(others.id, true, BY), failure(500006, /entered again/));
      await one.providerKeys.create({ id }, { apiKey: 'sk-others-00001' }, OTHER);
      assert.equal(one.catalog.keysOf(id).length, 2);
    }
  });

  test('a chosen kind outlives a first address that comes with a model', async () => {
    const { id } = await one.providers.create({ name: 'chosen kind', kind: 'ark' }, BY);
    const model = { ...FIRST_MODEL, modelIdentifier: 'chosen-kind', providerId: id, urlBase: 'https://ark.example/v3' };
    assert.equal((await one.models.create(model, BY)).kind, 'ark');
  });

  test('a provider that leaves its vendor leaves the kind of interface behind', async () => {
    const { id } = await one.providers.create(
      { name: 'leaving', urlBase: 'https://dashscope.aliyuncs.com/api/v1' },
      BY,
    );
    assert.equal((await one.providers.get(id)).kind, 'dashscope');
    assert.equal((await one.providers.update(id, { urlBase: 'https://proxy.example/v1' }, BY)).kind, 'openai');
    assert.equal((await one.providers.update(id, { kind: 'dashscope' }, BY)).kind, 'dashscope');
    assert.equal((await one.providers.update(id, { urlBase: 'https://next.example/v1' }, BY)).kind, 'dashscope');
  });

  test('rotation seals all keys under the newest version, and only then may the old one go', async () => {
    const oldKey = testing.config.KEY_ENCRYPTION_KEY;
    const newKey = `9:${Buffer.alloc(32, 9).toString('base64')}`;
    const id = await provider('rotated');
    await one.providerKeys.create({ id }, { apiKey: 'sk-rotate-000001' }, BY);
    const rotating = await testing.process({ config: { KEY_ENCRYPTION_KEY: `${newKey},${oldKey}` } });
    const first = await rotating.rotateProviderKeys();
    assert.ok(first.rotated >= 1);
    assert.equal(first.unreadable.length, 1, 'the key that was moved to another row');
    assert.deepEqual(await rotating.rotateProviderKeys(), { rotated: 0, unreadable: first.unreadable });
    const without = await testing.process({ config: { KEY_ENCRYPTION_KEY: newKey } });
    assert.equal(without.catalog.keysOf(id)[0]?.apiKey, 'sk-rotate-000001');
    const stale = await testing.process();
    assert.deepEqual(stale.catalog.keysOf(id), []);
    const unreadable = failure(500006, /cannot be read: .* version 9 of KEY_ENCRYPTION_KEY/);
    await assert.rejects(stale.providers.upstreamModels(id, AbortSignal.timeout(1_000)), unreadable);
    const [key] = await stale.providerKeys.list(id);
    await assert.rejects(stale.providerKeys.test(key?.id ?? 0, AbortSignal.timeout(1_000)), unreadable);
  });

  test('a model makes provider and key with it, in one transaction, once', async () => {
    const model = {
      displayName: 'First',
      modelIdentifier: 'first',
      capabilities: ['text-to-text'] as const,
      pricing: PRICING,
      providerName: 'fresh',
      urlBase: 'https://fresh.example/v1/chat/completions',
      apiKey: 'sk-fresh-0000001',
    };
    const first = await one.models.create(model, BY);
    assert.equal(first.urlBase, 'https://fresh.example/v1');
    const second = await one.models.create({ ...model, modelIdentifier: 'second' }, BY);
    assert.equal(second.providerId, first.providerId);
    assert.equal(one.catalog.keysOf(first.providerId).length, 1);
    const failing = { ...model, providerName: 'never', modelIdentifier: 'second' };
    await assert.rejects(one.models.create(failing, BY), failure(500003, /modelIdentifier/));
    assert.deepEqual(await testing.rows("SELECT id FROM providers WHERE name='never'"), []);
    const elsewhere = { ...model, modelIdentifier: 'third', urlBase: 'https://evil.example/v1' };
    await assert.rejects(one.models.create(elsewhere, BY), failure(400001, /urlBase: differs/));
    const nowhere = { ...model, modelIdentifier: 'third', providerName: 'nowhere', urlBase: undefined };
    await assert.rejects(one.models.create(nowhere, BY), failure(400002, /urlBase: is required/));
    const { providerName: _, ...nameless } = model;
    await assert.rejects(one.models.create(nameless, BY), failure(400002, /providerId: is required/));
  });

  test('the kind follows from the host, then from the name of an image model', async () => {
    const kindOf = async (providerName: string, urlBase: string | undefined, modelIdentifier: string) => {
      const made = { providerName, urlBase, modelIdentifier, displayName: 'x', apiKey: 'sk-kind-00000001' };
      const capabilities = ['text-to-image'] as const;
      return (await one.models.create({ ...made, capabilities, pricing: IMAGE_PRICING }, BY)).kind;
    };
    assert.equal(await kindOf('by-host', 'https://ark.cn-beijing.volces.com/api/v3', 'wan-of-ark'), 'ark');
    assert.equal(await kindOf('by-name', 'https://proxy.example/api/v1', 'wanx2.1-t2i-turbo'), 'dashscope');
    assert.equal(await kindOf('by-name-2', 'https://proxy.example/api/v3', 'doubao-seedream-4-0'), 'ark');
    assert.equal(await kindOf('by-default', 'https://proxy.example/v1', 'gpt-image-2'), 'openai');
    assert.equal(await kindOf('dashscope', undefined, 'qwen-image-max'), 'dashscope');
    const named = await one.providers.create({ name: 'Moonshot' }, BY);
    assert.equal(named.urlBase, 'https://api.moonshot.cn/v1');
  });

  test('a provider without an address gets it from its first model', async () => {
    const bare = await one.providers.create({ name: 'bare' }, BY);
    assert.equal(bare.urlBase, '');
    await one.providerKeys.create({ id: bare.id }, { apiKey: 'sk-bare-00000001' }, BY);
    const model = { displayName: 'x', modelIdentifier: 'of-bare', capabilities: ['text-to-text'] as const };
    const create = (urlBase?: string) =>
      one.models.create({ ...model, pricing: PRICING, providerId: bare.id, urlBase }, BY);
    await assert.rejects(create(), failure(400002, /urlBase: is required/));
    assert.equal((await create('https://bare.example/v1')).urlBase, 'https://bare.example/v1');
    assert.equal(one.catalog.keysOf(bare.id).length, 1);
  });

  test('the vendor is asked for its models, with the key and through the guard', async () => {
    const seen: string[] = [];
    const vendor = await listen((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization}`);
      if (request.headers.authorization?.includes('bad')) {
        response.writeHead(401).end(`{"error":{"message":"wrong key ${request.headers.authorization}"}}`);
      } else {
        response.end('{"object":"list","data":[{"id":"b","owned_by":"me"},{"id":"a"}]}');
      }
    });
    try {
      const allowed = await testing.process({ config: { OUTBOUND_PRIVATE_HOSTS: [vendor.hostPort] } });
      const made = await allowed.providers.create(
        { name: 'local', urlBase: `${vendor.base}/api/v1`, kind: 'dashscope' },
        BY,
      );
      const key = await allowed.providerKeys.create({ id: made.id }, { apiKey: 'sk-local-0000001' }, BY);
      const signal = AbortSignal.timeout(5_000);
      assert.deepEqual(await allowed.providers.upstreamModels(made.id, signal), [
        { id: 'a', ownedBy: null },
        { id: 'b', ownedBy: 'me' },
      ]);
      assert.deepEqual(seen, ['/compatible-mode/v1/models Bearer sk-local-0000001']);
      assert.equal((await allowed.providerKeys.test(key.id, signal)).answer, '2 models');
      const bad = await allowed.providerKeys.create({ id: made.id }, { apiKey: 'bad-key-00000001' }, BY);
      const tested = await allowed.providerKeys.test(bad.id, signal);
      assert.equal(tested.ok, false);
      assert.match(tested.error ?? '', /answered 401: wrong key/);
      assert.equal(tested.error?.includes('bad-key'), false);
      await assert.rejects(one.providers.upstreamModels(made.id, signal), failure(700001, /OUTBOUND_PRIVATE_HOSTS/));
    } finally {
      vendor.close();
    }
  });

  test('a key is tested by a call to a model of its provider, a model by a key', async () => {
    const id = await provider('probed');
    const model = await one.models.create(
      {
        displayName: 'x',
        modelIdentifier: 'probed-model',
        upstreamModel: 'upstream-name',
        capabilities: ['text-to-text'],
        pricing: PRICING,
        providerId: id,
      },
      BY,
    );
    const signal = AbortSignal.timeout(5_000);
    await assert.rejects(one.models.test(model.id, signal), failure(500006, /no active key/));
    const key = await one.providerKeys.create({ id }, { apiKey: 'sk-probe-0000001' }, BY);
    assert.equal((await one.providerKeys.test(key.id, signal)).answer, 'upstream-name with sk-probe-0000001');
    assert.equal((await one.models.test(model.id, signal)).answer, 'upstream-name with sk-probe-0000001');
  });

  test('health of keys comes from the pool', async () => {
    const watching = await testing.process({
      keyHealth: async (_providerId, ids) => {
        const health: KeyHealth = {
          circuit: 'open',
          reason: 'rate',
          untilMs: 1,
          modelCircuits: [],
          recentFailures: 5,
          recentSuccesses: 0,
          lastFailure: undefined,
        };
        return new Map(ids.map((keyId) => [keyId, health]));
      },
    });
    const id = await provider('watched');
    await watching.providerKeys.create({ id }, { apiKey: 'sk-watch-0000001' }, BY);
    const [listed] = await watching.providerKeys.list(id);
    assert.equal(listed?.circuit, 'open');
    assert.equal(listed?.recentFailures, 5);
    assert.equal((await one.providerKeys.list(id))[0]?.circuit, 'closed');
  });

  test('the simulator is registered once by processes that start together, and moved when it moves', async () => {
    const other = await testing.process();
    const url = 'http://127.0.0.1:18099';
    await Promise.all([one, other, one, other].map((process) => process.seedSimulator(url)));
    const models = await testing.rows(
      "SELECT m.model_identifier AS name, p.url_base AS base FROM models m JOIN providers p ON p.id=m.provider_id WHERE p.name='simulator' ORDER BY m.id",
    );
    assert.deepEqual(models, [
      { name: 'sim-chat', base: `${url}/v1` },
      { name: 'sim-vision', base: `${url}/v1` },
      { name: 'sim-image', base: `${url}/v1` },
      { name: 'sim-embedding', base: `${url}/v1` },
      { name: 'sim-rerank', base: `${url}/v1` },
      { name: 'sim-speech', base: `${url}/v1` },
      { name: 'sim-transcribe', base: `${url}/v1` },
      { name: 'sim-moderation', base: `${url}/v1` },
    ]);
    const chat = one.catalog.named({ identifier: 'sim-chat' }, 'image-to-text');
    assert.deepEqual(
      [chat.price.input, chat.price.output, chat.price.cachedInput, chat.defaultMaxTokens],
      [2_000_000_000n, 8_000_000_000n, 40_000_000n, 1024],
    );
    assert.equal(one.catalog.named({ identifier: 'sim-image' }, 'image-to-image').price.perImage, 200_000_000n);
    await one.seedSimulator('http://127.0.0.1:18100/');
    assert.equal(one.catalog.named({ identifier: 'sim-chat' }, 'text-to-text').urlBase, 'http://127.0.0.1:18100/v1');
    assert.equal(one.catalog.keysOf(chat.providerId)[0]?.apiKey, 'sim-local');
  });
});
