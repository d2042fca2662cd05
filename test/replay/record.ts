/**
 * Records a history of every workflow from a run of the product, for the replay tests:
 * `TEST_STACK=FOLDER node test/replay/record.ts NAME` writes test/replay/histories/NAME/; with `traced` after the name,
 * telemetry is on. Record before a change of a
 * workflow and after it, and keep both: what runs when the change is deployed began under the old code.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { z } from 'zod';
import { batchWorkflowId, jobWorkflowId, orderWorkflowId, webhookWorkflowId } from '../../workflows/contracts.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';
import { type Receiver, startReceiver } from '../webhooks/receiver.ts';

const [name = '', traced] = process.argv.slice(2);
if (!/^[\w.-]+$/.test(name)) throw new Error('name the recording: node test/replay/record.ts NAME');
const folder = join(import.meta.dirname, 'histories', name);
const accepted = z.object({ jobId: z.string() });

/** Takes out what only says where it was recorded: processes, hosts, folders. */
function withoutMachine(json: string): string {
  return json
    .replace(/"(identity|workerIdentity)": ?"[^"]*"/g, '"$1": "recorded"')
    .replace(/"\d+@[^"]*"/g, '"recorded"')
    .replace(/\(\/[^()\s]*?\/(node_modules|workflows)\//g, '($1/');
}

class Recording {
  readonly #product: Product;
  readonly #receiver: Receiver;
  readonly #client: Client;

  constructor(product: Product, receiver: Receiver, client: Client) {
    this.#product = product;
    this.#receiver = receiver;
    this.#client = client;
  }

  async jobs(): Promise<void> {
    const [api] = this.#product.apis;
    const { key, userId } = await newCustomer(api);
    const chat = (id: string) => jobWorkflowId({ type: 'chat', userId, id });
    const hook = `http://127.0.0.1:${this.#receiver.port}`;
    const submit = async (path: string, body: object) =>
      accepted.parse((await call(api, 'POST', `/v1/async/${path}`, { key, body })).data).jobId;
    const completed = await submit('chat', { userMessage: 'hello', webhookUrl: `${hook}/good` });
    const failed = await submit('chat', { userMessage: 'hello', options: { temperature: 99 } });
    const image = await submit('generate-image', { prompt: 'a cat' });
    const audio = { model: 'sim-speech', voice: 'alloy', input: 'hello', response_format: 'wav' };
    const speech = await submit('speech', audio);
    const { resultPayload } = await jobEnd(api, key, speech);
    const { fileId } = z.object({ fileId: z.string() }).parse(resultPayload);
    const transcript = await submit('transcriptions', { model: 'sim-transcribe', file_id: fileId });
    await this.#fault('slow-chunks', 300);
    const cancelled = await submit('chat', { userMessage: 'a long story' });
    await until('it runs', async () => {
      const [job] = await this.#product.rows(`SELECT provider_attempts AS n FROM jobs WHERE id='${cancelled}'`);
      return Number(job?.n) === 1;
    });
    await call(api, 'POST', `/v1/async/jobs/${cancelled}/cancel`, { key });
    for (const jobId of [completed, failed, image, transcript, cancelled]) await jobEnd(api, key, jobId);
    await this.#save('chatJob-completed', chat(completed));
    await this.#save('chatJob-failed', chat(failed));
    await this.#save('chatJob-cancelled', chat(cancelled));
    await this.#save('imageJob-completed', jobWorkflowId({ type: 'image', userId, id: image }));
    await this.#save('speechJob-completed', jobWorkflowId({ type: 'speech', userId, id: speech }));
    await this.#save('transcriptJob-completed', jobWorkflowId({ type: 'transcript', userId, id: transcript }));
    await this.#fault('slow-chunks', 1);
    await this.#save('webhookDelivery-delivered', webhookWorkflowId(userId, completed, 0));
    this.#receiver.answerWith('/gone', 410);
    const unwanted = await submit('chat', { userMessage: 'hello', webhookUrl: `${hook}/gone` });
    await jobEnd(api, key, unwanted);
    await until('its webhook is refused', async () => this.#receiver.at('/gone').length === 1);
    await this.#save('webhookDelivery-disabled', webhookWorkflowId(userId, unwanted, 0));
  }

  async orders(): Promise<void> {
    const [api] = this.#product.apis;
    const { token, userId } = await newCustomer(api);
    const order = async () => {
      const answer = await call(api, 'POST', '/v1/orders', { token, body: { amount: 5 } });
      return z.object({ orderNo: z.string() }).parse(answer.data).orderNo;
    };
    const [paid, expired] = [await order(), await order()];
    await call(api, 'POST', '/v1/orders/pay-success', { token, body: { orderNo: paid } });
    await this.#save('orderExpiry-paid', orderWorkflowId(userId, paid));
    await this.#save('orderExpiry-expired', orderWorkflowId(userId, expired));
  }

  async batches(): Promise<void> {
    const url = `${this.#product.apis[0]?.url}/v1`;
    const { key, userId } = await newCustomer(this.#product.apis[0]);
    const send = async (path: string, body: object) => {
      const headers = { 'content-type': 'application/json', 'access-key': key };
      const answer = await fetch(`${url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      return z.object({ id: z.string() }).parse(await answer.json()).id;
    };
    const body = { model: 'sim-chat', max_tokens: 5, messages: [{ role: 'user', content: 'hello' }] };
    const line = (index: number) => ({ custom_id: `${index}`, method: 'POST', url: '/v1/chat/completions', body });
    const text = Array.from({ length: 60 }, (_, index) => JSON.stringify(line(index))).join('\n');
    const file = await send('files', { purpose: 'batch', file: text });
    await this.#save(
      'batch-completed',
      batchWorkflowId(userId, await send('batches', { input_file_id: file, endpoint: '/v1/chat/completions' })),
    );
  }

  async maintenance(): Promise<void> {
    for (const scheduleId of ['ledgerReconciliation', 'retention']) {
      const handle = this.#client.schedule.getHandle(scheduleId);
      await until('it has run', async () => (await handle.describe()).info.recentActions.length > 0);
      const [run] = (await handle.describe()).info.recentActions;
      await this.#save(scheduleId, run?.action.workflow.workflowId ?? '');
    }
  }

  async #fault(fault: string, value: number): Promise<void> {
    const body = JSON.stringify({ fault, value, model: 'sim-chat' });
    await fetch(`${this.#product.simulator.url}/control/faults`, { method: 'DELETE' });
    await fetch(`${this.#product.simulator.url}/control/faults`, { method: 'POST', body });
  }

  async #save(title: string, workflowId: string): Promise<void> {
    const handle = this.#client.workflow.getHandle(workflowId);
    const running = () =>
      handle.describe().then(
        ({ status }) => status.name === 'RUNNING',
        () => true,
      );
    await until(`${workflowId} has ended`, async () => !(await running()));
    writeFileSync(join(folder, `${title}.json`), `${withoutMachine(historyToJSON(await handle.fetchHistory()))}\n`);
    console.log(title);
  }
}

const receiver = await startReceiver();
const product = await startProduct({
  name: 'recording',
  settings: {
    ...(traced ? { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } : {}),
    WEBHOOK_PRIVATE_HOSTS: `127.0.0.1:${receiver.port}`,
    ORDER_TTL: '3s',
  },
});
const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
mkdirSync(folder, { recursive: true });
try {
  const recording = new Recording(
    product,
    receiver,
    new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE }),
  );
  await recording.jobs();
  await recording.orders();
  await recording.batches();
  await recording.maintenance();
} finally {
  await connection.close();
  await product.close();
  receiver.close();
}
