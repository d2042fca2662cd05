/** Every connection to a server is made in one place, where its address, user and TLS settings are combined. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const CONNECTS =
  /\b(createConnection|createPool|openUri|mongoose\.connect|NativeConnection\.connect|Connection\.(?:connect|lazy)|new (?:Redis|Sequelize|MongoClient))\(/;
const MAKERS = [
  'infra/mongo/connection.ts',
  'infra/mysql/connection.ts',
  'infra/mysql/sequelize.ts',
  'infra/redis/connection.ts',
  'infra/temporal/client.ts',
];

test('nobody else connects to MySQL, Redis, MongoDB or Temporal', () => {
  const files = globSync('{activities,core,api,cli,devstack,infra,workers}/**/*.ts', { cwd: ROOT }).filter(
    (file) => !file.endsWith('.test.ts'),
  );
  const connecting = files.filter((file) => CONNECTS.test(readFileSync(join(ROOT, file), 'utf8')));
  // The local stack and the worker use the options of infra/temporal.
  const withOptions = connecting.filter((file) => !MAKERS.includes(file));
  for (const file of withOptions) {
    const calls = readFileSync(join(ROOT, file), 'utf8').match(new RegExp(`${CONNECTS.source}.*`, 'g'));
    for (const call of calls ?? []) assert.match(call, /\(temporalOptions\(/, file);
  }
  assert.deepEqual(withOptions.toSorted(), ['devstack/temporal.ts', 'workers/main.ts']);
  assert.deepEqual(connecting.filter((file) => MAKERS.includes(file)).toSorted(), MAKERS);
});
