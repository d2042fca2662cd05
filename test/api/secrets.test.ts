/** No password, access key or provider key is found again in the database, the logs or an answer. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createLogger } from '../../infra/logger.ts';
import { connectMongo } from '../../infra/mongo/connection.ts';
import { jobEnd, type Product, startProduct } from '../e2e/product.ts';
import { ask, numberAt, OWN_ADDRESSES, type RawAnswer, type RawCall, signIn, textAt } from './asking.ts';

const canary = (name: string): string => `canary-${name}-${randomBytes(9).toString('hex')}`;

const PASSWORDS = { first: canary('password'), second: canary('password'), wrong: canary('password') };
const MADE_USER = { username: 'made', password: PASSWORDS.second };
const PROVIDER_KEYS = {
  good: `sim-${canary('provider')}`,
  refused: `sk-${canary('provider')}`,
  second: `sk-${canary('provider')}`,
};

/** A provider that repeats the key in its refusals, as some do. */
async function repeatingProvider(): Promise<Server> {
  const server = createServer((request, response) => {
    const error = {
      message: `Incorrect API key provided: ${request.headers.authorization}`,
      type: 'invalid_request_error',
    };
    response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('secrets', () => {
  let product: Product;
  let provider: Server;
  let root: string;
  let token: string;
  let keyText: string;
  const answers: string[] = [];

  const recorded = async (method: string, path: string, call: RawCall = {}): Promise<RawAnswer> => {
    const answer = await ask(product.apis[0], method, path, call);
    answers.push(`${JSON.stringify(Object.fromEntries(answer.headers))}\n${answer.text}`);
    return answer;
  };

  before(async () => {
    provider = await repeatingProvider();
    const { port } = provider.address() as AddressInfo;
    product = await startProduct({
      name: 'secrets',
      settings: { ...OWN_ADDRESSES, LOG_LEVEL: 'trace' },
      privateHosts: [`127.0.0.1:${port}`],
    });
    root = await signIn(product.apis[0], 'root', product.rootPassword);
  });
  after(async () => {
    await product.close();
    provider.close();
  });

  test('people sign in, err and change their passwords', async () => {
    const username = 'canary user';
    const credentials = { username, password: PASSWORDS.first };
    await recorded('POST', '/v1/auth/register', { body: credentials });
    await recorded('POST', '/v1/auth/register', { body: credentials });
    await recorded('POST', '/v1/auth/register', { body: { ...credentials, email: PASSWORDS.first } });
    await recorded('POST', '/v1/auth/register', { body: `{"username":"x","password":"${PASSWORDS.first}` });
    await recorded('POST', '/v1/auth/login', { body: { username, password: PASSWORDS.wrong } });
    await recorded('POST', '/v1/auth/login', { body: { username: { password: PASSWORDS.first }, password: 5 } });
    await recorded('POST', `/v1/auth/login?password=${PASSWORDS.first}`, { body: {} });
    await recorded('GET', '/v1/auth/me', { bearer: PASSWORDS.first });
    const keyed = { 'Idempotency-Key': 'canary-user' };
    await recorded('POST', '/v1/users', { bearer: root, body: MADE_USER, headers: keyed });
    const again = await recorded('POST', '/v1/users', { bearer: root, body: MADE_USER, headers: keyed });
    assert.equal(again.status, 200, again.text);
    token = await signIn(product.apis[0], username, PASSWORDS.first);
    const change = { oldPassword: PASSWORDS.first, newPassword: PASSWORDS.second };
    const body = { ...change, oldPassword: PASSWORDS.wrong };
    assert.equal((await recorded('POST', '/v1/auth/change-password', { bearer: token, body })).status, 401);
    assert.equal((await recorded('POST', '/v1/auth/change-password', { bearer: token, body: change })).status, 200);
    token = await signIn(product.apis[0], username, PASSWORDS.second);
  });

  test('an access key is made, used in right and wrong ways, and deleted', async () => {
    const headers = { 'Idempotency-Key': 'canary-key' };
    // The one answer that shows it.
    const made = await ask(product.apis[0], 'POST', '/v1/access-keys', { bearer: token, body: {}, headers });
    keyText = textAt(made, 'data.keyValue');
    await recorded('POST', '/v1/access-keys', { bearer: token, body: {}, headers });
    await recorded('GET', '/v1/access-keys', { bearer: token });
    await recorded('PATCH', `/v1/access-keys/${numberAt(made, 'data.id')}`, { bearer: token, body: { name: 'x' } });
    await recorded('GET', `/v1/access-keys/${keyText}`, { bearer: token });
    await recorded('DELETE', `/v1/access-keys/${keyText}`, { bearer: token });
    await recorded('GET', `/v1/nothing/${keyText}?key=${keyText}`, { bearer: keyText });
    for (const text of [token, keyText, `%65${token.slice(1)}`]) {
      await recorded('GET', `/v1/models/${text}`, { bearer: keyText });
      await recorded('GET', `/v1/models/${text}/x?token=${text}`, { bearer: token });
      await recorded('GET', `/v1/nothing/${text}?${text}=1`);
      await recorded('GET', `/v1/auth/me?${text}=1`, { bearer: token });
    }
    await recorded('POST', '/v1/chat', { bearer: `${keyText}x`, body: { userMessage: 'hello' } });
    await recorded('POST', '/v2/chat', { headers: { 'x-api-key': keyText }, body: { model: keyText, messages: 5 } });
    await recorded('POST', '/v1/chat', { bearer: keyText, body: { userMessage: 'hello' } });
  });

  test('provider keys are kept, used, refused and repeated by the provider', async () => {
    const { port } = provider.address() as AddressInfo;
    const repeating = { name: 'repeating', urlBase: `http://127.0.0.1:${port}/v1`, kind: 'openai' };
    const made = await recorded('POST', '/v1/providers', { bearer: root, body: repeating });
    assert.equal(made.status, 200, made.text);
    const providerId = numberAt(made, 'data.id');
    for (const apiKey of [PROVIDER_KEYS.refused, PROVIDER_KEYS.refused, '']) {
      await recorded('POST', '/v1/providers/keys', { bearer: root, body: { providerId, apiKey, weight: 1 } });
    }
    await recorded('POST', '/v1/providers/keys', {
      bearer: root,
      body: { providerId: 'x', apiKey: PROVIDER_KEYS.second },
    });
    const keys = await recorded('GET', `/v1/providers/${providerId}/keys`, { bearer: root });
    const keyId = numberAt(keys, 'data.0.id');
    await recorded('POST', `/v1/providers/keys/${keyId}/test`, { bearer: root });
    await recorded('GET', `/v1/providers/${providerId}/upstream-models`, { bearer: root });
    const model = {
      ...{
        displayName: 'refused',
        modelIdentifier: 'refused',
        capabilities: ['text-to-text'],
        priority: 9,
        providerId,
      },
      pricing: { input: 0.000001, output: 0.000001 },
    };
    const madeModel = await recorded('POST', '/v1/models', { bearer: root, body: model });
    assert.equal(madeModel.status, 200, madeModel.text);
    await recorded('POST', `/v1/models/${numberAt(madeModel, 'data.id')}/test`, { bearer: root });
    const body = { userMessage: 'hello', modelIdentifier: 'refused' };
    const refused = await recorded('POST', '/v1/chat', { bearer: keyText, body });
    assert.ok(refused.status >= 500, refused.text);
    const job = await recorded('POST', '/v1/async/chat', { bearer: keyText, body });
    if (job.status === 202) await jobEnd(product.apis[0], keyText, textAt(job, 'data.jobId'));
    await recorded('GET', '/v1/async/jobs', { bearer: keyText });
    const atOnce = {
      ...{ displayName: 'at once', modelIdentifier: 'at-once', capabilities: ['text-to-text'], priority: 9 },
      ...{ providerName: 'made at once', urlBase: product.simulator.url, apiKey: PROVIDER_KEYS.good },
      pricing: { input: 0.000001, output: 0.000001 },
    };
    await recorded('POST', '/v1/models', { bearer: root, body: atOnce });
    await recorded('POST', '/v1/models', { bearer: root, body: { ...atOnce, apiKey: PROVIDER_KEYS.second } });
    await recorded('PUT', `/v1/providers/${providerId}`, {
      bearer: root,
      body: { urlBase: 'https://elsewhere.example' },
    });
    await recorded('GET', '/v1/audit?pageSize=100', { bearer: root });
  });

  test('none of them is found again', async () => {
    const haystacks = new Map([
      ['an answer', answers.join('\n')],
      ['the database', await databaseText(product)],
      ['MongoDB', await mongoText(product)],
      ...[...product.apis, product.worker].map(
        (service) => [service.name, readFileSync(service.logFile, 'latin1')] as const,
      ),
    ]);
    const secrets = [
      ...Object.values(PASSWORDS),
      ...Object.values(PROVIDER_KEYS),
      product.rootPassword,
      token,
      root,
      keyText,
      // A reader could try passwords against a hash that needs only the body.
      createHash('sha256')
        .update(`POST /v1/users\n${JSON.stringify(MADE_USER)}`)
        .digest()
        .toString('latin1'),
    ];
    // Neither the whole nor the part of an access key that proves it.
    for (const secret of [...secrets, keyText.slice(19)]) {
      for (const [where, text] of haystacks) {
        assert.ok(text.length > 0, where);
        assert.equal(text.includes(secret), false, `${secret} in ${where}: ${around(text, secret)}`);
      }
    }
  });
});

function around(text: string, secret: string): string {
  const at = text.indexOf(secret);
  return text.slice(Math.max(0, at - 200), at + 100);
}

/** Every row of every table; bytes as text, so that a secret stored in the clear is found. */
async function databaseText(product: Product): Promise<string> {
  const tables = await product.rows(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema=DATABASE()',
  );
  assert.ok(tables.length > 10);
  const texts: string[] = [];
  for (const { name } of tables) {
    for (const row of await product.rows(`SELECT * FROM \`${String(name)}\``)) {
      texts.push(
        ...Object.values(row).map((value) =>
          Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value),
        ),
      );
    }
  }
  return texts.join('\n');
}

async function mongoText(product: Product): Promise<string> {
  const mongo = connectMongo(product.config, createLogger('silent'));
  try {
    const database = (await mongo.connection.asPromise()).db;
    assert.ok(database);
    const collections = await database.listCollections().toArray();
    const documents = await Promise.all(collections.map(({ name }) => database.collection(name).find().toArray()));
    return JSON.stringify(documents);
  } finally {
    await mongo.close();
  }
}
