import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readConfig } from '../config.ts';
import { localSecrets, secretSettings, writeSecrets } from './secrets.ts';
import { localSettings } from './settings.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'settings-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const ports = { api: 8062, simulator: 8071 };
const servers = { DB_HOST: '127.0.0.1', DB_PASSWORD: 'made here' };

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
  assert.deepEqual(config.OUTBOUND_PRIVATE_HOSTS, ['127.0.0.1:8071']);
  assert.ok(!('demoPassword' in settings));
});

test("the user's settings win over the launcher's, the servers' own over both", () => {
  const user = { PAYMENT_SANDBOX: 'false', ROOT_PASSWORD: 'mine', DB_PASSWORD: 'of another server' };
  const settings = localSettings({ ports, secrets: { ROOT_PASSWORD: 'random' }, user, servers });
  assert.equal(settings.PAYMENT_SANDBOX, 'false');
  assert.equal(settings.ROOT_PASSWORD, 'mine');
  assert.equal(settings.DB_PASSWORD, 'made here');
});
