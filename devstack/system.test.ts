import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installAdvice, parseOsRelease, systemOf } from './system.ts';

const RELEASES = {
  debian: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n',
  ubuntu: 'VERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
  mint: 'ID=linuxmint\nID_LIKE="ubuntu debian"\n',
  fedora: 'ID=fedora\nVERSION_ID=42\n',
  rocky: 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n',
  amazon: 'ID="amzn"\nID_LIKE="fedora"\n',
  manjaro: 'ID=manjaro\nID_LIKE=arch\n',
  leap: 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n',
  tumbleweed: "ID='opensuse-tumbleweed'\nID_LIKE='opensuse suse'\n",
  nixos: 'ID=nixos\nID_LIKE=""\n',
  none: '',
};

test('each Linux belongs to the family whose packages it has', () => {
  const families = Object.fromEntries(
    Object.entries(RELEASES).map(([name, text]) => [name, systemOf('linux', parseOsRelease(text))]),
  );
  assert.deepEqual(families, {
    ...{ debian: 'debian', ubuntu: 'debian', mint: 'debian', fedora: 'fedora', rocky: 'fedora', amazon: 'fedora' },
    ...{ manjaro: 'arch', leap: 'suse', tumbleweed: 'suse', nixos: 'other', none: 'other' },
  });
  assert.equal(systemOf('darwin', parseOsRelease('')), 'macos');
});

test('id and version are read with and without quotes', () => {
  assert.deepEqual(parseOsRelease(RELEASES.debian), { id: 'debian', version: '12', like: [] });
  assert.deepEqual(parseOsRelease(RELEASES.fedora), { id: 'fedora', version: '42', like: [] });
});

test("the advice is the system's own command, and names the program where there is no package", () => {
  const hint = { packages: { debian: 'redis-server', fedora: 'valkey' }, program: 'Redis' };
  assert.equal(installAdvice(hint, 'debian'), 'Install it: sudo apt-get install redis-server');
  assert.equal(installAdvice(hint, 'fedora'), 'Install it: sudo dnf install valkey');
  assert.equal(installAdvice(hint, 'macos'), 'Put Redis on PATH');
  assert.equal(installAdvice(hint, 'other'), 'Put Redis on PATH');
});
