/**
 * What asynchronous chat is measured against: POST starts a workflow whose one activity calls the upstream, and is
 * answered when the activity has. Nothing is kept. `node bench/bare-worker.ts PORT UPSTREAM TEMPORAL NAMESPACE BODY`.
 */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { Pool } from 'undici';

const [port = '0', upstream = '', address = '', namespace = '', body = ''] = process.argv.slice(2);
const taskQueue = `bare-${process.pid}`;
const pool = new Pool(upstream, { connections: null });
const waiting = new Map<string, () => void>();
let started = 0;

async function callUpstream(): Promise<void> {
  const answer = await pool.request({
    path: '/v1/chat/completions',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  await answer.body.text();
  waiting.get(Context.current().info.workflowExecution?.workflowId ?? '')?.();
}

const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  namespace,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./bare-chat.workflow.ts', import.meta.url)),
  activities: { callUpstream },
});
const client = new Client({ connection: await Connection.connect({ address }), namespace });

/** Resolves with the activity's end: as with a job, whose row is there before its workflow has ended. */
async function runWorkflow(): Promise<void> {
  started += 1;
  const workflowId = `${taskQueue}-${started}`;
  const ended = new Promise<void>((resolve) => waiting.set(workflowId, resolve));
  await client.workflow.start('bareChat', { workflowId, taskQueue });
  await ended;
  waiting.delete(workflowId);
}

const server = createServer((request, response) => {
  if (request.url === '/healthz') {
    response.end('ok');
    return;
  }
  runWorkflow().then(
    () => response.end('done'),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(Number(port), '127.0.0.1');
await worker.run();
