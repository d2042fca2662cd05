import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

test('every resource that declares routes is part of the application, and so of its document', () => {
  const folder = join(import.meta.dirname, 'routes');
  const files = readdirSync(folder)
    .filter((name) => /^[\w-]+\.ts$/.test(name))
    .map((name) => join(folder, name));
  const resources = files.map((file) => readFileSync(file, 'utf8'));
  const texts = [...resources, readFileSync(join(import.meta.dirname, 'routes.ts'), 'utf8')];
  const declared = resources.flatMap((text) =>
    [...text.matchAll(/export function (\w+Routes)\(/g)].map(([, name]) => name),
  );
  assert.ok(declared.length > 10);
  const missing = declared.filter((name) => !texts.some((text) => text.includes(`...${name}(`)));
  assert.deepEqual(missing, []);
});
