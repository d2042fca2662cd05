/**
 * What asynchronous chat is measured against: POST starts a workflow whose one activity calls the upstream. `/result` is
 * answered with the workflow's result, as its client has it; `/activity` already when the activity has its answer, which
 * no client of a workflow can know. Nothing is kept.
 * `node bench/bare-worker.ts PORT UPSTREAM TEMPORAL NAMESPACE BODY`.
 */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
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

function start(workflowId: string): Promise<WorkflowHandle> {
  return client.workflow.start('bareChat', { workflowId, taskQueue });
}

function nextId(): string {
  started += 1;
  return `${taskQueue}-${started}`;
}

async function untilActivityEnd(): Promise<void> {
  const workflowId = nextId();
  const ended = new Promise<void>((resolve) => waiting.set(workflowId, resolve));
  await start(workflowId);
  await ended;
  waiting.delete(workflowId);
}

async function untilResult(): Promise<void> {
  await (await start(nextId())).result();
}

const RUNS: Readonly<Record<string, () => Promise<void>>> = {
  '/activity': untilActivityEnd,
  '/result': untilResult,
};

const server = createServer((request, response) => {
  if (request.url === '/healthz') {
    response.end('ok');
    return;
  }
  const run = RUNS[request.url ?? ''];
  if (!run) {
    response.writeHead(404).end();
    return;
  }
  run().then(
    () => response.end('done'),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(Number(port), '127.0.0.1');
await worker.run();
