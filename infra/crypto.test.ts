import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVault, keyedHash, sameBytes, sealedVersion } from './crypto.ts';

const FIRST = `1:${Buffer.alloc(32, 1).toString('base64')}`;
const SECOND = `2:${Buffer.alloc(32, 2).toString('base64')}`;
const BELONGS_TO = 'provider_keys:7:11';

test('a sealed text opens again, each time under a fresh nonce', () => {
  const vault = createVault(FIRST);
  const sealed = vault.seal('sk-canary 密钥', BELONGS_TO);
  assert.equal(vault.open(sealed, BELONGS_TO), 'sk-canary 密钥');
  assert.equal(sealed.includes('canary'), false);
  assert.notDeepEqual(vault.seal('sk-canary 密钥', BELONGS_TO), sealed);
});

test('any altered byte is refused', () => {
  const vault = createVault(FIRST);
  const sealed = vault.seal('sk-canary', BELONGS_TO);
  for (let index = 0; index < sealed.byteLength; index += 1) {
    const altered = Buffer.from(sealed);
    altered.writeUInt8(altered.readUInt8(index) ^ 1, index);
    assert.throws(() => vault.open(altered, BELONGS_TO), `byte ${index}`);
  }
  assert.throws(() => vault.open(sealed.subarray(0, 20), BELONGS_TO));
  assert.throws(() => vault.open(Buffer.alloc(0), BELONGS_TO));
});

test('a secret moved to another row is refused', () => {
  const vault = createVault(FIRST);
  const sealed = vault.seal('sk-canary', BELONGS_TO);
  assert.throws(() => vault.open(sealed, 'provider_keys:7:12'));
  assert.throws(() => vault.open(sealed, 'provider_keys:8:11'));
});

test('the newest version seals and every listed version opens', () => {
  const old = createVault(FIRST).seal('sk-canary', BELONGS_TO);
  const rotated = createVault(`${SECOND},${FIRST}`);
  assert.equal(rotated.open(old, BELONGS_TO), 'sk-canary');
  assert.equal(sealedVersion(old), 1);
  assert.equal(sealedVersion(rotated.seal('sk-canary', BELONGS_TO)), 2);
  assert.throws(() => createVault(SECOND).open(old, BELONGS_TO), /version 1.*is missing/);
});

test('derived keys differ by purpose and version, and stay the same', () => {
  const [newest, older] = createVault(`${SECOND},${FIRST}`).deriveKeys('access keys');
  assert.deepEqual(older, createVault(FIRST).deriveKeys('access keys')[0]);
  assert.notDeepEqual(newest, older);
  assert.notDeepEqual(createVault(FIRST).deriveKeys('webhooks')[0], older);
  assert.equal(newest.byteLength, 32);
});

test('a malformed key list is refused by name', () => {
  for (const list of ['', 'abc', '1:c2hvcnQ=', `0:${FIRST.slice(2)}`, `70000:${FIRST.slice(2)}`, `${FIRST},${FIRST}`]) {
    assert.throws(() => createVault(list), /KEY_ENCRYPTION_KEY/, list);
  }
});

test('keyed hashes follow the RFC 4231 vector and compare by value', () => {
  const hash = keyedHash(Buffer.from('Jefe'), 'what do ya want for nothing?');
  assert.equal(hash.toString('hex'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  assert.equal(sameBytes(hash, Buffer.from(hash)), true);
  assert.equal(sameBytes(hash, hash.subarray(1)), false);
  assert.equal(sameBytes(hash, keyedHash(Buffer.from('Jefe'), '')), false);
});
