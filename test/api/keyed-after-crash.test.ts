/** A process dies after a keyed request has done its work and before its answer is kept; the client asks again. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Customer, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { ask, type RawAnswer, signIn, textAt } from './asking.ts';

describe('keyed requests whose process died before its answer was kept', () => {
  let product: Product;
  let customer: Customer;
  before(async () => {
    product = await startProduct({ name: 'keyed-after-crash', worker: false });
    customer = await newCustomer(product.apis[0]);
  });
  after(() => product.close());

  /** What such a process leaves: its work, and a claim without an answer under an epoch that has passed. */
  const loseAnswers = () => product.execute('UPDATE idempotency SET answer_status=NULL, answer=NULL, epoch=0');
  const twice = async (path: string, bearer: string, body: object): Promise<[RawAnswer, RawAnswer]> => {
    const post = () =>
      ask(product.apis[0], 'POST', path, {
        bearer,
        body,
        headers: { 'Idempotency-Key': `crashed at ${path}`.replaceAll(' ', '-') },
      });
    const first = await post();
    assert.ok(first.status < 300, first.text);
    await loseAnswers();
    return [first, await post()];
  };
  const count = async (sql: string) => Number((await product.rows(`SELECT COUNT(*) AS n FROM ${sql}`))[0]?.n);

  test('one order is made', async () => {
    const [first, second] = await twice('/v1/orders', customer.token, { amount: 3 });
    assert.equal(textAt(second, 'data.orderNo'), textAt(first, 'data.orderNo'));
    assert.equal(await count(`orders WHERE user_id=${customer.userId}`), 1);
  });

  test('one access key is made; only the text of the last answer is good', async () => {
    const [first, second] = await twice('/v1/access-keys', customer.token, { name: 'crashed', rpmLimit: 1000 });
    assert.equal(second.at('data.id'), first.at('data.id'));
    assert.equal(second.at('data.rpmLimit'), 1000);
    const [lost, text] = [textAt(first, 'data.keyValue'), textAt(second, 'data.keyValue')];
    assert.notEqual(text, lost);
    const use = async (key: string) => (await ask(product.apis[0], 'GET', '/v1/async/jobs', { bearer: key })).status;
    assert.deepEqual([await use(lost), await use(text)], [401, 200]);
    assert.equal(await count("access_keys WHERE name='crashed'"), 1);
  });

  test('one conversation is begun', async () => {
    const [first, second] = await twice('/v1/conversations', customer.key, { title: 'once' });
    assert.match(textAt(first, 'data.conversationId'), /^c_[0-9a-f]{32}$/);
    assert.equal(textAt(second, 'data.conversationId'), textAt(first, 'data.conversationId'));
    const recent = await ask(product.apis[0], 'GET', '/v1/conversations/recent', { bearer: customer.key });
    assert.equal(recent.at('data.1'), undefined);
  });

  test('the webhook secret before still signs, beside the one that nobody has seen', async () => {
    const path = '/v1/webhooks/secrets';
    const before = await ask(product.apis[0], 'POST', path, { bearer: customer.token });
    const [lost, shown] = await twice(path, customer.token, {});
    assert.notEqual(textAt(shown, 'data.secret'), textAt(lost, 'data.secret'));
    const listed = await ask(product.apis[0], 'GET', path, { bearer: customer.token });
    const ids = [0, 1, 2].map((index) => listed.at(`data.${index}.id`));
    assert.deepEqual(
      ids,
      [shown, lost, before].map((answer) => answer.at('data.id')),
    );
    assert.deepEqual([listed.at('data.0.retiresAt'), typeof listed.at('data.2.retiresAt')], [null, 'string']);
  });

  test('what has a name of its own is not made twice: the repeat is reported', async () => {
    const root = await signIn(product.apis[0], 'root', product.rootPassword);
    const [, user] = await twice('/v1/users', root, { username: 'made once', password: 'secret 1' });
    assert.deepEqual([user.status, user.at('code')], [409, 500003]);
  });

  test('a balance is adjusted once', async () => {
    const root = await signIn(product.apis[0], 'root', product.rootPassword);
    const path = `/v1/users/${customer.userId}/adjust-balance`;
    const headers = { 'Idempotency-Key': 'adjusted-once' };
    const adjust = () =>
      ask(product.apis[0], 'POST', path, { bearer: root, body: { amount: 1, reason: 'x' }, headers });
    const first = await adjust();
    await loseAnswers();
    assert.deepEqual((await adjust()).at('data'), first.at('data'));
    assert.equal(await count("transfers WHERE kind='adjustment'"), 1);
  });
});
