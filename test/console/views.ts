/** The views of the console as its own list has them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

function viewsOfConsole(): { path: string; roles: string }[] {
  const source = readFileSync(join(import.meta.dirname, '../../console/src/views.tsx'), 'utf8');
  const views = [...source.matchAll(/path: '(\/[^']*)',[^}]*?roles: (\w+)/g)];
  assert.equal(views.length, source.match(/path: '/g)?.length, 'each view is found');
  return views.map(([, path = '', roles = '']) => ({ path, roles }));
}

/** Paths, and which roles see each. */
export const VIEWS = viewsOfConsole();
