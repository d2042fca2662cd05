/** Calls that are refused before a provider is asked are in the log of calls, and nowhere in money, statistics or latency. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { MOST_ALIKE_A_MINUTE } from '../../core/usage/refused-calls.ts';
import { type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';
import { ask, newKey, newPerson, OWN_ADDRESSES, type Person, type RawAnswer, signIn } from './asking.ts';

const HELLO = { userMessage: 'hello', modelIdentifier: 'sim-chat' };
const IN_OPENAI = { model: 'sim-chat', messages: [{ role: 'user', content: 'hello' }] };
const UNKNOWN = 'no-such-model';

const loggedCalls = z.array(
  z.looseObject({
    ...{
      requestId: z.string(),
      status: z.string(),
      errorCode: z.number().nullable(),
      errorText: z.string().nullable(),
    },
    ...{ modelIdentifier: z.string(), modelId: z.number().nullable(), accessKeyId: z.number(), userId: z.number() },
    ...{ cost: z.number(), attempts: z.number(), isAsync: z.boolean(), isSuccess: z.boolean(), traceId: z.string() },
  }),
);

describe('calls that are refused', () => {
  let product: Product;
  let root: string;
  let person: Person;
  const api = () => product.apis[0];

  before(async () => {
    product = await startProduct({ name: 'refused-calls', settings: OWN_ADDRESSES });
    root = await signIn(api(), 'root', product.rootPassword);
    person = await newPerson(api(), root, 'ROLE_USER', 1);
  });
  after(() => product.close());

  const logged = async (filter: object) => {
    const answer = await ask(api(), 'POST', '/v1/statistics/logs/query', { bearer: root, body: filter });
    assert.equal(answer.status, 200, answer.text);
    return loggedCalls.parse(answer.at('data'));
  };
  /** A call that is asked for is in the log a moment after its answer. */
  const theOne = async (filter: object) => {
    await until(`a call in the log: ${JSON.stringify(filter)}`, async () => (await logged(filter)).length > 0);
    const [call, ...others] = await logged(filter);
    assert.ok(call);
    assert.equal(others.length, 0, JSON.stringify(others));
    return call;
  };
  const traceOf = (answer: RawAnswer) => answer.headers.get('x-trace-id') ?? assert.fail('no trace id');
  const post = (path: string, bearer: string, body: unknown) => ask(api(), 'POST', path, { bearer, body });

  test('each is found by its trace, with its code, its text, its key and the model that was asked for', async () => {
    const poor = await newPerson(api(), root, 'ROLE_USER', 0);
    const keys = {
      plain: await newKey(api(), person.token),
      poor: await newKey(api(), poor.token),
      spent: await newKey(api(), person.token, { budget: '0' }),
      bound: await newKey(api(), person.token, { allowedModels: ['sim-image'] }),
    };
    const other = { ...IN_OPENAI, model: UNKNOWN };
    const messages = { ...other, max_tokens: 5 };
    const cases = [
      ['/v1/chat', keys.poor, HELLO, 402, 402_001, 'sim-chat'],
      ['/v1/chat/completions', keys.spent, IN_OPENAI, 402, 402_002, 'sim-chat'],
      ['/v1/chat/completions', keys.spent, { ...IN_OPENAI, stream: true }, 402, 402_002, 'sim-chat'],
      ['/v1/chat', keys.bound, HELLO, 403, 403_001, 'sim-chat'],
      ['/v1/chat/completions', keys.plain, other, 404, 600_001, UNKNOWN],
      ['/v1/messages', keys.plain, messages, 404, 600_001, UNKNOWN],
      ['/v1/responses', keys.plain, { model: UNKNOWN, input: 'hi', background: true }, 404, 600_001, UNKNOWN],
      ['/v1/responses', keys.plain, { model: UNKNOWN, input: 'hi', stream: true }, 404, 600_001, UNKNOWN],
      ['/v1/embeddings', keys.plain, { model: UNKNOWN, input: 'hi' }, 404, 600_001, UNKNOWN],
      ['/v1/async/chat', keys.plain, { ...HELLO, modelIdentifier: UNKNOWN }, 404, 600_001, UNKNOWN],
      ['/v1/chat', keys.plain, { userMessage: 5, modelIdentifier: 'sim-chat' }, 400, 400_004, 'sim-chat'],
      ['/v1/chat', keys.plain, '{', 400, 400_003, ''],
    ] as const;
    for (const [path, key, body, status, code, model] of cases) {
      const answer = await post(path, key.text, body);
      assert.equal(answer.status, status, `${path}: ${answer.text}`);
      const call = await theOne({ traceId: traceOf(answer) });
      const expected = { status: 'REFUSED', errorCode: code, modelIdentifier: model, accessKeyId: key.id };
      const { errorText, requestId, modelId, userId, ...found } = call;
      assert.deepEqual({ ...found, ...expected }, found, path);
      assert.deepEqual([found.cost, found.attempts, found.isSuccess], [0, 0, false]);
      assert.equal(found.isAsync, path.startsWith('/v1/async'));
      assert.ok(errorText !== null && answer.text.includes(JSON.stringify(errorText).slice(1, 40)), `${errorText}`);
      assert.equal(modelId !== null, model === 'sim-chat');
      assert.equal(userId, key === keys.poor ? poor.id : person.id);
      assert.equal((await theOne({ requestId })).traceId, found.traceId);
      // A body that cannot be read is no call yet, and has no id.
      assert.equal(answer.headers.get('x-request-id') ?? requestId, requestId);
      if (status === 402) assert.ok(answer.headers.has('x-request-id'));
    }
    const own = await ask(api(), 'GET', '/v1/statistics/logs/me?status=REFUSED', { bearer: poor.token });
    assert.deepEqual(
      loggedCalls.parse(own.at('data')).map(({ errorCode }) => errorCode),
      [402_001],
    );
    assert.equal((await logged({ status: 'REFUSED', accessKeyId: keys.spent.id })).length, 2);
  });

  test('one that a provider failed, one that was answered and one with an unknown key are not among them', async () => {
    const key = await newKey(api(), person.token);
    const chat = () => post('/v1/chat', key.text, HELLO);
    const answered = await chat();
    assert.equal(answered.status, 200, answered.text);
    assert.equal((await theOne({ traceId: traceOf(answered) })).status, 'SUCCEEDED');
    const faults = `${product.simulator.url}/control/faults`;
    const fault = { fault: '400', value: 1, model: 'sim-chat' };
    await fetch(faults, { method: 'POST', body: JSON.stringify(fault) });
    const failed = await chat();
    await fetch(faults, { method: 'DELETE' });
    assert.ok(failed.status >= 400, failed.text);
    const call = await theOne({ traceId: traceOf(failed) });
    assert.deepEqual([call.status, call.attempts > 0], ['FAILED', true]);
    const stranger = await post('/v1/chat', `ak-${'x'.repeat(59)}`, HELLO);
    assert.equal(stranger.status, 401);
    // A later refusal is in the log: that one would be, too.
    const refused = await post('/v1/chat', key.text, { ...HELLO, modelIdentifier: UNKNOWN });
    await theOne({ traceId: traceOf(refused) });
    assert.deepEqual(await logged({ traceId: traceOf(stranger) }), []);
    assert.deepEqual(
      (await logged({ accessKeyId: key.id, sortDesc: true })).map(({ status }) => status),
      ['REFUSED', 'FAILED', 'SUCCEEDED'],
    );
    const statusOf = async (filter: object) => (await logged({ accessKeyId: key.id, ...filter })).map((c) => c.status);
    assert.deepEqual(await statusOf({ status: 'FAILED' }), ['FAILED']);
    assert.deepEqual(await statusOf({ isSuccess: false }), ['FAILED', 'REFUSED']);
    assert.deepEqual(await statusOf({ isSuccess: true }), ['SUCCEEDED']);
    assert.equal((await post('/v1/statistics/logs/query', root, { status: 'REFUSE' })).status, 400);
  });

  test('a client that hammers has the first refusals of a minute in the log; all are in the metrics', async () => {
    const busy = await newPerson(api(), root, 'ROLE_USER', 1);
    const key = await newKey(api(), busy.token, { rpmLimit: 1 });
    assert.equal((await post('/v1/chat', key.text, HELLO)).status, 200);
    const hammered = MOST_ALIKE_A_MINUTE * 5;
    for (let index = 0; index < hammered; index += 1) {
      assert.equal((await post('/v1/chat', key.text, HELLO)).status, 429);
    }
    const marked = await post('/v1/chat', key.text, { ...HELLO, modelIdentifier: UNKNOWN });
    await theOne({ traceId: traceOf(marked) });
    const refused = await logged({ accessKeyId: key.id, errorCode: 429 });
    // A new minute may have begun meanwhile.
    assert.ok([MOST_ALIKE_A_MINUTE, 2 * MOST_ALIKE_A_MINUTE].includes(refused.length), `${refused.length}`);
    const metrics = await ask(api(), 'GET', '/metrics');
    const counts = [...metrics.text.matchAll(/^refused_calls_total\{code="429",logged="\w+"\} (\d+)$/gm)];
    assert.equal(
      counts.reduce((sum, [, count]) => sum + Number(count), 0),
      hammered,
    );
    const performance = await ask(api(), 'GET', '/v1/statistics/performance', { bearer: busy.token });
    assert.deepEqual([performance.at('data.groups.0.requests'), performance.at('data.groups.0.failures')], [1, 0]);
    const [ledger] = await product.rows(
      `SELECT SUM(t.kind='charge') AS charges FROM transfers t JOIN accounts a ON a.id=t.account_id
        WHERE a.owner_kind='user' AND a.owner_id=${busy.id}`,
    );
    assert.equal(Number(ledger?.charges), 1);
    assert.equal(await product.openHolds(busy.id), 0);
    const [stats] = await product.rows('SELECT SUM(failures) AS failures FROM stats');
    assert.equal(Number(stats?.failures), 1, 'that of the provider, in the test before');
    const checked = await ask(api(), 'POST', '/v1/admin/reconciliations', { bearer: root, body: {} });
    assert.deepEqual([checked.status, checked.at('data.breaches')], [200, 0], checked.text);
  });
});
