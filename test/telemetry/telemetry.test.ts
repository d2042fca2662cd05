/** One trace of an asynchronous image job, from the HTTP request to the capture and the webhook, at a collector. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { z } from 'zod';
import { UsageStore } from '../../core/usage/usage-store.ts';
import { type Service, type ServiceKind, startService } from '../../devstack/services.ts';
import { connectMongo } from '../../infra/mongo/connection.ts';
import { readDocument } from '../docs/document.ts';
import { apiFetch } from '../e2e/api-fetch.ts';
import { type Answer, type Customer, call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { rootToken } from '../e2e/upstream.ts';
import { until } from '../until.ts';
import { type Receiver, startReceiver } from '../webhooks/receiver.ts';
import { type CollectedSpan, type Collector, startCollector, treeOf } from './collector.ts';
import { type ProviderRelay, startProviderRelay } from './relay.ts';

const PROMPT = 'a lighthouse nobody must read about';
const PROVIDER_KEYS = ['sim-secret-of-provider-1', 'sim-secret-of-provider-2'];
const accepted = z.object({ jobId: z.string() });
const logLine = z.looseObject({ msg: z.string(), traceId: z.string().optional(), jobId: z.string().optional() });

const folder = mkdtempSync(join(tmpdir(), 'telemetry-'));
const LOADED = { on: join(folder, 'on'), off: join(folder, 'off') };
const recording = (file: string) =>
  `--import=${pathToFileURL(join(import.meta.dirname, 'record-loaded.js')).href}?${file}`;
const loadedIn = (file: string) => readFileSync(file, 'utf8').trim().split('\n');

let collector: Collector;
let relay: ProviderRelay;
let receiver: Receiver;
let product: Product;
let customer: Customer;
let jobTraceId = '';
const off: Service[] = [];

before(async () => {
  collector = await startCollector();
  relay = await startProviderRelay(() => product.simulator.url);
  receiver = await startReceiver();
  product = await startProduct({
    name: 'telemetry',
    privateHosts: [relay.host],
    settings: {
      WEBHOOK_PRIVATE_HOSTS: `127.0.0.1:${receiver.port}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      REGISTRATION_GRANT: '100',
      SHUTDOWN_GRACE: '1s',
      NODE_OPTIONS: recording(LOADED.on),
    },
  });
  customer = await newCustomer(product.apis[0]);
  await addProvider();
});
after(async () => {
  await Promise.all(off.map((service) => service.stop()));
  await product.close();
  relay.close();
  receiver.close();
  collector.close();
  rmSync(folder, { recursive: true });
});

async function addProvider(): Promise<void> {
  const token = await rootToken(product);
  const post = async (path: string, body: object) => {
    const answer = await call(product.apis[0], 'POST', path, { token, body });
    assert.ok(answer.status < 300, `${path}: ${answer.message}`);
  };
  await post('/v1/providers', { name: 'painter', kind: 'openai', urlBase: `http://${relay.host}/v1` });
  for (const apiKey of PROVIDER_KEYS) await post('/v1/providers/keys', { providerName: 'painter', apiKey });
  await post('/v1/models', {
    providerName: 'painter',
    displayName: 'Painter',
    modelIdentifier: 'painter-image',
    upstreamModel: 'sim-image',
    priority: 1,
    capabilities: ['text-to-image'],
    pricing: { output: '0.02' },
  });
}

function submitImage(api: Service | undefined) {
  const body = {
    prompt: PROMPT,
    modelIdentifier: 'painter-image',
    webhookUrl: `http://127.0.0.1:${receiver.port}/ended`,
  };
  return call(api, 'POST', '/v1/async/generate-image', { key: customer.key, body });
}

const traceIdIn = (answer: { headers: Headers }) => answer.headers.get('x-trace-id') ?? '';
const ofTrace = (traceId: string) => collector.spans.filter((span) => span.traceId === traceId);

function linesOf(service: Service | undefined): z.infer<typeof logLine>[] {
  const lines = readFileSync(service?.logFile ?? '', 'utf8').split('\n');
  return lines.flatMap((line) => (line.startsWith('{') ? [logLine.parse(JSON.parse(line))] : []));
}

async function traceIdOfUsage(requestId: string): Promise<string> {
  const mongo = connectMongo(product.config, pino({ level: 'silent' }));
  try {
    const log = new UsageStore(mongo);
    const entry = async () =>
      (await log.newest({ userId: customer.userId }, 10).catch(() => [])).find((one) => one.requestId === requestId);
    await until('the job is in the usage log', async () => (await entry()) !== undefined);
    return (await entry())?.traceId ?? '';
  } finally {
    await mongo.close();
  }
}

async function completed(submitted: Answer): Promise<void> {
  const job = await jobEnd(off[0], customer.key, accepted.parse(submitted.data).jobId);
  assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
}

/** Name of a span and of all above it, up to the one that has no parent here. */
function pathOf(span: CollectedSpan | undefined, spans: readonly CollectedSpan[]): string[] {
  if (span === undefined) return [];
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [...pathOf(parent, spans), span.name];
}

function startOff(kind: ServiceKind): Promise<Service> {
  const environment = { ...product.environment, OTEL_EXPORTER_OTLP_ENDPOINT: '', NODE_OPTIONS: recording(LOADED.off) };
  return startService({ kind, name: `telemetry-off-${kind}`, dataFolder: product.stack.dataFolder, environment });
}

test('one trace leads from the request of an image job to its capture and its webhook', async () => {
  const [api] = product.apis;
  const submitted = await submitImage(api);
  const { jobId } = accepted.parse(submitted.data);
  const traceId = traceIdIn(submitted);
  jobTraceId = traceId;
  const job = await jobEnd(api, customer.key, jobId);
  assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
  assert.equal(await traceIdOfUsage(jobId), traceId, 'the usage document has the trace id');
  await until('the webhook came', async () => receiver.at('/ended').length === 1);

  // What the processes have not sent yet they send when they stop.
  const parent = { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') };
  const chat = await call(api, 'POST', '/v1/chat', {
    key: customer.key,
    body: { userMessage: PROMPT, modelIdentifier: 'sim-chat' },
    headers: { traceparent: `00-${parent.traceId}-${parent.spanId}-01` },
  });
  assert.equal(traceIdIn(chat), parent.traceId);
  const streamed = await apiFetch(`${api?.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${customer.key}` },
    body: JSON.stringify({ model: 'sim-chat', stream: true, messages: [{ role: 'user', content: PROMPT }] }),
  });
  assert.match(await streamed.text(), /\[DONE\]/);
  await Promise.all([product.worker, ...product.apis].map((service) => service.stop()));

  const spans = ofTrace(traceId);
  const named = (name: string) => spans.filter((span) => span.name === name);
  const workflow = ['POST /v1/async/generate-image', 'StartWorkflow:imageJob', 'RunWorkflow:imageJob'];
  const run = [...workflow, 'StartActivity:runJob', 'RunActivity:runJob'];
  assert.deepEqual(pathOf(named('hold')[0], spans), ['POST /v1/async/generate-image', 'hold']);
  assert.deepEqual(pathOf(named('store picture')[0], spans), [...run, 'store picture']);
  assert.deepEqual(pathOf(named('capture')[0], spans), [...run, 'capture'], treeOf(spans));
  const delivery = pathOf(named('POST webhook')[0], spans);
  assert.deepEqual(delivery.slice(0, 7), [...run, 'capture', 'StartWorkflow:webhookDelivery']);
  assert.deepEqual([named('capture').length, named('hold').length, named('RunActivity:runJob').length], [1, 1, 1]);

  const calls = named('generate_content sim-image');
  for (const span of calls) assert.deepEqual(pathOf(span, spans), [...run, 'generate_content sim-image']);
  const attempts = calls.map(({ attributes, status, kind }) => [
    attributes['gateway.attempt'],
    attributes['gen_ai.provider.name'],
    attributes['error.type'],
    status.code,
    kind,
  ]);
  assert.deepEqual(attempts.toSorted(), [
    [1, 'painter', 'transient', 2, 3],
    [2, 'painter', undefined, 0, 3],
  ]);
  const [request] = named('POST /v1/async/generate-image');
  assert.equal(request?.parentSpanId, undefined, 'the request is the root');
  assert.equal(request?.kind, 2, 'a server span');
  assert.equal(request?.service, 'llm-gateway-api');
  assert.equal(named('capture')[0]?.service, 'llm-gateway-worker');
  const { attributes } = request ?? assert.fail();
  assert.equal(attributes['http.route'], '/v1/async/generate-image');
  assert.equal(attributes['http.response.status_code'], 202);
  assert.equal(named('capture')[0]?.attributes['gateway.cost'], String(job.cost));

  const line = linesOf(api).find((one) => one.msg === 'request' && one.traceId === traceId);
  assert.equal(line?.path, '/v1/async/generate-image');
  const chatLine = linesOf(api).find((one) => one.msg === 'request' && one.path === '/v1/chat');
  assert.deepEqual(
    [chatLine?.model, typeof chatLine?.cost, typeof chatLine?.requestId],
    ['sim-chat', 'string', 'string'],
  );
  await until('the line of the stream', () => linesOf(api).some((one) => one.path === '/v1/chat/completions'));
  const streamLine = linesOf(api).find((one) => one.path === '/v1/chat/completions');
  assert.deepEqual([streamLine?.model, typeof streamLine?.cost], ['sim-chat', 'string'], 'known when it has ended');
  const failed = linesOf(product.worker).find((one) => one.jobId === jobId && one.msg === 'a provider call failed');
  assert.equal(failed?.traceId, traceId, 'a line of the worker about the job has the trace id');

  const streamSpans = ofTrace(traceIdIn(streamed));
  const streamCapture = streamSpans.find(({ name }) => name === 'capture');
  assert.deepEqual(pathOf(streamCapture, streamSpans), ['POST /v1/chat/completions', 'stream', 'capture']);
  const chatSpans = ofTrace(parent.traceId);
  const [chatRequest] = chatSpans.filter(({ name }) => name === 'POST /v1/chat');
  assert.equal(chatRequest?.parentSpanId, parent.spanId, "the caller's span is the parent");
  for (const name of ['hold', 'chat sim-chat', 'capture']) {
    const span = chatSpans.find((one) => one.name === name);
    assert.deepEqual(pathOf(span, chatSpans), ['POST /v1/chat', name], treeOf(chatSpans));
  }
});

test('no secret, no prompt and no address of a user is in what was sent', () => {
  assert.match(collector.text, /painter-image/);
  const secrets = [PROMPT, customer.key, customer.token, product.rootPassword, ...PROVIDER_KEYS, '/ended'];
  for (const secret of secrets) assert.ok(!collector.text.includes(secret), secret);
  for (const { name, attributes } of collector.spans) {
    for (const key of Object.keys(attributes)) assert.match(key, ATTRIBUTES, `${name} has ${key}`);
  }
});

/** What a span may contain; check a new attribute before you add it. */
const ATTRIBUTES =
  /^(http\.(request\.method|route|response\.status_code)|error\.type|run_id|temporal(Workflow|Activity)Id|gen_ai\.(operation\.name|output\.type|provider\.name|request\.model|usage\.(input|output)_tokens)|gateway\.(trace_id|user\.id|access_key\.id|model|provider_key\.id|attempt|cost|capture|usage\.images|picture\.(source|media_type|bytes)))$/;

test('the listing in docs/operations.md is what comes', () => {
  const spans = ofTrace(jobTraceId);
  const [, listed = ''] = /```text\n(POST \/v1\/async[^`]*)\n```/.exec(readDocument('docs/operations.md')) ?? [];
  const names = (tree: string) => tree.split('\n').map((line) => line.split(' · ').slice(0, 2).join(' · '));
  assert.deepEqual(names(listed), names(treeOf(spans)));
});

test('providers and receivers are not told of the trace', () => {
  assert.ok(relay.headers.length >= 2);
  assert.equal(receiver.received.length, 1);
  for (const headers of [...relay.headers, ...receiver.received.map((message) => message.headers)]) {
    for (const name of ['traceparent', 'tracestate', 'baggage', 'x-trace-id']) assert.equal(headers[name], undefined);
  }
});

test('without a collector nothing of its SDK is loaded', async () => {
  const sent = collector.spans.length;
  const [api, worker] = await Promise.all([startOff('api'), startOff('worker')]);
  off.push(api, worker);
  const answer = await submitImage(api);
  assert.match(traceIdIn(answer), /^[0-9a-f]{32}$/);
  await completed(answer);
  assert.equal(collector.spans.length, sent);
  // The API of OpenTelemetry is in the metrics' library, and does nothing by itself.
  const used = (file: string) =>
    loadedIn(file).filter((url) => !/started|node_modules\/@opentelemetry\/api\//.test(url));
  assert.equal(loadedIn(LOADED.off).filter((line) => line === 'started').length, 2);
  assert.deepEqual(used(LOADED.off), []);
  assert.ok(used(LOADED.on).some((url) => url.includes('@opentelemetry/sdk-trace-base')));
});

test('a job that began with telemetry off ends with it on, and the other way round', async () => {
  const [untraced, untracedWorker] = off;
  const [traced] = product.apis;
  await traced?.start();
  const between = async (api: Service | undefined, from: Service | undefined, to: Service | undefined) => {
    const called = relay.hangNext();
    const answer = await submitImage(api);
    await until('the provider is called', async () => called());
    await to?.start();
    await from?.stop();
    await completed(answer);
    return traceIdIn(answer);
  };
  const begunOff = await between(untraced, untracedWorker, product.worker);
  const begunOn = await between(traced, product.worker, untracedWorker);
  await traced?.stop();
  assert.deepEqual(ofTrace(begunOff), [], 'nobody was told of its trace');
  const services = new Set(ofTrace(begunOn).map(({ service }) => service));
  assert.deepEqual([...services].sort(), ['llm-gateway-api', 'llm-gateway-worker']);
  assert.ok(!ofTrace(begunOn).some(({ name }) => name === 'capture'), 'it was captured where nothing is traced');
});
