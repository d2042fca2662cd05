/** test_scripts, run as a person runs them: all of them against a running product, every route called by one. */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { z } from 'zod';
import { cacheFolder, programFolders, systemVariables } from '../../devstack/environment.ts';
import { claimPort } from '../../devstack/ports.ts';
import { findProgram } from '../../devstack/sources.ts';
import { type Product, startProduct } from '../e2e/product.ts';
import { pythonWithClients } from '../vendor-clients/python-clients.ts';

const SCRIPTS = join(import.meta.dirname, '../../test_scripts');
const RUN_TIMEOUT_MS = 4 * 60_000;
/** Among the ports from which tests take theirs. */
const FIRST_RECEIVER_PORT = 21_000;
const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete']);

let product: Product;
let stateFolder: string;
let python: string;
/** Where the script that tries webhooks may listen. */
let receiver: string;
before(async () => {
  python = await pythonWithClients();
  const { port } = await claimPort(FIRST_RECEIVER_PORT, join(cacheFolder(), 'ports'));
  receiver = `127.0.0.1:${port}`;
  product = await startProduct({ name: 'scripts', settings: { WEBHOOK_PRIVATE_HOSTS: receiver } });
  stateFolder = mkdtempSync(join(tmpdir(), 'test-scripts-'));
});
after(async () => {
  await product.close();
  rmSync(stateFolder, { recursive: true });
});

function runAll(chosen: readonly string[], settings: Record<string, string> = {}) {
  return execa(join(SCRIPTS, 'run-all.sh'), chosen, {
    extendEnv: false,
    env: {
      ...systemVariables(),
      BASE_URL: apiUrl(),
      STATE: stateFolder,
      ROOT_PASSWORD: product.rootPassword,
      PAYMENT_SECRET: product.config.PAYMENT_SECRET,
      WEBHOOK_RECEIVER: receiver,
      PYTHON: python,
      NO_PROXY: '127.0.0.1',
      ...settings,
    },
    timeout: RUN_TIMEOUT_MS,
    reject: false,
    all: true,
  });
}

function apiUrl(): string {
  return product.apis[0]?.url ?? '';
}

test('every script passes, and together they call every route with success', async () => {
  const files = globSync(['*/*.sh', 'python/*.py'], { cwd: SCRIPTS }).filter((file) => !file.endsWith('settings.py'));
  const result = await runAll([]);
  assert.equal(result.exitCode, 0, result.all);
  assert.match(result.stdout, new RegExp(`^${files.length} passed, 0 failed$`, 'm'));
  // Only Alipay can sign what this one takes.
  assert.deepEqual(await routesNeverAnswered(), ['POST /v1/payments/alipay/notify']);
});

test('a script that fails is named, with what it said', async () => {
  const result = await runAll(['users/list'], { ROOT_PASSWORD: 'not-the-password' });
  assert.equal(result.exitCode, 1);
  assert.match(result.stdout, /^failed: auth\/login-root\.sh$/m);
  assert.match(result.stdout, /401001/);
});

test('the scripts are sound shell, by shellcheck where it is installed', async () => {
  const files = globSync('**/*.sh', { cwd: SCRIPTS });
  assert.ok(files.length > 50);
  for (const file of files) await execa('bash', ['-n', file], { cwd: SCRIPTS });
  const shellcheck = findProgram(['shellcheck'], programFolders());
  if (shellcheck)
    await execa(shellcheck, ['--external-sources', '--source-path=SCRIPTDIR', ...files], { cwd: SCRIPTS });
});

const documentSchema = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** Routes of the API's own description that its metrics have not seen answered with success; `/` redirects. */
async function routesNeverAnswered(): Promise<string[]> {
  const document = documentSchema.parse(await (await fetch(`${apiUrl()}/openapi.json`)).json());
  const metrics = await (await fetch(`${apiUrl()}/metrics`)).text();
  const answered = new Set(
    [
      ...metrics.matchAll(/^http_request_duration_seconds_count\{method="(\w+)",route="([^"]+)",status="[23]\d\d"\}/gm),
    ].map(([, method, route]) => `${method?.toUpperCase()} ${route}`),
  );
  return Object.entries(document.paths)
    .flatMap(([path, operations]) =>
      Object.keys(operations)
        .filter((method) => METHODS.has(method))
        .map((method) => `${method.toUpperCase()} ${path}`),
    )
    .filter((route) => !answered.has(route));
}
