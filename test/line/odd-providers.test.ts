/** Providers that do not do what they promise: what callers pay for it, and what they get. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { chunk, type OddProvider, startOddProvider, streamed } from './odd-provider.ts';
import { type Customer, newCustomer, type Product, startProduct, until } from './product.ts';

describe('a provider that does not keep to the form', () => {
  let product: Product;
  let customer: Customer;
  let provider: OddProvider;
  before(async () => {
    provider = await startOddProvider();
    const settings = { REGISTRATION_GRANT: '100' };
    product = await startProduct({ name: 'odd-providers', settings, privateHosts: [provider.host] });
    await provider.join(product);
    customer = await newCustomer(product.apis[0]);
  });
  after(async () => {
    await product.close();
    provider.close();
  });

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${product.apis[0]?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'access-key': customer.key, ...headers },
      body: JSON.stringify(body),
    });
  const messages = [{ role: 'user', content: 'Tell me about the sea.' }];
  const chat = (more: object = {}) => post('/v2/chat', { model: 'odd-chat', messages, max_tokens: 100, ...more });
  const chargeOf = async ({ headers }: Response) => {
    const [row] = await product.rows(
      `SELECT prompt_tokens AS prompt, completion_tokens AS completion, image_count AS images, estimated, amount
         FROM transfers WHERE id='${headers.get('x-request-id')}' AND kind='charge'`,
    );
    return row && { ...row, amount: -Number(row.amount) };
  };
  const noOpenHolds = () =>
    until('every hold is closed', async () => {
      const [row] = await product.rows("SELECT COUNT(*) AS n FROM holds WHERE state='open'");
      return Number(row?.n) === 0;
    });

  test('a stream that broke before anything was said costs nothing', async () => {
    const role = chunk({ role: 'assistant', content: '' });
    for (const answer of [
      streamed([role, '{"error":{"message":"boom","type":"server_error"}}']),
      streamed([role], 'breaks'),
    ]) {
      provider.answer = answer;
      const reply = await chat({ stream: true });
      assert.match(await reply.text(), /event: error/);
      await noOpenHolds();
      assert.equal(await chargeOf(reply), undefined);
    }
    provider.answer = streamed([role, chunk({ content: 'The sea is' })], 'breaks');
    const reply = await chat({ stream: true });
    assert.match(await reply.text(), /event: error/);
    await noOpenHolds();
    assert.equal((await chargeOf(reply))?.completion, 3);
  });
});
