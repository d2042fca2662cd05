import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { identify, isRunning, ownIdentity, parseIdentity } from './process-identity.ts';

test('a process is known while it runs, and not after it', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  const identity = identify(child.pid ?? 0);
  assert.ok(identity);
  assert.equal(isRunning(identity), true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(isRunning(identity), false);
  assert.equal(identify(identity.pid), undefined);
});

test('another process with the same pid is another one', () => {
  const own = ownIdentity();
  assert.equal(isRunning(own), true);
  assert.equal(isRunning({ ...own, started: `${own.started}0` }), false);
});

test('its text is read back, and no other text is taken for one', () => {
  const own = ownIdentity();
  assert.deepEqual(parseIdentity(JSON.stringify(own)), own);
  for (const text of ['', '17', 'null', '{"pid":"17","started":"x"}', '{"pid":17}', '{"pid":17,']) {
    assert.equal(parseIdentity(text), undefined);
  }
});
