import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkAddresses,
  checkPort,
  hostKey,
  isInnerName,
  isPublicAddress,
  parsePrivateHosts,
  parseTarget,
} from './address.ts';

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
  // Services of clouds: Azure, IBM, AWS (ECS, EKS), Alibaba, Volcengine, Oracle, Tencent, Scaleway, Google, OpenStack.
  '168.63.129.16',
  '::ffff:168.63.129.16',
  '::ffff:a83f:8110',
  '64:ff9b::a83f:8110',
  '2002:a83f:8110::1',
  '161.26.0.10',
  '166.8.0.1',
  '166.11.255.255',
  '169.254.170.2',
  '169.254.170.23',
  'fd00:ec2::23',
  '100.100.100.200',
  '::ffff:100.100.100.200',
  '100.96.0.96',
  '192.0.0.192',
  '169.254.0.23',
  '169.254.42.42',
  'fd00:42::42',
  'fd20:ce::254',
  'fe80::a9fe:a9fe',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::a9fe:a9fe',
  '2002:a9fe:a9fe::',
  '::a9fe:a9fe',
  '::ffff:0:a9fe:a9fe',
  // Special-purpose ranges of IANA's registries.
  '0.1.2.3',
  '100.127.255.255',
  '192.31.196.1',
  '192.52.193.1',
  '192.88.99.1',
  '192.175.48.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '239.255.255.250',
  '100::1',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '3fff::1',
  '5f00::1',
];

test('only unicast addresses of public hosts are public', () => {
  for (const address of NOT_PUBLIC) assert.equal(isPublicAddress(address), false, address);
  const neighbours = ['168.63.129.15', '168.63.129.17', '161.25.255.255', '161.27.0.0', '166.7.255.255', '166.12.0.0'];
  for (const address of ['8.8.8.8', '47.95.1.1', '2606:4700::1111', '::ffff:8.8.8.8', ...neighbours]) {
    assert.equal(isPublicAddress(address), true, address);
  }
});

test('names of inner networks are known by their form, without a lookup', () => {
  const inner = ['localhost', 'LOCALHOST', 'a.localhost', 'db', 'db.', 'metadata.google.internal', 'x.Internal.'];
  for (const name of [
    ...inner,
    'printer.local',
    'kubernetes.default.svc',
    'k8s.svc.cluster.local',
    'nas.home.arpa',
    '',
  ]) {
    assert.equal(isInnerName(name), true, name);
  }
  for (const name of ['a.example', 'localhost.example', 'internal.example.com', 'svc.example.', '例子.中国']) {
    assert.equal(isInnerName(name), false, name);
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
