/** Several API processes behind one port: API_PROCESSES. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { startService } from '../../devstack/services.ts';
import { type Customer, call, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';

const listeningSchema = z.object({
  msg: z.literal('api listening'),
  time: z.iso.datetime(),
  process: z.number(),
  pid: z.number(),
});
/** The log may have lines of an earlier run. */
const begun = new Date().toISOString();
/** Nothing was heard of a call for so long. */
const HANGS_MS = 120_000;
/** Each request over a connection of its own, so that each process gets some, and none meets one that is closing. */
const fresh = new Agent({ keepAlive: false, maxSockets: 8 });

let product: Product;
let url: string;
let customer: Customer;
before(async () => {
  product = await startProduct({
    name: 'several',
    worker: false,
    settings: { API_PROCESSES: '2', REGISTRATION_GRANT: '10' },
  });
  url = product.apis[0]?.url ?? '';
  customer = await newCustomer(product.apis[0]);
});
after(() => product.close());

/** Those that ever listened, oldest first. */
function processes(): z.infer<typeof listeningSchema>[] {
  const lines = readFileSync(product.apis[0]?.logFile ?? '', 'utf8').split('\n');
  return lines.flatMap((line) => {
    try {
      const { data: found } = listeningSchema.safeParse(JSON.parse(line));
      return found && found.time >= begun ? found : [];
    } catch {
      return [];
    }
  });
}

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function metrics(): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

const bothListen = async () => /^api_processes_listening 2$/m.test(await metrics());

function chat(): Promise<number | undefined> {
  const headers = { 'access-key': customer.key, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/chat`, { method: 'POST', headers, agent: fresh }, (answer) => {
      text(answer).then(() => resolve(answer.statusCode), reject);
    });
    sent.on('error', reject);
    sent.setTimeout(HANGS_MS, () => sent.destroy(new Error(`no answer in ${HANGS_MS} ms`)));
    sent.end(JSON.stringify({ userMessage: 'Hello' }));
  });
}

async function charges(): Promise<number> {
  const [row] = await product.rows(`SELECT COUNT(*) AS n FROM transfers WHERE kind = 'charge'`);
  return Number(row?.n);
}

test('both take requests, spend one balance, and one scrape shows both', async () => {
  await until('two processes listen', () => processes().length === 2);
  await until('both are known to listen', bothListen);
  let calls = 0;
  await until('both have served', async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, chat));
    calls += answers.length;
    assert.deepEqual(new Set(answers), new Set([200]));
    const said = await metrics();
    return processes().every(({ process }) =>
      new RegExp(`^http_request_duration_seconds_count\\{.*route="/v1/chat".*process="${process}"\\} [1-9]`, 'm').test(
        said,
      ),
    );
  });
  assert.match(await metrics(), /^api_processes_wanted 2$/m);
  assert.equal(await charges(), calls);
});

test('one that is killed under load is replaced; each caller is answered or cut off, none waits for ever', async () => {
  const [killed] = processes();
  assert.ok(killed);
  const before = await charges();
  let answered = 0;
  let isReplaced = false;
  const callers = Array.from({ length: 8 }, async () => {
    while (!isReplaced) {
      const status = await chat().catch((error: NodeJS.ErrnoException) => error.code);
      assert.ok(status === 200 || status === 'ECONNRESET', String(status));
      if (status === 200) answered += 1;
    }
  });
  await until('calls are under way', () => answered > 8);
  process.kill(killed.pid, 'SIGKILL');
  const bothAgain = async () => processes().length === 3 && (await bothListen());
  await until('another one listens', bothAgain).finally(() => {
    isReplaced = true;
  });
  await Promise.all(callers);
  assert.match(await metrics(), /^api_processes_replaced_total 1$/m);
  const charged = (await charges()) - before;
  assert.ok(charged >= answered && charged <= answered + callers.length, `${answered} answered, ${charged} charged`);
});

test('SIGHUP replaces one after the other while calls go on', async () => {
  const old = processes().filter(({ pid }) => isRunning(pid));
  const chargedBefore = await charges();
  let calls = 0;
  let isReplaced = false;
  const callers = Array.from({ length: 3 }, async () => {
    while (!isReplaced) {
      assert.equal(await chat(), 200);
      calls += 1;
    }
  });
  await product.apis[0]?.kill('SIGHUP');
  const areReplaced = async () => !old.some(({ pid }) => isRunning(pid));
  await until('the old ones have ended', areReplaced).finally(() => {
    isReplaced = true;
  });
  await Promise.all(callers);
  assert.equal(processes().filter(({ pid }) => isRunning(pid)).length, 2);
  assert.match(await metrics(), /^api_processes_replaced_total 1$/m);
  assert.equal((await charges()) - chargedBefore, calls);
});

test('they end with the one that started them, in good order or not', async () => {
  const api = product.apis[0];
  await api?.stop();
  assert.deepEqual(
    processes().filter(({ pid }) => isRunning(pid)),
    [],
  );
  await api?.start();
  await until('both listen again', async () => processes().filter(({ pid }) => isRunning(pid)).length === 2);
  const running = processes().filter(({ pid }) => isRunning(pid));
  await api?.kill('SIGKILL');
  await until('none is left', async () => !running.some(({ pid }) => isRunning(pid)));
  await api?.start();
  assert.equal((await call(api, 'GET', '/v1/auth/me', { token: customer.token })).code, 200);
});

test('they end when they are told to, also while one cannot start', async () => {
  const preload = "import cluster from 'node:cluster'; if ((cluster.worker?.id ?? 0) > 1) process.exit(7);";
  const service = await startService({
    ...{ kind: 'api', name: 'several-broken', dataFolder: product.stack.dataFolder },
    environment: {
      ...product.environment,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
    },
  });
  const log = () => readFileSync(service.logFile, 'utf8');
  await until('the second one has failed', () => log().includes('another one is tried'));
  await service.stop();
  assert.match(log(), /"process":1,"signal":"SIGTERM".*"msg":"api stopping"/);
});
