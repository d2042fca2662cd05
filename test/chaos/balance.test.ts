import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { parseMoney } from '../../core/ledger/money.ts';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { call, newCustomer, type Product, startProduct } from '../e2e/product.ts';

const CALLERS = isFullChaos() ? 1_000 : 300;

describe('one balance and many callers through four API processes', () => {
  let product: Product;
  let rootToken: string;
  before(async () => {
    product = await startProduct({ name: 'balance', worker: false, apis: 4, settings: { DB_POOL_SIZE: '5' } });
    const login = await call(product.apis[0], 'POST', '/v1/auth/login', {
      body: { username: 'root', password: product.rootPassword },
    });
    rootToken = z.object({ token: z.string() }).parse(login.data).token;
    for (const [modelIdentifier, pricing] of [
      ['fixed-price', { input: 0, output: 0, perRequest: '0.01' }],
      ['token-price', { input: '0.000001', output: '0.000003' }],
    ] as const) {
      const created = await call(product.apis[0], 'POST', '/v1/models', {
        token: rootToken,
        body: {
          displayName: modelIdentifier,
          modelIdentifier,
          upstreamModel: 'sim-chat',
          providerName: 'simulator',
          capabilities: ['text-to-text'],
          priority: 90,
          pricing,
        },
      });
      assert.ok(created.status < 300, created.message);
    }
  });
  after(() => product.close());

  const api = (index: number) => product.apis[index % product.apis.length];
  const rootCall = (path: string, body: object, key: string) =>
    call(product.apis[0], 'POST', path, { token: rootToken, body, headers: { 'idempotency-key': key } });
  const money = async (token: string) => {
    const me = await call(product.apis[0], 'GET', '/v1/auth/me', { token });
    return z.object({ balance: z.number(), held: z.number() }).parse(me.data);
  };
  const spent = async (userId: number) => {
    const [row] = await product.rows(
      `SELECT COALESCE(-SUM(t.amount),0) AS total, COUNT(*) AS n FROM transfers t JOIN accounts a ON a.id=t.account_id
        WHERE a.owner_id=${userId} AND t.kind IN ('charge','overrun')`,
    );
    return { total: BigInt(String(row?.total)), calls: Number(row?.n) };
  };

  test('money for exactly a hundred calls: a hundred succeed, the others are answered 402, nothing is left', async () => {
    const customer = await newCustomer(product.apis[0]);
    const answers = await Promise.all(
      Array.from({ length: CALLERS }, (_, index) =>
        call(api(index), 'POST', '/v1/chat', {
          key: customer.key,
          body: { userMessage: 'hi', modelIdentifier: 'fixed-price', options: { max_tokens: 5 } },
        }),
      ),
    );
    const statuses = answers.map((answer) => answer.status);
    assert.equal(statuses.filter((status) => status === 200).length, 100);
    assert.equal(statuses.filter((status) => status === 402).length, CALLERS - 100);
    assert.deepEqual(await money(customer.token), { balance: 0, held: 0 });
    assert.deepEqual(await spent(customer.userId), { total: 1_000_000_000n, calls: 100 });
  });

  test('with token prices every success is paid in full, and who tries again spends the balance down', async () => {
    const customer = await newCustomer(product.apis[0]);
    const lowered = await rootCall(
      `/v1/users/${customer.userId}/adjust-balance`,
      { amount: '-0.97', reason: 'test' },
      `lower-${customer.userId}`,
    );
    assert.equal(lowered.status, 200, lowered.message);
    const body = { userMessage: 'hi there', modelIdentifier: 'token-price', options: { max_tokens: 300 } };
    let paid = 0n;
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        let refusals = 0;
        while (refusals < 3) {
          const answer = await call(api(index), 'POST', '/v1/chat', { key: customer.key, body });
          assert.ok([200, 402].includes(answer.status), `${answer.status} ${answer.message}`);
          if (answer.status === 200) paid += parseMoney(z.object({ cost: z.number() }).parse(answer.data).cost) ?? 0n;
          else refusals += 1;
        }
      }),
    );
    const { balance, held } = await money(customer.token);
    const left = parseMoney(balance) ?? -1n;
    assert.equal(held, 0);
    assert.ok(left >= 0n);
    assert.equal((await spent(customer.userId)).total, paid);
    assert.equal(left, 30_000_000n - paid);
    // The smallest hold is that of 256 output tokens, the floor of a clamp, and the prompt's bound.
    const smallestHold = 256n * 3_000n + 100n * 1_000n;
    assert.ok(left < smallestHold, `${left} is left, the smallest hold is about ${smallestHold}`);
  });
});
