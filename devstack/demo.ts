/**
 * The thin line through every part, as a client walks it: sign in, order and pay, one asynchronous and one synchronous
 * chat, and the balance checked to the nano-unit against what was paid and charged.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { jobWorkflowId } from '../workflows/contracts.ts';
import { DemoCallFailed, DemoClient } from './demo-client.ts';
import { toNano } from './exact-json.ts';

const DEMO_USER = 'demo';
/** The simulator's model by name, so that a later start does not call a real provider that was added. */
const MODEL = 'sim-chat';
const ORDER_AMOUNT = '5.00';
const JOB_WITHIN_MS = 90_000;

const accountSchema = z.object({ balance: z.string(), held: z.string().optional() });
const orderSchema = z.object({ orderNo: z.string(), status: z.string(), amount: z.string(), currency: z.string() });
const jobSchema = z.object({
  jobId: z.string(),
  userId: z.coerce.number(),
  status: z.string(),
  cost: z.string().nullish(),
  errorMessage: z.string().nullish(),
  resultPayload: z.object({ assistantMessage: z.string() }).nullish(),
});
const chatSchema = z.object({ assistantMessage: z.string(), usedModelIdentifier: z.string(), cost: z.string() });

export interface DemoResult {
  readonly username: string;
  readonly accessKey: string;
  readonly order: z.infer<typeof orderSchema>;
  readonly job: {
    readonly id: string;
    /** What Temporal knows it by. */
    readonly workflowId: string;
    readonly status: string;
    readonly cost: string;
    readonly answer: string;
  };
  readonly chat: { readonly model: string; readonly cost: string; readonly answer: string };
  readonly openingBalance: string;
  readonly balance: string;
  /** balance − (opening + paid − costs), in nano-units; 0n where all is right. */
  readonly differenceNano: bigint;
}

/** The demo user's token; creates the user if necessary. */
async function signIn(client: DemoClient, password: string): Promise<string> {
  const body = { username: DEMO_USER, password };
  const login = () => client.call('POST', '/v1/auth/login', { body, data: z.object({ token: z.string() }) });
  try {
    return (await login()).token;
  } catch (error) {
    if (!(error instanceof DemoCallFailed) || error.answer.status !== 401) throw error;
    await client.call('POST', '/v1/auth/register', { body, data: z.unknown() }).catch((reason: unknown) => {
      if (!(reason instanceof DemoCallFailed) || reason.answer.status !== 409) throw reason;
      throw new Error(`there is a user "${DEMO_USER}" with another password than this checkout remembers`);
    });
    return (await login()).token;
  }
}

async function createKey(client: DemoClient, token: string): Promise<string> {
  const options = { credentials: { token }, body: { name: 'demo' }, data: z.object({ keyValue: z.string() }) };
  return (await client.call('POST', '/v1/access-keys', options)).keyValue;
}

/** An order, paid by a signed callback as a payment provider sends it. */
async function orderAndPay(client: DemoClient, token: string, secret: string): Promise<z.infer<typeof orderSchema>> {
  const options = { credentials: { token }, data: orderSchema };
  const order = await client.call('POST', '/v1/orders', { ...options, body: { amount: ORDER_AMOUNT } });
  const { orderNo, currency } = order;
  const body = { orderNo, amount: ORDER_AMOUNT, currency, eventId: randomUUID() };
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', secret)
    .update(`${timestamp}.${JSON.stringify(body)}`)
    .digest('hex');
  const headers = { 'x-payment-signature': `t=${timestamp},v1=${signature}` };
  await client.call('POST', '/v1/orders/pay-success', { headers, body, data: z.unknown() });
  return client.call('GET', `/v1/orders/get?orderNo=${encodeURIComponent(orderNo)}`, options);
}

async function submitJob(client: DemoClient, accessKey: string): Promise<string> {
  const body = { userMessage: 'What is a gateway?', modelIdentifier: MODEL };
  const options = { credentials: { accessKey }, body, data: z.object({ jobId: z.string() }) };
  return (await client.call('POST', '/v1/async/chat', options)).jobId;
}

/** Submits with the key of an earlier start, or with a new one if that key has been deleted. */
async function submitWithKey(client: DemoClient, token: string, known: string | undefined) {
  if (known !== undefined) {
    try {
      return { accessKey: known, jobId: await submitJob(client, known) };
    } catch (error) {
      if (!(error instanceof DemoCallFailed) || error.answer.status !== 401) throw error;
    }
  }
  const accessKey = await createKey(client, token);
  return { accessKey, jobId: await submitJob(client, accessKey) };
}

async function waitForJob(client: DemoClient, accessKey: string, jobId: string): Promise<DemoResult['job']> {
  const credentials = { accessKey };
  const end = Date.now() + JOB_WITHIN_MS;
  for (;;) {
    const job = await client.call('GET', `/v1/async/jobs/${jobId}?wait=30`, { credentials, data: jobSchema });
    if (job.status === 'COMPLETED') {
      return {
        id: jobId,
        workflowId: jobWorkflowId({ type: 'chat', userId: job.userId, id: jobId }),
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
 * @throws Error if a call fails or the order is not paid. The result says whether the balance is right.
 */
export async function runDemo(options: {
  baseUrl: string;
  password: string;
  accessKey: string | undefined;
  /** Signs the payment of the order. */
  paymentSecret: string;
  signal: AbortSignal;
}): Promise<DemoResult> {
  const client = new DemoClient(options.baseUrl, options.signal);
  const token = await signIn(client, options.password);
  const readAccount = () => client.call('GET', '/v1/auth/me', { credentials: { token }, data: accountSchema });
  const { balance: openingBalance } = await readAccount();
  const order = await orderAndPay(client, token, options.paymentSecret);
  if (order.status !== 'COMPLETED') throw new Error(`the paid order ${order.orderNo} is ${order.status}`);
  const { accessKey, jobId } = await submitWithKey(client, token, options.accessKey);
  const job = await waitForJob(client, accessKey, jobId);
  const answer = await client.call('POST', '/v1/chat', {
    credentials: { accessKey },
    body: { userMessage: 'Say hello.', modelIdentifier: MODEL },
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
