import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

test('every resource that declares routes is part of the application, and so of its document', () => {
  const folder = join(import.meta.dirname, 'routes');
  const declared = readdirSync(folder)
    .filter((name) => /^[\w-]+\.ts$/.test(name))
    .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/export function (\w+Routes)\(/g)])
    .map((match) => match[1] ?? '');
  const application = readFileSync(join(import.meta.dirname, 'routes.ts'), 'utf8');
  assert.ok(declared.length > 5);
  assert.deepEqual(
    declared.filter((name) => !application.includes(`...${name}(`)),
    [],
  );
});
