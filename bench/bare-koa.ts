/**
 * What the gateway is measured against: Koa that forwards each request to the upstream, returns its answer and stores
 * nothing. `node bench/bare-koa.ts PORT UPSTREAM_URL`.
 */
import type { IncomingMessage } from 'node:http';
import Koa from 'koa';
import { Pool } from 'undici';

const [port = '0', upstream = ''] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: null });
const app = new Koa();

app.use(async (ctx) => {
  if (ctx.path === '/healthz') {
    ctx.body = 'ok';
    return;
  }
  const answer = await pool.request({
    path: ctx.url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: await bodyOf(ctx.req),
  });
  ctx.status = answer.statusCode;
  ctx.set('content-type', String(answer.headers['content-type']));
  // The whole answer in one piece, because piping a stream costs more than everything else.
  ctx.body = answer.headers['content-length'] === undefined ? answer.body : Buffer.from(await answer.body.bytes());
});

function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}

app.listen(Number(port), '127.0.0.1');
