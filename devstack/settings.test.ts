import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readConfig } from '../infra/config.ts';
import { localSecrets, refuseForData, rememberForData, secretSettings, writeSecrets } from './secrets.ts';
import { localSettings, readRunningSettings, withoutOthersServers, writeRunningSettings } from './settings.ts';
import { refuseProduction, userSettings } from './user-settings.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'settings-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const ports = { api: 8062, worker: 8063, simulator: 8071, webhooks: 8090 };
const servers = { DB_HOST: '127.0.0.1', DB_NAME: 'model_service', DB_USER: 'root', DB_PASSWORD: 'made here' };
const user = (shell: Record<string, string>, dotEnv: Record<string, string> = {}) =>
  userSettings(SCRATCH, shell, dotEnv);

test('secrets are made once, kept for the owner only, and are settings that the product takes', () => {
  const folder = mkdtempSync(join(SCRATCH, 'secrets-'));
  const secrets = localSecrets(folder);
  assert.deepEqual(localSecrets(folder), secrets);
  assert.equal(statSync(join(folder, 'secrets.json')).mode & 0o077, 0);
  writeSecrets(folder, { ...secrets, demoAccessKey: 'ak-1' });
  assert.equal(localSecrets(folder).demoAccessKey, 'ak-1');
  const settings = localSettings({ ports, secrets: secretSettings(secrets), user: {}, servers });
  const config = readConfig(settings);
  assert.equal(config.ROOT_PASSWORD, secrets.ROOT_PASSWORD);
  assert.equal(config.publicUrl, 'http://localhost:8062');
  assert.deepEqual([config.PORT, config.WORKER_PORT], [8062, 8063]);
  assert.deepEqual(config.WEBHOOK_PRIVATE_HOSTS, ['127.0.0.1:8090', 'localhost:8090']);
  assert.ok(!('demoPassword' in settings));
});

test('the environment wins over .env, and a variable that is set and empty stands for the default', () => {
  const both = user(
    { CURRENCY: 'EUR', PUBLIC_URL: '', HOME: '/root' },
    { CURRENCY: 'USD', PUBLIC_URL: 'http://x', PORT: '9' },
  );
  assert.deepEqual(both.values, { CURRENCY: 'EUR', PORT: '9' });
  assert.deepEqual(['CURRENCY', 'PORT', 'JWT_TTL'].map(both.named), [
    'CURRENCY (environment)',
    'PORT (.env)',
    'JWT_TTL',
  ]);
});

test("the user's settings win over the launcher's", () => {
  const mine = { PAYMENT_SANDBOX: 'false', ROOT_PASSWORD: 'mine', HOST: '0.0.0.0', WEBHOOK_PRIVATE_HOSTS: 'a:1' };
  const settings = localSettings({ ports, secrets: { ROOT_PASSWORD: 'random' }, user: mine, servers });
  assert.deepEqual({ ...settings, ...mine }, settings);
  assert.equal(settings.PUBLIC_URL, 'http://localhost:8062');
  assert.equal(localSettings({ ports, secrets: {}, user: { HOST: '::2' }, servers }).PUBLIC_URL, 'http://[::2]:8062');
});

test('settings of a server that is ours have no effect, which is said; the same value is not worth a word', () => {
  const set = user(
    { DB_USER: 'root', DB_PASSWORD: 'other', DB_POOL_SIZE: '5' },
    { DB_NAME: 'shop', REDIS_PASSWORD: 'r' },
  );
  const { values, notes } = withoutOthersServers(set, servers);
  assert.deepEqual(values, { DB_POOL_SIZE: '5' });
  assert.deepEqual(notes, [
    "DB_NAME (.env), DB_PASSWORD (environment): no effect, since this MySQL is npm start's own; DB_HOST names another one.",
    "REDIS_PASSWORD (.env): no effect, since this Redis is npm start's own; REDIS_HOST names another one.",
  ]);
});

test('settings of a server that the user names stay', () => {
  const set = { DB_HOST: 'db', DB_NAME: 'shop', REDIS_PORT: '1', MONGODB_URI: 'mongodb://m', TEMPORAL_ADDRESS: 't:1' };
  assert.deepEqual(withoutOthersServers(user(set), servers), { values: set, notes: [] });
});

test('TLS that is set and off leaves the server ours', () => {
  const switches = { DB_TLS: 'false', REDIS_TLS: '0', TEMPORAL_TLS: 'false' };
  assert.deepEqual(withoutOthersServers(user(switches), servers).values, {});
  const on = { DB_TLS: 'true', REDIS_TLS: '1', TEMPORAL_TLS: 'true' };
  assert.deepEqual(withoutOthersServers(user(on), servers).values, on);
});

test('a name in .env that nothing reads is reported; other programs may have theirs in the environment', () => {
  const set = user({ DB_PASWORD: 'x' }, { PROT: '1', MONGODB_PASSWORD: 'm', DEEPSEEK_API_KEY: 'k' });
  assert.deepEqual(withoutOthersServers(set, {}).notes, ['PROT (.env) is not a setting and has no effect.']);
});

test('production is refused, wherever it stands', () => {
  assert.throws(() => refuseProduction(user({ NODE_ENV: 'production' })), /NODE_ENV \(environment\) is production/);
  assert.throws(() => refuseProduction(user({}, { NODE_ENV: 'production' })), /NODE_ENV \(\.env\)/);
  refuseProduction(user({ NODE_ENV: '' }, { NODE_ENV: 'production' }));
});

test('a currency or an encryption key other than that of the stored data is refused', () => {
  const folder = mkdtempSync(join(SCRATCH, 'data-'));
  const made = { CURRENCY: 'CNY', KEY_ENCRYPTION_KEY: '1:old' };
  const refuse = (settings: Record<string, string>) =>
    refuseForData(localSecrets(folder), { ...made, ...settings }, (name) => name);
  refuse({ CURRENCY: 'USD' });
  rememberForData(folder, made);
  refuse({});
  refuse({ KEY_ENCRYPTION_KEY: '2:new, 1:old' });
  assert.throws(() => refuse({ CURRENCY: 'USD' }), /CURRENCY is USD, and the balances that are stored here are in CNY/);
  assert.throws(() => refuse({ KEY_ENCRYPTION_KEY: '2:new' }), /KEY_ENCRYPTION_KEY lacks the key/);
});

test('commands beside a running start find its settings, which only the owner can read', () => {
  const folder = mkdtempSync(join(SCRATCH, 'running-'));
  assert.equal(readRunningSettings(folder), undefined);
  writeRunningSettings(folder, { PORT: '8062' });
  assert.deepEqual(readRunningSettings(folder), { PORT: '8062' });
  assert.equal(statSync(join(folder, 'settings.json')).mode & 0o077, 0);
});
