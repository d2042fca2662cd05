import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentSchema } from './config/settings.ts';
import { givenSettings, readConfig } from './config.ts';
import { configurationReference, settingsInForce } from './config-reference.ts';

const source = readFileSync(join(import.meta.dirname, 'config/settings.ts'), 'utf8');

test('docs/configuration.md is what infra/config/settings.ts says', () => {
  const written = readFileSync(join(import.meta.dirname, '../docs/configuration.md'), 'utf8');
  assert.equal(written, configurationReference(source), 'run: npx node devstack/write-configuration.ts');
});

test('every setting has its row, and no row shows a secret', () => {
  const reference = configurationReference(source);
  for (const name of Object.keys(environmentSchema.shape)) assert.ok(reference.includes(`| \`${name}\` |`), name);
  assert.doesNotMatch(reference, /llmproxy:|local-development-only|123456/);
  assert.match(reference, /`ORDER_TTL` \| `30m` \| An order not paid/);
  assert.match(reference, /`JWT_SECRET` .*Must be set/);
});

test('every setting says what it means', () => {
  const rows = configurationReference(source).matchAll(/^\| `(\w+)` \| .*? \| (.*) \|$/gm);
  const silent = [...rows].flatMap(([, name, meaning]) => (meaning?.trim() === '' ? [name] : []));
  assert.deepEqual(silent, []);
  assert.match(
    configurationReference(source),
    /`WORKER_BUILD_ID` .* Names the build .* Empty: all workers share it\. \|/,
  );
});

test('settings in force say where they come from, and no secret', () => {
  const environment = {
    ...{
      PORT: '',
      ORDER_TTL: '5m',
      PUBLIC_URL: '',
      S3_ENDPOINT: 'https://name:pass-word@s3.example',
      REDIS_PORT: '6379',
    },
    ...{ DB_PASSWORD: 'hidden-1', MONGODB_URI: 'mongodb://u:hidden-2@h/d', OTEL_EXPORTER_OTLP_HEADERS: 'a=hidden-3' },
    ...{ S3_ACCESS_KEY_ID: 'hidden-4', ALIEN_SETTING: 'hidden-5', JWT_SECRET: 'hidden-6-hidden-6-hidden-6' },
  };
  const settings = settingsInForce(readConfig(environment), givenSettings(environment));
  assert.deepEqual(
    settings.map(({ name }) => name),
    Object.keys(environmentSchema.shape),
  );
  assert.doesNotMatch(JSON.stringify(settings), /hidden-\d|pass-word|local-development-only|123456/);
  const setting = (wanted: string) => settings.find(({ name }) => name === wanted);
  assert.deepEqual(setting('PORT'), { name: 'PORT', value: '8060', source: 'default', isSecret: false });
  assert.deepEqual(setting('ORDER_TTL'), { name: 'ORDER_TTL', value: '5m', source: 'set', isSecret: false });
  assert.deepEqual(setting('REDIS_PORT'), { name: 'REDIS_PORT', value: '6379', source: 'set', isSecret: false });
  assert.equal(setting('PUBLIC_URL')?.value, 'http://localhost:8060');
  assert.equal(setting('PUBLIC_URL')?.source, 'default');
  assert.equal(setting('REGISTRATION_GRANT')?.value, '1');
  assert.equal(setting('S3_ENDPOINT')?.value, 'https://[hidden]@s3.example');
  assert.deepEqual(setting('DB_PASSWORD'), { name: 'DB_PASSWORD', value: null, source: 'set', isSecret: true });
  assert.deepEqual(setting('PAYMENT_SECRET'), {
    name: 'PAYMENT_SECRET',
    value: null,
    source: 'default',
    isSecret: true,
  });
});
