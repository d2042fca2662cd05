/** Values of the database are read in one place only: of all folders that may read them, none parses them by itself. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

test('no store asks the driver for rows, or reads its values, by itself', () => {
  const root = join(import.meta.dirname, '..');
  const files = globSync('{activities,core,api,cli,workers}/**/*.ts', { cwd: root }).filter(
    (file) => !/\.(test|fixture)\.ts$/.test(file),
  );
  const asks = /QueryTypes|\bz\.coerce\.boolean|\.query<\{/;
  // A file that reads rows, or gets what a store has read, has no other values to parse.
  const isStore = /infra\/mysql\/(?:rows|statements)\.ts'|[sS]tore\.ts'|\/store\.ts'|DataTypes/;
  const parses = /\bJSON\.parse\(|\bz\.coerce\b|\b(?:Number|BigInt|Boolean|parseInt|parseFloat)\((?:\w+\??\.)+\w+\)/;
  // Redis, a provider's answer, settings, a query.
  const OTHER_ORIGIN = ['core/key-pool/', 'core/accounts/key-limit', 'core/catalog/upstream-models', 'api/routes/jobs'];
  assert.ok(files.length > 200);
  const wrong = files.filter((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const parsesItself = parses.test(text) && isStore.test(text) && !OTHER_ORIGIN.some((each) => file.startsWith(each));
    return asks.test(text) || parsesItself;
  });
  assert.deepEqual(wrong, []);
});
