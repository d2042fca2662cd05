import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { AppError, type ErrorKind } from '../../infra/errors.ts';
import { createLoginTokens } from './login-tokens.ts';

const SECRET = 'a secret of more than thirty-two characters';
const tokens = createLoginTokens(SECRET, 60_000);

const refusedAs = (kind: ErrorKind) => (error: unknown) => error instanceof AppError && error.kind === kind;

function signed(change: (token: SignJWT) => SignJWT, algorithm = 'HS256', secret = SECRET): Promise<string> {
  const token = new SignJWT({ ver: 1 })
    .setProtectedHeader({ alg: algorithm })
    .setSubject('7')
    .setIssuer('llm-gateway')
    .setAudience('llm-gateway-management')
    .setExpirationTime('1m');
  return change(token).sign(new TextEncoder().encode(secret));
}

test('a token holds user and version, and nothing that grants rights', async () => {
  const token = await tokens.issue({ userId: 7, version: 3 });
  assert.deepEqual(await tokens.read(token), { userId: 7, version: 3 });
  const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  assert.deepEqual(Object.keys(payload).sort(), ['aud', 'exp', 'iat', 'iss', 'jti', 'sub', 'ver']);
  assert.notEqual(await tokens.issue({ userId: 7, version: 3 }), token, 'each can be ended by itself');
});

test('an expired token is told from an invalid one', async () => {
  const past = await signed((token) => token.setExpirationTime(Math.floor(Date.now() / 1000) - 60));
  await assert.rejects(tokens.read(past), refusedAs('expiredToken'));
  await assert.rejects(tokens.read('x.y.z'), refusedAs('invalidToken'));
});

test('another secret, algorithm, issuer, audience, subject or version is refused', async () => {
  assert.deepEqual(await tokens.read(await signed((token) => token)), { userId: 7, version: 1 });
  const wrong = [
    signed((token) => token, 'HS256', 'another secret of more than thirty-two chars'),
    signed((token) => token, 'HS384'),
    signed((token) => token.setIssuer('someone')),
    signed((token) => token.setAudience('another-service')),
    signed((token) => token.setSubject('0')),
    signed((token) => token.setSubject('7 OR 1=1')),
    new SignJWT({ ver: 1 })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('7')
      .setIssuer('llm-gateway')
      .setAudience('llm-gateway-management')
      .sign(new TextEncoder().encode(SECRET)),
  ];
  for (const [index, token] of wrong.entries()) {
    await assert.rejects(tokens.read(await token), refusedAs('invalidToken'), `case ${index}`);
  }
});
