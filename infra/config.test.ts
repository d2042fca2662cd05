import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { parseDurationMs } from './config/setting-types.ts';
import { environmentSchema } from './config/settings.ts';
import { COMPOSE_SETTINGS, ConfigError, misspeltSettings, readConfig } from './config.ts';

const PRODUCTION = {
  NODE_ENV: 'production',
  DB_PASSWORD: 'a database password',
  JWT_SECRET: 'a secret of forty-odd characters for tokens',
  KEY_ENCRYPTION_KEY: `1:${Buffer.alloc(32, 7).toString('base64')}`,
  PAYMENT_SECRET: 'a payment secret of our own',
  ROOT_PASSWORD: 'correct horse battery',
  MONGODB_URI: 'mongodb://someone:else@mongo:27017/llm-proxy',
};

function problemsOf(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  return '';
}

test('an empty environment is a working local one', () => {
  const config = readConfig({});
  assert.deepEqual([config.PORT, config.DB_PORT, config.ORDER_TTL], [8060, 3306, 30 * 60_000]);
  assert.equal(config.publicUrl, 'http://localhost:8060');
  assert.equal(config.registrationGrant, '1');
});

test('a wrong value is named with its variable', () => {
  assert.match(
    problemsOf({ ORDER_TTL: 'soon', PORT: '99999', APP_TIME_ZONE: 'Mars/Olympus' }),
    /PORT.*\n.*ORDER_TTL.*\n.*APP_TIME_ZONE/s,
  );
});

test('an encryption key that cannot encrypt is named, without it', () => {
  for (const wrong of ['nonsense', '1:c2hvcnQ=', `0:${Buffer.alloc(32, 7).toString('base64')}`]) {
    assert.match(problemsOf({ KEY_ENCRYPTION_KEY: wrong }), /^KEY_ENCRYPTION_KEY: each entry must be version:base64/);
  }
});

test('production refuses every secret that is missing or published', () => {
  const message = problemsOf({ NODE_ENV: 'production' });
  for (const name of [
    'JWT_SECRET',
    'KEY_ENCRYPTION_KEY',
    'PAYMENT_SECRET',
    'DB_PASSWORD',
    'ROOT_PASSWORD',
    'MONGODB_URI',
  ]) {
    assert.match(message, new RegExp(`^${name}: `, 'm'));
  }
  assert.equal(problemsOf(PRODUCTION), '');
  assert.match(problemsOf({ ...PRODUCTION, PAYMENT_SANDBOX: 'true' }), /PAYMENT_SANDBOX/);
  assert.match(problemsOf({ ...PRODUCTION, WEAK_HASHES_FOR_TESTS: 'true' }), /WEAK_HASHES_FOR_TESTS/);
  assert.match(problemsOf({ ...PRODUCTION, DB_PASSWORD: '123456' }), /DB_PASSWORD/);
});

test('no message carries the value of a secret', () => {
  assert.doesNotMatch(problemsOf({ ...PRODUCTION, JWT_SECRET: 'short-pass' }), /short-pass/);
});

test('a production installation grants nothing unless told', () => {
  assert.equal(readConfig(PRODUCTION).registrationGrant, '0');
  assert.equal(readConfig({ ...PRODUCTION, REGISTRATION_GRANT: '2.5' }).registrationGrant, '2.5');
});

test('a MongoDB URI that a password breaks is refused without showing it', () => {
  for (const good of [
    'mongodb://someone:c0ffee@mongo:27017/llm-proxy?authSource=admin',
    'mongodb://some%40one:p%2Fw@a:1,b:2,[::1]:3/llm-proxy?replicaSet=rs0',
    'mongodb+srv://someone:a+b=@cluster.example.com',
    'mongodb://127.0.0.1:27017/usage',
  ]) {
    assert.equal(readConfig({ MONGODB_URI: good }).MONGODB_URI, good);
  }
  for (const password of ['ab/cd', 'ab@cd', 'a:b', 'a?b', 'a#b', 'a%b', 'a b']) {
    const message = problemsOf({
      MONGODB_URI: `mongodb://llmproxy:${password}@mongo:27017/llm-proxy?authSource=admin`,
    });
    assert.match(message, /^MONGODB_URI: is not a MongoDB URI: percent-encode/, password);
    assert.ok(!message.includes(password));
  }
});

test('published secrets serve this machine alone', () => {
  assert.equal(problemsOf({ HOST: '::1' }), '');
  assert.match(problemsOf({ HOST: '0.0.0.0' }), /^JWT_SECRET: .*\nKEY_ENCRYPTION_KEY: .*\nPAYMENT_SECRET: /);
  const { JWT_SECRET, KEY_ENCRYPTION_KEY, PAYMENT_SECRET } = PRODUCTION;
  assert.equal(problemsOf({ HOST: '0.0.0.0', JWT_SECRET, KEY_ENCRYPTION_KEY, PAYMENT_SECRET }), '');
});

test('a copy of .env.example changes nothing', () => {
  const copied = parseEnv(readFileSync(join(import.meta.dirname, '../.env.example'), 'utf8'));
  assert.deepEqual(copied, {}, 'every line is a comment: a default written out here would also hold in production');
  const config = readConfig({});
  assert.deepEqual([config.HOST, config.WORKER_HOST], ['127.0.0.1', '127.0.0.1']);
  assert.deepEqual(readConfig(PRODUCTION).CORS_ORIGINS, []);
});

test('.env.example shows the defaults that hold', () => {
  const text = readFileSync(join(import.meta.dirname, '../.env.example'), 'utf8');
  const shown = parseEnv(text.replace(/^#(?=[A-Z])/gm, ''));
  const secret = /SECRET|PASSWORD|ENCRYPTION_KEY|ACCESS_KEY|MONGODB_URI|OTLP_HEADERS/;
  const given = Object.entries(shown).filter(([name, value]) => value !== '' && !secret.test(name));
  const names = given.map(([name]) => name).filter((name) => name in environmentSchema.shape);
  const defaults = Object.entries(readConfig({}));
  const wanted = Object.entries(readConfig(Object.fromEntries(given)));
  assert.ok(names.length > 30);
  for (const [name, value] of wanted) {
    if (names.includes(name) && name !== 'REGISTRATION_GRANT')
      assert.deepEqual(value, new Map(defaults).get(name), name);
  }
});

test('durations are read with their unit', () => {
  assert.deepEqual(
    ['500ms', '2s', '30m', '24h', '1.5s', '90d'].map(parseDurationMs),
    [500, 2_000, 1_800_000, 86_400_000, 1_500, 7_776_000_000],
  );
  assert.deepEqual(['', '30', 'm', '-1s', '1 w'].map(parseDurationMs), Array(5).fill(undefined));
});

test('.env.example lists exactly the settings there are', () => {
  const text = readFileSync(join(import.meta.dirname, '../.env.example'), 'utf8');
  const listed = [...text.matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1]);
  assert.deepEqual(listed.toSorted(), [...Object.keys(environmentSchema.shape), ...COMPOSE_SETTINGS].toSorted());
});

test('a misspelt name is found, a foreign one is not ours', () => {
  assert.deepEqual(misspeltSettings({ REDIS_PASSWD: 'x', DB_HOST: 'y', MONGODB_PASSWORD: 'z', PATH: '/bin', S3: '' }), [
    'REDIS_PASSWD',
  ]);
});

test('a number that is set and empty is not set', () => {
  const config = readConfig({ PORT: '', DB_PORT: ' ', DB_POOL_SIZE: '', API_PROCESSES: '' });
  assert.deepEqual([config.PORT, config.DB_PORT, config.DB_POOL_SIZE, config.apiProcesses], [8060, 3306, 10, 1]);
});
