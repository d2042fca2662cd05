import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { addCounts, countLine, failuresIn, readCounts, runTestFiles } from './test-run.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'test-run-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const counts = { passed: 3, failed: 0, cancelled: 0, skipped: 0, todo: 0 };

test('counts are added up; cancelled tests have failed, todo counts as skipped', () => {
  const first = readCounts(JSON.stringify({ ...counts, cancelled: 1, todo: 1, skipped: 1 }), 1);
  const sum = addCounts([first, { passed: 1, failed: 0, skipped: 0 }]);
  assert.equal(countLine(sum), '4 passed, 1 failed, 2 skipped');
  assert.equal(countLine({ passed: 4, failed: 0, skipped: 0 }), '4 passed, 0 failed');
});

test('a run that ends badly has failed, whatever it counted', () => {
  assert.equal(readCounts(undefined, 1).failed, 1);
  assert.equal(readCounts(undefined, undefined).failed, 1);
  assert.equal(readCounts(JSON.stringify(counts), 7).failed, 1);
  assert.equal(readCounts(JSON.stringify(counts), 0).failed, 0);
});

test('test files run with the given environment and are counted, a file that does not load too', async () => {
  const folder = mkdtempSync(join(SCRATCH, 'test-run-'));
  const write = (name: string, code: string) => {
    writeFileSync(
      join(folder, name),
      `import { after, test } from 'node:test'; import assert from 'node:assert';\n${code}`,
    );
    return join(folder, name);
  };
  const files = [
    write('a.test.mjs', "test('passes', () => assert.equal(process.env.TEST_STACK, 'here')); test.skip('skipped');"),
    write('b.test.mjs', "test('fails', () => assert.fail('no'));"),
    write('c.test.mjs', "throw new Error('does not load');"),
  ];
  const { signal } = new AbortController();
  const options = {
    checkout: folder,
    scratchFolder: folder,
    environment: { TEST_STACK: 'here' },
    timeoutMs: 30_000,
    totalTimeoutMs: 60_000,
    signal,
  };
  const together = await runTestFiles(files, options);
  assert.deepEqual(together.counts, { passed: 1, failed: 2, skipped: 1 });
  assert.match(together.output, /✔ passes[\s\S]*✖ fails/);
  const alone = await Promise.all(files.map((file) => runTestFiles([file], options)));
  assert.deepEqual(
    alone.map(({ counts }) => counts),
    [
      { passed: 1, failed: 0, skipped: 1 },
      { passed: 0, failed: 1, skipped: 0 },
      { passed: 0, failed: 1, skipped: 0 },
    ],
  );
  const [passes = '', fails = '', doesNotLoad = ''] = alone.map(({ output }) => failuresIn(output));
  assert.doesNotMatch(passes, /✖/);
  assert.match(fails, /✖ fails[\s\S]*AssertionError.*: no/);
  assert.match(doesNotLoad, /does not load/);
});

test('of what a failed check says, the end is shown', () => {
  const lines = Array.from({ length: 200 }, (_, index) => `line ${index}`);
  assert.equal(failuresIn(lines.join('\n')).split('\n').at(-1), 'line 199');
  assert.ok(failuresIn(lines.join('\n')).length < 1_000);
});
