import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { testStack } from '../../devstack/test-stack.ts';
import { type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';
import { type Receiver, startReceiver } from '../webhooks/receiver.ts';
import { ANNOUNCEMENTS, type Announcement } from './announcements.ts';
import { AnnouncingRelay } from './announcing-relay.ts';
import { story } from './story.ts';

describe('the product on a database that announces other column types for the same values', () => {
  let relay: AnnouncingRelay;
  let receiver: Receiver;
  let product: Product;
  let usual: Record<string, unknown>;

  before(async () => {
    const { DB_HOST = '', DB_PORT = '' } = testStack().environment;
    relay = await AnnouncingRelay.open({ host: DB_HOST, port: Number(DB_PORT) });
    receiver = await startReceiver();
    const [first] = ANNOUNCEMENTS;
    if (first) relay.announce(first.announce);
    const settings = { DB_PORT: String(relay.port), WEBHOOK_PRIVATE_HOSTS: `127.0.0.1:${receiver.port}` };
    product = await startProduct({ name: 'types', settings });
    usual = await storyWith('usual', () => undefined);
  });
  after(async () => {
    await product?.close();
    await relay.close();
    receiver.close();
  });

  async function storyWith(tag: string, announcement: Announcement): Promise<Record<string, unknown>> {
    relay.announce(announcement);
    await until('the API is ready', async () => (await fetch(`${product.apis[0]?.url}/readyz`)).ok);
    return await story(product, receiver, tag);
  }

  for (const [index, { name, announce, met }] of ANNOUNCEMENTS.entries()) {
    test(`${name}: every answer is the same`, async () => {
      const story = await storyWith(`set${index}`, announce);
      for (const change of met) assert.ok(relay.changed.has(change), `${change} was met`);
      assert.deepEqual(story, usual);
    });
  }
});
