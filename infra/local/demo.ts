/**
 * The thin line through every part, as a client walks it: sign in, order and pay, one asynchronous and one synchronous
 * chat, and the balance checked to the nano-unit against what was paid and charged.
 */
import { z } from 'zod';
import { DemoCallFailed, DemoClient } from './demo-client.ts';
import { toNano } from './exact-json.ts';

const DEMO_USER = 'demo';
const ORDER_AMOUNT = '5.00';
const JOB_WITHIN_MS = 90_000;

const accountSchema = z.object({ balance: z.string(), held: z.string().optional() });
const keySchema = z.object({ keyValue: z.string() });
const orderSchema = z.object({ orderNo: z.string(), status: z.string(), amount: z.string() });
const jobSchema = z.object({
  jobId: z.string(),
  status: z.string(),
  cost: z.string().nullish(),
  errorMessage: z.string().nullish(),
  modelName: z.string().nullish(),
  resultPayload: z.object({ assistantMessage: z.string() }).nullish(),
});
const chatSchema = z.object({ assistantMessage: z.string(), usedModelIdentifier: z.string(), cost: z.string() });
const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });

export interface DemoResult {
  readonly username: string;
  readonly accessKey: string;
  readonly order: z.infer<typeof orderSchema>;
  readonly job: { readonly id: string; readonly status: string; readonly cost: string; readonly answer: string };
  readonly chat: { readonly model: string; readonly cost: string; readonly answer: string };
  readonly openingBalance: string;
  readonly balance: string;
  /** balance − (opening + paid − costs), in nano-units; 0n where all is right. */
  readonly differenceNano: bigint;
}

/** The demo user's token; the user is made when there is none yet. */
async function signIn(client: DemoClient, password: string): Promise<string> {
  const body = { username: DEMO_USER, password };
  const login = () => client.call('POST', '/v1/auth/login', { body, data: z.object({ token: z.string() }) });
  try {
    return (await login()).token;
  } catch (error) {
    if (!(error instanceof DemoCallFailed) || error.answer.status !== 401) throw error;
    await client.call('POST', '/v1/auth/register', { body, data: z.unknown() });
    return (await login()).token;
  }
}

/** The first chat model that the key sees; undefined when the key is not accepted. */
async function firstModel(client: DemoClient, accessKey: string): Promise<string | undefined> {
  const { status, json } = await client.fetch('GET', '/v1/models?capability=text-to-text', { accessKey });
  if (status === 401) return undefined;
  const [model] = modelsSchema.parse(json).data;
  if (!model) throw new Error('GET /v1/models lists no chat model');
  return model.id;
}

async function keyAndModel(client: DemoClient, token: string, known: string | undefined) {
  const knownModel = known === undefined ? undefined : await firstModel(client, known);
  if (known !== undefined && knownModel !== undefined) return { accessKey: known, model: knownModel };
  const made = await client.call('POST', '/v1/access-keys', {
    credentials: { token },
    body: { name: 'demo' },
    data: keySchema,
  });
  const model = await firstModel(client, made.keyValue);
  if (model === undefined) throw new Error('a new access key is not accepted');
  return { accessKey: made.keyValue, model };
}

async function orderAndPay(client: DemoClient, token: string): Promise<z.infer<typeof orderSchema>> {
  const credentials = { token };
  const options = { credentials, data: orderSchema };
  const order = await client.call('POST', '/v1/orders', { ...options, body: { amount: ORDER_AMOUNT } });
  const { orderNo } = order;
  await client.call('POST', '/v1/orders/pay-success', { credentials, body: { orderNo }, data: z.unknown() });
  return client.call('GET', `/v1/orders/get?orderNo=${encodeURIComponent(orderNo)}`, options);
}

async function runJob(client: DemoClient, accessKey: string, model: string): Promise<DemoResult['job']> {
  const credentials = { accessKey };
  const body = { userMessage: 'Tell me in one sentence what a gateway is.', modelIdentifier: model };
  const { jobId } = await client.call('POST', '/v1/async/chat', {
    credentials,
    body,
    data: z.object({ jobId: z.string() }),
  });
  const end = Date.now() + JOB_WITHIN_MS;
  for (;;) {
    const job = await client.call('GET', `/v1/async/jobs/${jobId}?wait=30`, { credentials, data: jobSchema });
    if (job.status === 'COMPLETED') {
      return {
        id: jobId,
        status: job.status,
        cost: job.cost ?? '0',
        answer: job.resultPayload?.assistantMessage ?? '',
      };
    }
    if (job.status === 'FAILED' || job.status === 'CANCELLED') {
      throw new Error(`the job ${jobId} is ${job.status}: ${job.errorMessage ?? 'no reason given'}`);
    }
    if (Date.now() > end) throw new Error(`the job ${jobId} is still ${job.status} after ${JOB_WITHIN_MS / 1000} s`);
  }
}

/**
 * Walks the line. Works again and again with the same user.
 * @throws Error when a call fails or the order is not paid. Whether the balance is right stands in the result.
 */
export async function runDemo(options: {
  baseUrl: string;
  password: string;
  accessKey: string | undefined;
  signal: AbortSignal;
}): Promise<DemoResult> {
  const client = new DemoClient(options.baseUrl, options.signal);
  const token = await signIn(client, options.password);
  const readAccount = () => client.call('GET', '/v1/auth/me', { credentials: { token }, data: accountSchema });
  const { balance: openingBalance } = await readAccount();
  const { accessKey, model } = await keyAndModel(client, token, options.accessKey);
  const order = await orderAndPay(client, token);
  if (order.status !== 'COMPLETED') throw new Error(`the paid order ${order.orderNo} is ${order.status}`);
  const job = await runJob(client, accessKey, model);
  const answer = await client.call('POST', '/v1/chat', {
    credentials: { accessKey },
    body: { userMessage: 'Say hello.', modelIdentifier: model },
    data: chatSchema,
  });
  const { balance } = await readAccount();
  const expected = toNano(openingBalance) + toNano(order.amount) - toNano(job.cost) - toNano(answer.cost);
  return {
    username: DEMO_USER,
    accessKey,
    order,
    job,
    chat: { model: answer.usedModelIdentifier, cost: answer.cost, answer: answer.assistantMessage },
    openingBalance,
    balance,
    differenceNano: toNano(balance) - expected,
  };
}
