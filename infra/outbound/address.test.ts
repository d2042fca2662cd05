import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAddresses, checkPort, hostKey, isPublicAddress, parsePrivateHosts, parseTarget } from './address.ts';

const NOT_PUBLIC = [
  '127.0.0.1',
  '127.8.9.1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
  '198.18.0.1',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::127.0.0.1',
  '::7f00:1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001::1',
  '2001:db8::1',
  'fe80::1',
  'fe80::1%eth0',
  'fc00::1',
  'fd00:ec2::254',
  'fec0::1',
  'ff02::1',
  '4000::1',
  'localhost',
  '',
];

test('only unicast addresses of public hosts are public', () => {
  for (const address of NOT_PUBLIC) assert.equal(isPublicAddress(address), false, address);
  for (const address of ['8.8.8.8', '47.95.1.1', '2606:4700::1111', '::ffff:8.8.8.8']) {
    assert.equal(isPublicAddress(address), true, address);
  }
});

test('one private address among public ones is enough to refuse a host', () => {
  assert.equal(checkAddresses('a.example', 443, ['8.8.8.8', '2606:4700::1111']), undefined);
  const refusal = checkAddresses('a.example', 443, ['8.8.8.8', '10.0.0.1']);
  assert.equal(refusal?.code, 700001);
  assert.match(refusal?.message ?? '', /a\.example does not have a public address; list a\.example:443/);
  assert.doesNotMatch(refusal?.message ?? '', /10\.0/);
  assert.equal(checkAddresses('a.example', 443, [])?.code, 700001);
});

test('public hosts are called on web ports only', () => {
  for (const port of [80, 443, 8080, 8443]) assert.equal(checkPort('a.example', port), undefined);
  for (const port of [22, 25, 3306, 6379, 8000]) assert.equal(checkPort('a.example', port)?.code, 700001);
});

test('listed hosts are found in any spelling', () => {
  const listed = parsePrivateHosts(['LocalHost:11434', '[::1]:80', '10.0.0.5:8000']);
  assert.equal(listed.has(hostKey('localhost', 11434)), true);
  assert.equal(listed.has(hostKey('::1', 80)), true);
  assert.equal(listed.has(hostKey('[::1]', 80)), true);
  assert.equal(listed.has(hostKey('10.0.0.5', 8001)), false);
  for (const wrong of ['localhost', 'http://localhost:80', 'a:b', 'user@host:80', '::1:80']) {
    assert.throws(() => parsePrivateHosts([wrong]), /OUTBOUND_PRIVATE_HOSTS/, wrong);
  }
});

test('only http and https addresses without user info are targets', () => {
  assert.equal(parseTarget('https://a.example/v1?x=1').pathname, '/v1');
  for (const wrong of ['ftp://a.example', 'file:///etc/passwd', 'a.example', 'gopher://a:70', '', 'http://']) {
    assert.throws(() => parseTarget(wrong), { name: 'AppError', code: 700001 }, wrong);
  }
  for (const wrong of ['http://user@a.example', 'http://a.example:b@c.example/', 'http://:p@a.example']) {
    assert.throws(() => parseTarget(wrong), /user name or password/, wrong);
  }
});
