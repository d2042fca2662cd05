import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES } from './errors.ts';

test('the guide lists the codes that there are, and no others', () => {
  const guide = readFileSync(join(import.meta.dirname, '../docs/api-guide.md'), 'utf8');
  const rows = guide.slice(guide.indexOf('\n## Errors')).matchAll(/^\| \d{3}[\d, ]* \| ([^|]+) \|/gm);
  const listed = [...rows].flatMap(([, codes = '']) => codes.match(/\d{3,6}/g) ?? []).map(Number);
  const ascending = (codes: readonly number[]) => [...codes].sort((a, b) => a - b);
  assert.deepEqual(ascending(listed), ascending(ERROR_CODES));
});
