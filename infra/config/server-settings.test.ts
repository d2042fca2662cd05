import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, readConfig } from '../config.ts';

const folder = mkdtempSync(join(tmpdir(), 'server-settings-'));
after(() => rmSync(folder, { recursive: true }));

function problemsOf(environment: NodeJS.ProcessEnv): string[] {
  try {
    readConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.split('\n');
  }
  return [];
}

test('TLS settings without TLS have no effect and are refused', () => {
  for (const prefix of ['DB', 'REDIS', 'TEMPORAL']) {
    const settings = { [`${prefix}_TLS_CA`]: '/ca.pem', [`${prefix}_TLS_SERVER_NAME`]: 'server' };
    const problem = (part: string) => `${prefix}_TLS_${part}: has no effect while ${prefix}_TLS is not true`;
    assert.deepEqual(problemsOf(settings), [problem('CA'), problem('SERVER_NAME')]);
  }
});

test('a file that is missing, is no PEM or lacks its other half is named', () => {
  const file = join(folder, 'text.pem');
  writeFileSync(file, 'a-secret-text');
  const missing = join(folder, 'missing.pem');
  assert.deepEqual(problemsOf({ DB_TLS: 'true', DB_TLS_CA: missing }), [
    `DB_TLS_CA: ${missing} cannot be read (ENOENT)`,
  ]);
  assert.deepEqual(problemsOf({ REDIS_TLS: 'true', REDIS_TLS_CA: file }), [
    `REDIS_TLS_CA: ${file} has no PEM certificate`,
  ]);
  assert.deepEqual(problemsOf({ TEMPORAL_TLS: 'true', TEMPORAL_TLS_KEY: file }), [
    `TEMPORAL_TLS_KEY: ${file} has no PEM key without a password`,
    'TEMPORAL_TLS_CERT: must be set with TEMPORAL_TLS_KEY',
  ]);
});

test('a certificate cannot be compared with an IP address by MySQL’s driver', () => {
  assert.match(problemsOf({ DB_TLS: 'true', DB_HOST: '10.0.0.1' })[0] ?? '', /^DB_TLS_SERVER_NAME: must be set/);
  assert.deepEqual(problemsOf({ DB_TLS: 'true', DB_HOST: '10.0.0.1', DB_TLS_SERVER_NAME: 'mysql' }), []);
});

test('Sentinel needs the name of its master, and nothing of it has an effect alone', () => {
  const sentinels = { REDIS_SENTINELS: 'one:26380, [::1]:26379,three' };
  const config = readConfig({ ...sentinels, REDIS_SENTINEL_MASTER: 'main', REDIS_HOST: '' });
  assert.deepEqual(config.REDIS_SENTINELS, [
    { host: 'one', port: 26_380 },
    { host: '::1', port: 26_379 },
    { host: 'three', port: 26_379 },
  ]);
  assert.deepEqual(problemsOf({ ...sentinels, REDIS_HOST: 'redis' }), [
    'REDIS_SENTINEL_MASTER: must be set with REDIS_SENTINELS',
    'REDIS_HOST: has no effect with REDIS_SENTINELS',
  ]);
  assert.deepEqual(problemsOf({ REDIS_SENTINEL_MASTER: 'main', REDIS_SENTINEL_PASSWORD: 'secret' }), [
    'REDIS_SENTINEL_MASTER: has no effect without REDIS_SENTINELS',
    'REDIS_SENTINEL_PASSWORD: has no effect without REDIS_SENTINELS',
  ]);
  for (const wrong of ['one:port', 'one:99999', 'redis://one', 'user@one', 'one/0']) {
    assert.match(problemsOf({ REDIS_SENTINELS: wrong })[0] ?? '', /^REDIS_SENTINELS.*is not host:port/, wrong);
  }
});

test('a user needs a password', () => {
  assert.deepEqual(problemsOf({ REDIS_USERNAME: 'gateway' }), ['REDIS_PASSWORD: must be set with REDIS_USERNAME']);
});

test('an API key of Temporal turns TLS on, and is never sent without', () => {
  assert.equal(readConfig({}).TEMPORAL_TLS, false);
  assert.equal(readConfig({ TEMPORAL_API_KEY: 'key' }).TEMPORAL_TLS, true);
  assert.match(
    problemsOf({ TEMPORAL_API_KEY: 'key', TEMPORAL_TLS: 'false' })[0] ?? '',
    /^TEMPORAL_TLS: must not be false/,
  );
});

test('options of MONGODB_URI that cannot work, or trust anybody in production, are refused', () => {
  const uri = 'mongodb://one,two/usage?replicaSet=rs0';
  const missing = join(folder, 'missing.pem');
  assert.deepEqual(problemsOf({ MONGODB_URI: `${uri}&tlsCAFile=${missing}` }), [
    'MONGODB_URI: tlsCAFile has no effect without tls=true',
    `MONGODB_URI: tlsCAFile: ${missing} cannot be read (ENOENT)`,
  ]);
  const unchecked = { MONGODB_URI: `${uri}&tls=true&tlsAllowInvalidCertificates=true` };
  assert.deepEqual(problemsOf(unchecked), []);
  assert.ok(
    problemsOf({ ...unchecked, NODE_ENV: 'production' }).some((line) => /^MONGODB_URI: tlsAllow.*anybody/.test(line)),
  );
  assert.deepEqual(
    problemsOf({ MONGODB_URI: 'mongodb+srv://user:word@cluster.example.net/usage?retryWrites=true' }),
    [],
  );
});

test('no message carries what stands in a file', () => {
  assert.ok(
    !problemsOf({ DB_TLS: 'true', DB_TLS_CA: join(folder, 'text.pem') })
      .join()
      .includes('a-secret-text'),
  );
});
