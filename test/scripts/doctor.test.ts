/** `npm run doctor` against the servers of this run, and against none. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { systemVariables } from '../../devstack/environment.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { startProduct } from '../e2e/product.ts';

/** A busy machine, not the server. */
const LATE = /ETIMEDOUT|timed out|does not answer/;
const DOCTOR = join(import.meta.dirname, '../../cli/doctor.ts');

async function doctor(settings: Record<string, string>) {
  const env = { ...systemVariables(), ...settings };
  return execa(process.execPath, [DOCTOR], { extendEnv: false, env, reject: false, timeout: 60_000 });
}

/** The same once no server is too slow for it. */
async function doctorInTime(settings: Record<string, string>) {
  for (;;) {
    const found = await doctor(settings);
    if (!LATE.test(found.stdout)) return found;
  }
}

test('an installation that works is called well', async () => {
  const product = await startProduct({ name: 'doctor', worker: false });
  try {
    const settings = { ...product.stack.environment, DB_NAME: product.config.DB_NAME };
    const { exitCode, stdout } = await doctorInTime(settings);
    assert.equal(exitCode, 0, stdout);
    for (const part of ['Settings', 'MySQL', 'Redis', 'MongoDB', 'Temporal', 'Images', 'Traces']) {
      assert.match(stdout, new RegExp(`^✔ ${part} `, 'm'));
    }
    assert.match(stdout, /All is well\.$/);
  } finally {
    await product.close();
  }
});

test('servers that are away are named with what to do, and no password is shown', async () => {
  const { exitCode, stdout } = await doctor({
    DB_HOST: '127.0.0.1',
    DB_PORT: '1',
    DB_PASSWORD: 'a-secret-password',
    REDIS_PORT: '1',
    MONGODB_URI: 'mongodb://user:a-secret-password@127.0.0.1:1/usage',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    REDIS_PASSWD: 'misspelt',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=a-secret-password',
  });
  assert.equal(exitCode, 1);
  for (const part of ['MySQL', 'Redis', 'MongoDB', 'Temporal']) {
    assert.match(stdout, new RegExp(`^✖ ${part} .*\\n +→ Start ${part}`, 'm'));
  }
  assert.match(stdout, /^✖ Traces .*\n +→ Start the collector/m);
  assert.match(stdout, /REDIS_PASSWD is not a setting/);
  assert.doesNotMatch(stdout, /a-secret-password/);
});

test('a database without tables and production without secrets are reported', async () => {
  const empty = await doctorInTime({ ...testStack().environment, DB_NAME: 'a_database_that_is_not_there' });
  assert.match(empty.stdout, /has no tables yet\n +→ Run: npm run migrate/);
  const production = await doctor({ NODE_ENV: 'production', DB_HOST: '127.0.0.1' });
  assert.match(production.stdout, /^✖ Settings +JWT_SECRET: must be set/m);
  assert.equal(production.exitCode, 1);
});
