import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { SECRET_PREFIX, signedHeaders } from './signature.ts';

const secret = () => SECRET_PREFIX + randomBytes(32).toString('base64');

test('the signature is HMAC-SHA256 over id.timestamp.body, and the package of receivers accepts it', () => {
  const [key, at] = [secret(), new Date()];
  const headers = signedHeaders([key], 'message-1', at, '{"a":1}');
  const bytes = Buffer.from(key.slice(SECRET_PREFIX.length), 'base64');
  const seconds = Math.floor(at.getTime() / 1_000);
  const expected = createHmac('sha256', bytes).update(`message-1.${seconds}.{"a":1}`).digest('base64');
  assert.equal(headers['webhook-signature'], `v1,${expected}`);
  assert.deepEqual(new Webhook(key).verify('{"a":1}', headers), { a: 1 });
});

test('while a secret is being replaced the old and the new one verify, and no other', () => {
  const [old, fresh] = [secret(), secret()];
  const headers = signedHeaders([fresh, old], 'message-2', new Date(), '{}');
  for (const key of [old, fresh]) assert.doesNotThrow(() => new Webhook(key).verify('{}', headers));
  assert.throws(() => new Webhook(secret()).verify('{}', headers), WebhookVerificationError);
  assert.throws(() => new Webhook(old).verify('{"changed":1}', headers), WebhookVerificationError);
});

test('nothing is sent unsigned', () => {
  assert.throws(() => signedHeaders([], 'message-3', new Date(), '{}'), RangeError);
});
