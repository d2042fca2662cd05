import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentSchema } from './config.ts';
import { configurationReference } from './config-reference.ts';

const source = readFileSync(join(import.meta.dirname, 'config.ts'), 'utf8');

test('docs/configuration.md is what infra/config.ts says', () => {
  const written = readFileSync(join(import.meta.dirname, '../docs/configuration.md'), 'utf8');
  assert.equal(written, configurationReference(source), 'run: npx node devstack/write-configuration.ts');
});

test('every setting has its row, and no row shows a secret', () => {
  const reference = configurationReference(source);
  for (const name of Object.keys(environmentSchema.shape)) assert.ok(reference.includes(`| \`${name}\` |`), name);
  assert.doesNotMatch(reference, /llmproxy:|local-development-only|123456/);
  assert.match(reference, /`ORDER_TTL` \| `30m` \| An order not paid/);
  assert.match(reference, /`JWT_SECRET` .*Must be set/);
});

test('every setting says what it means', () => {
  const rows = configurationReference(source).matchAll(/^\| `(\w+)` \| .*? \| (.*) \|$/gm);
  const silent = [...rows].flatMap(([, name, meaning]) => (meaning?.trim() === '' ? [name] : []));
  assert.deepEqual(silent, []);
  assert.match(
    configurationReference(source),
    /`WORKER_BUILD_ID` .* Names the build .* Empty: all workers share it\. \|/,
  );
});
