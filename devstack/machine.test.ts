import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineObstacle, npmAdvice } from './machine.js';

const machine = { platform: 'linux', arch: 'x64', node: 'v20.0.0', musl: false };

test('Linux and macOS on the two processors, with Node 20 or newer, are no obstacle', () => {
  for (const good of [{}, { arch: 'arm64' }, { platform: 'darwin' }, { node: 'v26.1.0' }]) {
    assert.equal(machineObstacle({ ...machine, ...good }), undefined);
  }
});

test('everything else is reported as it is, with what helps', () => {
  for (const [lack, text] of [
    [{ platform: 'win32' }, /WSL 2/],
    [{ platform: 'freebsd' }, /not on freebsd/],
    [{ musl: true }, /glibc.*Docker Compose/],
    [{ arch: 'riscv64' }, /not on riscv64/],
    [{ node: 'v18.20.4' }, /Node v18\.20\.4 is too old: Node 20/],
  ] as const) {
    assert.match(machineObstacle({ ...machine, ...lack }) ?? '', text);
  }
});

test('a failed installation is followed by what to do about it, where that is known', () => {
  assert.match(npmAdvice('npm error code ENOTFOUND\nnpm error network') ?? '', /does not answer/);
  assert.match(npmAdvice('npm error code E404') ?? '', /refuses a package/);
  assert.match(npmAdvice('npm error code EACCES') ?? '', /may not write/);
  assert.match(npmAdvice('npm error code ENOSPC') ?? '', /disk is full/);
  assert.match(npmAdvice('npm error code SELF_SIGNED_CERT_IN_CHAIN') ?? '', /NODE_EXTRA_CA_CERTS/);
  assert.equal(npmAdvice('npm error code ELIFECYCLE'), undefined);
});
