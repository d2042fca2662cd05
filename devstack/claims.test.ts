import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import { claimOwner, tryClaim, waitForClaim } from './claims.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'claims-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const file = () => join(mkdtempSync(join(SCRATCH, 'claims-')), 'lock');

test('one holder at a time, named by its pid', () => {
  const path = file();
  const claim = tryClaim(path);
  assert.ok(claim);
  assert.equal(claimOwner(path)?.pid, process.pid);
  assert.equal(tryClaim(path), undefined);
  claim.release();
  assert.equal(claimOwner(path), undefined);
  assert.ok(tryClaim(path));
});

test('the claim of a process that ended without releasing it is taken over, and nothing else is left', () => {
  const path = file();
  const module = join(import.meta.dirname, 'claims.ts');
  const code = `const { tryClaim } = await import(${JSON.stringify(module)});
    if (!tryClaim(${JSON.stringify(path)})) process.exit(3);
    process.kill(process.pid, 'SIGKILL');`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', code]);
  assert.equal(child.signal, 'SIGKILL');
  assert.ok(tryClaim(path));
  assert.deepEqual(readdirSync(join(path, '..')), ['lock']);
});

test('of processes that take over the same claims at once each claim has one', async () => {
  const folder = dirname(file());
  const paths = Array.from({ length: 300 }, (_, index) => join(folder, `lock-${index}`));
  for (const path of paths) writeFileSync(path, '{"pid":1,"started":"long ago"}');
  const module = join(import.meta.dirname, 'claims.ts');
  const code = `const { tryClaim } = await import(${JSON.stringify(module)});
    process.send('ready');
    process.once('message', (paths) => process.send(paths.filter((path) => tryClaim(path))));
    process.once('disconnect', () => process.exit());`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const said = () => Promise.all(children.map(async (child) => (await once(child, 'message'))[0]));
  try {
    await said();
    const won = said();
    for (const child of children) child.send(paths);
    const taken: string[] = z
      .array(z.array(z.string()))
      .parse(await won)
      .flat();
    assert.deepEqual(taken.sort(), [...paths].sort());
    assert.deepEqual(readdirSync(folder).length, paths.length, 'nothing else is left');
  } finally {
    for (const child of children) child.kill();
  }
});

test('a file that names nobody is taken over', () => {
  const path = file();
  writeFileSync(path, 'not a claim');
  assert.ok(tryClaim(path));
});

test('a claim that was taken over is not released by its former holder', () => {
  const path = file();
  const former = tryClaim(path);
  writeFileSync(path, '{"pid":1,"started":"long ago"}');
  const now = tryClaim(path);
  assert.ok(now);
  former?.release();
  assert.equal(claimOwner(path)?.pid, process.pid);
});

test('a waiting one gets it on release, is told once whom it waits for, and gives up when told to', async () => {
  const path = file();
  const claim = tryClaim(path);
  const owners: number[] = [];
  const waiting = waitForClaim(path, {
    pollMs: 5,
    onWait: (owner) => {
      owners.push(owner.pid);
      claim?.release();
    },
  });
  const next = await waiting;
  assert.deepEqual(owners, [process.pid]);
  const abort = new AbortController();
  const stopped = waitForClaim(path, { pollMs: 5, signal: abort.signal, onWait: () => abort.abort() });
  await assert.rejects(stopped, { name: 'AbortError' });
  next.release();
});
