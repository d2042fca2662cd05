import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cached, isCached } from './cache.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'cache-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const entry = { name: 'server', version: '1.2-linux' };
const newCache = () => mkdtempSync(join(SCRATCH, 'cache-'));

test('is built once and then found', async () => {
  const cache = newCache();
  let builds = 0;
  const build = async (folder: string) => {
    builds += 1;
    writeFileSync(join(folder, 'program'), 'whole');
  };
  assert.equal(isCached(cache, entry), false);
  const folder = await cached(cache, entry, build);
  assert.equal(folder, join(cache, 'server-1.2-linux'));
  assert.equal(await cached(cache, entry, build), folder);
  assert.equal(builds, 1);
  assert.deepEqual(readdirSync(join(cache, 'work')), []);
});

test('is not there while it is built, nor after a build that failed', async () => {
  const cache = newCache();
  const build = async (folder: string) => {
    writeFileSync(join(folder, 'program'), 'half');
    assert.equal(isCached(cache, entry), false);
    throw new Error('no compiler');
  };
  await assert.rejects(cached(cache, entry, build), /no compiler/);
  assert.equal(isCached(cache, entry), false);
  assert.deepEqual(readdirSync(join(cache, 'work')), []);
});

test('two that ask at once build once', async () => {
  const cache = newCache();
  let builds = 0;
  let waits = 0;
  const build = async (folder: string) => {
    builds += 1;
    // Goes on only when the other one has been seen waiting.
    while (waits === 0) await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(join(folder, 'program'), 'whole');
  };
  const ask = () => cached(cache, entry, build, { onWait: () => (waits += 1) });
  const folders = await Promise.all([ask(), ask()]);
  assert.equal(builds, 1);
  assert.equal(folders[0], folders[1]);
});

test('a build killed with -9 leaves no entry, and the next one clears what it left', async () => {
  const cache = newCache();
  const code = `const { cached } = await import(${JSON.stringify(join(import.meta.dirname, 'cache.ts'))});
    const { writeFileSync } = await import('node:fs');
    await cached(${JSON.stringify(cache)}, ${JSON.stringify(entry)}, async (folder) => {
      writeFileSync(folder + '/program', 'half');
      console.log('at work');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(isCached(cache, entry), false);
  assert.equal(readdirSync(join(cache, 'work')).length, 2);
  const folder = await cached(cache, entry, async (work) => {
    assert.equal(existsSync(join(work, 'program')), false);
    writeFileSync(join(work, 'program'), 'whole');
  });
  assert.equal(readFileSync(join(folder, 'program'), 'utf8'), 'whole');
  assert.deepEqual(readdirSync(join(cache, 'work')), []);
});
