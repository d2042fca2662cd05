import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import Koa from 'koa';
import { createLogger } from '../../infra/logger.ts';
import type { ApiState } from '../http/route-input.ts';
import { consolePages } from './console.ts';
import { errorAnswers } from './errors.ts';
import { traceIds } from './observe.ts';

const PAGE = '<meta name="console-nonce" content="{{nonce}}"><meta name="console-settings" content="{{settings}}">';
const SCRIPT = 'console.log("a script")';

const folder = mkdtempSync(join(tmpdir(), 'console-'));
const built = join(folder, 'dist');
const settings = {
  APP_TIME_ZONE: 'Asia/Shanghai',
  CURRENCY: 'CNY',
  PAYMENT_SANDBOX: true,
  publicUrl: 'http://"quoted"$&<api>.test',
};
let port = 0;

const app = new Koa<ApiState>();
app.use(traceIds());
app.use(errorAnswers(createLogger('silent')));
app.use(consolePages(settings, built));
app.use((ctx) => {
  ctx.body = 'the routes';
});
const server = createServer(app.callback());

before(async () => {
  writeFileSync(join(folder, 'secret.js'), 'beside the folder');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : assert.fail('no port');
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** The path goes out as it is: `fetch` would tidy it. */
async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const asked = request({ port, host: '127.0.0.1', path, headers, method, agent: false });
  asked.end();
  const [answer] = await once(asked, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return { status: Number(answer.statusCode), headers: answer.headers, body: Buffer.concat(chunks) };
}

test('a console that is not built says how it is built, and is found once it is', async () => {
  const missing = await get('/console');
  assert.equal(missing.status, 404);
  assert.match(missing.body.toString(), /npm start builds it/);
  mkdirSync(join(built, 'assets'), { recursive: true });
  writeFileSync(join(built, 'index.html'), PAGE);
  writeFileSync(join(built, 'icon.svg'), '<svg/>');
  writeFileSync(join(built, 'STAMP'), 'hash');
  writeFileSync(join(built, 'assets/main-1a2b.js'), SCRIPT);
  writeFileSync(join(built, 'assets/main-1a2b.js.gz'), gzipSync(SCRIPT));
  writeFileSync(join(built, 'assets/main-1a2b.js.br'), 'brotli');
  assert.equal((await get('/console')).status, 200);
});

test('each view is the page, with a policy of its own nonce, settings as text, and nothing that is kept', async () => {
  const nonces = new Set<string>();
  for (const path of ['/console', '/console/', '/console/orders?page=2', '/console/%2e%2e/secret', '/console/STAMP']) {
    const { status, headers, body } = await get(path);
    assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8'], path);
    assert.equal(headers['cache-control'], 'no-cache');
    const policy = String(headers['content-security-policy']);
    const nonce = /style-src 'self' 'nonce-([^']+)'/.exec(policy)?.[1] ?? assert.fail(policy);
    for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
      assert.ok(policy.split('; ').includes(part), policy);
    }
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    nonces.add(nonce);
    assert.equal(
      body.toString(),
      `<meta name="console-nonce" content="${nonce}"><meta name="console-settings" content="` +
        '{&quot;timeZone&quot;:&quot;Asia/Shanghai&quot;,&quot;currency&quot;:&quot;CNY&quot;,&quot;paymentSandbox&quot;:true,' +
        '&quot;publicUrl&quot;:&quot;http://\\&quot;quoted\\&quot;$&amp;&lt;api>.test&quot;}">',
    );
  }
  assert.equal(nonces.size, 5);
});

test('files with a hash in their names are kept for a year, others are asked for again', async () => {
  const script = await get('/console/assets/main-1a2b.js');
  assert.equal(script.headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.equal(script.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.equal(script.body.toString(), SCRIPT);
  const icon = await get('/console/icon.svg');
  assert.deepEqual([icon.headers['cache-control'], icon.headers['content-type']], ['no-cache', 'image/svg+xml']);
});

test('a copy is sent in the encoding that the browser prefers, and caches know it', async () => {
  const asked = async (accept: string, path = '/console/assets/main-1a2b.js') => {
    const { headers, body } = await get(path, { 'accept-encoding': accept });
    return [headers['content-encoding'], headers.vary, body.toString('latin1')];
  };
  assert.deepEqual(await asked('gzip, br'), ['br', 'Accept-Encoding', 'brotli']);
  assert.deepEqual(await asked('gzip'), ['gzip', 'Accept-Encoding', gzipSync(SCRIPT).toString('latin1')]);
  assert.deepEqual(await asked('zstd'), [undefined, 'Accept-Encoding', SCRIPT]);
  assert.deepEqual(await asked('br', '/console/icon.svg'), [undefined, 'Accept-Encoding', '<svg/>']);
});

test('HEAD is answered as GET, without the body', async () => {
  const { status, headers, body } = await get('/console/assets/main-1a2b.js', {}, 'HEAD');
  assert.deepEqual([status, headers['content-length'], body.length], [200, String(SCRIPT.length), 0]);
});

test('nothing beside its own files is served, and no page stands in for a file', async () => {
  const paths = [
    '/console/../secret.js',
    '/console/%2e%2e/secret.js',
    '/console/..%2fsecret.js',
    '/console//secret.js',
  ];
  paths.push('/console/assets/../../secret.js', '/console/assets/missing-1.js', '/console/index.html', '/console/%.js');
  for (const path of paths) {
    const { status, headers, body } = await get(path);
    assert.deepEqual([status, headers['cache-control']], [404, 'no-store'], path);
    assert.doesNotMatch(body.toString(), /beside the folder|\{\{/, path);
  }
});

test('a person who follows a broken link comes to the console', async () => {
  for (const path of ['/console//evil.com', '/console/orders/x.html']) {
    const { status, headers } = await get(path, { accept: 'text/html,application/xhtml+xml' });
    assert.deepEqual([status, headers.location], [302, '/console'], path);
  }
});

test('other paths and methods are left to the routes', async () => {
  const asked = [
    get('/'),
    get('/consoles'),
    get('/v1/models'),
    get('/console', {}, 'POST'),
    get('/console', {}, 'PUT'),
  ];
  for (const { body } of await Promise.all(asked)) assert.equal(body.toString(), 'the routes');
});
