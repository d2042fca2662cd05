import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './logger.ts';
import { addressWithoutSecrets, pathWithoutSecrets, scrub } from './secrets.ts';

const KEY = `ak-${'a1_-'.repeat(14)}xyz`;

function logged(write: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger('trace', { write: (line) => lines.push(line) }));
  return lines.join('');
}

test('fields with the names of secrets are blanked, at the top and one level down', () => {
  const secrets = ['authorization', 'access-key', 'x-api-key', 'password', 'apiKey', 'keyValue', 'token', 'secret'];
  for (const name of secrets) {
    const text = logged((log) => log.info({ [name]: 'canary-1', body: { [name]: 'canary-2' } }, 'x'));
    assert.equal(text.includes('canary'), false, name);
  }
});

test('keys and bearer tokens inside messages and errors are blanked', () => {
  const text = logged((log) => {
    log.warn(`call with ${KEY} failed`);
    log.error({ err: new Error(`Incorrect API key: sk-proj-abcdef123456, Authorization: Bearer eyJhbGciOi.x.y`) }, 'x');
    log.info('upstream said %s', KEY);
    log.error(new Error(`refused ${KEY}`));
    log.error({ failures: [{ error: new Error(`nested ${KEY}`) }] }, 'x');
  });
  for (const part of [KEY, KEY.slice(10), 'sk-proj', 'eyJhbGciOi']) assert.equal(text.includes(part), false, part);
  assert.match(text, /Incorrect API key[\s\S]*refused[\s\S]*nested/);
});

test('the cause of an error is logged without its secrets', () => {
  const error = new Error('outer', { cause: new Error(`inner ${KEY}`) });
  const text = logged((log) => log.error({ err: error }, 'x'));
  assert.match(text, /inner/);
  assert.equal(text.includes(KEY), false);
});

test('a token or a key in a path is not written down, also encoded', () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl';
  for (const secret of [token, KEY, `ak%2D${KEY.slice(3)}`, 'sk-abcdef123456', 'sk%2dabcdef123456', 'x'.repeat(65)]) {
    assert.doesNotMatch(pathWithoutSecrets(`/v1/models/${secret}/x`), /eyJ|abcdef|a1_|xxx/, secret);
  }
  assert.equal(
    pathWithoutSecrets('/v1/async/jobs/01a22a42-46a1-740e-bbaf-86815fbb333e/events'),
    '/v1/async/jobs/01a22a42-46a1-740e-bbaf-86815fbb333e/events',
  );
  assert.equal(pathWithoutSecrets('/v1/%ff'), '/v1/[hidden]');
  assert.equal(scrub(`token ${token}.`).includes('eyJ'), false);
  assert.equal(scrub('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'), 'whsec_[hidden]');
});

test('scrub leaves other words alone', () => {
  assert.equal(scrub('ask-me task-force risk-averse speak-easy'), 'ask-me task-force risk-averse speak-easy');
  assert.equal(scrub('bearer of news'), 'bearer of news');
  assert.equal(scrub(`key ${KEY}.`), 'key ak-[hidden].');
  assert.equal(scrub(`x${KEY}`), 'xak-[hidden]');
});

test('an address is shown without its credentials, query and tokens', () => {
  for (const [address, shown] of [
    ['https://hooks.example/jobs', 'https://hooks.example/jobs'],
    ['https://me:canary@hooks.example:8443/jobs?token=canary#canary', 'https://hooks.example:8443/jobs?[hidden]'],
    [`https://hooks.example/${KEY}/x`, 'https://hooks.example/ak-[hidden]/x'],
    ['no address, canary', '[hidden]'],
  ] as const) {
    assert.equal(addressWithoutSecrets(address), shown);
  }
});
