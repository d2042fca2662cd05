import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { allTestFiles, breaksServers, inGroups, LONG, NAMED, needsServers, partOf, testFilesIn } from './test-files.ts';

const CHECKOUT = dirname(import.meta.dirname);

test('what is named by its path is there', () => {
  const all = new Set(allTestFiles());
  assert.deepEqual(
    NAMED.filter((file) => !all.has(file)),
    [],
  );
  assert.ok(
    LONG.every((file) => !breaksServers(file)),
    'what breaks servers begins first in any case',
  );
});

test('files that share a product are together, each file is in one group, none that breaks servers with one that does not', () => {
  const groups = inGroups(allTestFiles());
  assert.deepEqual(groups.flat().sort(), allTestFiles());
  assert.ok(groups.some((group) => group.length > 1 && group.includes('test/e2e/line.test.ts')));
  assert.deepEqual(
    groups.filter((group) => group.some(breaksServers) && !group.every(breaksServers)),
    [],
  );
  assert.deepEqual(inGroups(['test/e2e/line.test.ts']), [['test/e2e/line.test.ts']]);
});

test('files and folders by their paths from where the command was called, each once', () => {
  const folder = join(CHECKOUT, 'test');
  const found = testFilesIn(['e2e/line.test.ts', 'e2e', '../devstack/claims.test.ts'], folder);
  assert.ok(found.includes('test/e2e/crash.test.ts') && found.includes('devstack/claims.test.ts'));
  assert.equal(found.filter((file) => file === 'test/e2e/line.test.ts').length, 1);
  assert.ok(found.every((file) => file === 'devstack/claims.test.ts' || file.startsWith('test/e2e/')));
  assert.deepEqual(testFilesIn(['.'], CHECKOUT), allTestFiles());
  assert.deepEqual(testFilesIn([join(CHECKOUT, 'devstack/claims.test.ts')], '/'), ['devstack/claims.test.ts']);
});

test('a path without tests is refused by name', () => {
  assert.throws(() => testFilesIn(['no-such'], CHECKOUT), /^Error: no-such: there is no such file or folder$/);
  assert.throws(() => testFilesIn(['devstack/go'], CHECKOUT), /devstack\/go: no test file is in it/);
  assert.throws(() => testFilesIn(['devstack/claims.ts'], CHECKOUT), /devstack\/claims\.ts: is no test file/);
});

test('a file belongs to a part by its folder, and needs servers under test/ only', () => {
  const parts = ['core/ledger/money.test.ts', 'test/e2e/line.test.ts', 'test/chaos/jobs.test.ts'].map(partOf);
  assert.deepEqual(parts, ['unit', 'stack', 'chaos']);
  assert.ok(needsServers('test/e2e/line.test.ts') && !needsServers('test/docs/fresh-clone.test.ts'));
});
