import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import Koa from 'koa';
import { AppError } from '../../infra/errors.ts';
import { resolveCaller } from '../middleware/caller.ts';
import { sessionCookieOf, sessionTokenOf, setSession } from './console-session.ts';
import type { ApiState } from './route-input.ts';

const none = () => assert.fail('no access key was sent');
const authenticator = {
  authenticateToken: (token: string) => {
    if (token !== 'good') throw new AppError('invalidToken', 'not valid');
    return { kind: 'user', userId: 7, username: 'ada', role: 'ROLE_USER', tokenVersion: 0 } as const;
  },
  ...{ authenticateKey: none, authenticateKeyOf: none },
};

/** Answers a GET with the token that counts, or with the kind of the refusal; the cookie of a new session is set, too. */
async function serve(context: TestContext, publicUrl: string) {
  const app = new Koa<ApiState>();
  app.use(async (ctx) => {
    ctx.state.sessionCookie = sessionCookieOf(publicUrl);
    setSession(ctx, 'new', publicUrl, 60_000);
    try {
      await resolveCaller('jwt', ctx, authenticator);
      ctx.body = sessionTokenOf(ctx);
    } catch (error) {
      ctx.body = error instanceof AppError ? error.kind : String(error);
    }
  });
  const server = createServer(app.callback()).listen(0, '127.0.0.1');
  context.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : assert.fail('no port');
  return async (cookie: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}`, { headers: { cookie, connection: 'close' } });
    return { counts: await answer.text(), set: answer.headers.get('set-cookie') ?? '' };
  };
}

test('over http the one of several cookies that is good is the session', async (context) => {
  const ask = await serve(context, 'http://gateway.test');
  assert.match((await ask('a=b')).set, /^gateway_session=new; Path=\/; HttpOnly; SameSite=Strict; Max-Age=60$/);
  for (const [cookie, counts] of [
    ['gateway_session=good', 'good'],
    ['gateway_session=planted; gateway_session=good', 'good'],
    ['gateway_session=; a=gateway_session; gateway_session=good;gateway_session=planted', 'good'],
    ['gateway_session=planted; gateway_session=other', 'invalidToken'],
    ['my_gateway_session=good; gateway_session=', 'loginRequired'],
  ] as const) {
    assert.equal((await ask(cookie)).counts, counts, cookie);
  }
});

test('behind https the cookie is of this host alone, and a plain one is nothing', async (context) => {
  const ask = await serve(context, 'https://gateway.test');
  const { counts, set } = await ask('gateway_session=good');
  assert.equal(counts, 'loginRequired');
  assert.equal(set, '__Host-gateway_session=new; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure');
  assert.equal((await ask('gateway_session=planted; __Host-gateway_session=good')).counts, 'good');
});
