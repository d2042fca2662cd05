/** Providers that think in silence: how long they are waited for, and what their callers see meanwhile. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { apiFetch } from '../e2e/api-fetch.ts';
import { chunk, type OddProvider, startOddProvider, usageChunk, whole } from '../e2e/odd-provider.ts';
import { type Customer, call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { rootToken } from '../e2e/upstream.ts';
import { until } from '../until.ts';

/** Far below the silence that a client hears of, which is eight seconds. */
const SETTINGS = {
  UPSTREAM_TOTAL_TIMEOUT: '2s',
  UPSTREAM_FIRST_BYTE_TIMEOUT: '1s',
  UPSTREAM_IDLE_TIMEOUT: '1s',
};
const usage = { prompt_tokens: 7, completion_tokens: 9, total_tokens: 16 };
/** At 1,000 and 2,000 nano-units a token. */
const COST = '-25000';

describe('silent providers', () => {
  let product: Product;
  let customer: Customer;
  let provider: OddProvider;
  const silent: { readonly streams: boolean; readonly response: ServerResponse }[] = [];

  before(async () => {
    provider = await startOddProvider();
    product = await startProduct({ name: 'field-patience', settings: SETTINGS, privateHosts: [provider.host] });
    await provider.join(product);
    customer = await newCustomer(product.apis[0]);
    const token = await rootToken(product);
    for (const [modelIdentifier, needs] of [
      ['patient', { patienceSeconds: 120 }],
      ['soon-given-up', { patienceSeconds: 1 }],
      ['impatient', {}],
    ] as const) {
      const pricing = { input: '0.000001', output: '0.000002' };
      const model = { displayName: modelIdentifier, modelIdentifier, needs, pricing, priority: 60 };
      const body = { providerName: 'odd', capabilities: ['text-to-text'], ...model };
      const made = await call(product.apis[0], 'POST', '/v1/models', { token, body });
      assert.equal(made.status, 200, made.message);
    }
    provider.answer = (response) => {
      const streams = provider.bodies.at(-1)?.stream === true;
      silent.push({ streams, response });
      if (!streams) return;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${chunk({ role: 'assistant', content: '' })}\n\n`);
    };
  });
  after(async () => {
    provider.close();
    await product.close();
  });

  const ask = (body: object) =>
    apiFetch(`${product.apis[0]?.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${customer.key}` },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Think.' }], ...body }),
    });
  const charges = async () => {
    const rows = await product.rows("SELECT amount FROM transfers WHERE kind IN ('charge','overrun')");
    return rows.map(({ amount }) => String(amount));
  };
  const answerAll = () => {
    for (const { streams, response } of silent.splice(0)) {
      if (!streams) whole({ content: 'At last.' }, usage)(response);
      else {
        const rest = [chunk({ content: 'At last.' }), chunk({}, 'stop'), usageChunk(7, 9), '[DONE]'];
        response.end(rest.map((data) => `data: ${data}\n\n`).join(''));
      }
    }
  };

  test('a model with patience is waited for in call, stream and job; a stream hears that it lives', async () => {
    const job = await call(product.apis[0], 'POST', '/v1/async/chat', {
      key: customer.key,
      body: { userMessage: 'Think.', modelIdentifier: 'patient' },
    });
    const { jobId } = z.object({ jobId: z.string() }).parse(job.data);
    const answered = ask({ model: 'patient' });
    const stream = await ask({ model: 'patient', stream: true });
    assert.equal(stream.status, 200);
    let text = '';
    for await (const part of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const heardBefore = text.includes(': keep-alive');
      text += part;
      if (heardBefore || !text.includes(': keep-alive')) continue;
      await until('all three wait for the provider', async () => silent.length >= 3);
      answerAll();
    }
    assert.match(text, /^: keep-alive\n.*At last\..*data: \[DONE\]\n\n$/s);
    const wholeAnswer = await answered;
    assert.equal(wholeAnswer.status, 200);
    assert.match(await wholeAnswer.text(), /At last\./);
    const ended = await jobEnd(product.apis[0], customer.key, jobId);
    assert.equal(ended.status, 'COMPLETED', ended.errorMessage ?? '');
    assert.deepEqual(await charges(), [COST, COST, COST]);
  });

  test('beyond its patience, or that of any model, a silent provider is an error, free', async () => {
    const before = await charges();
    for (const model of ['soon-given-up', 'impatient']) {
      for (const stream of [false, true]) {
        const answer = await ask({ model, stream });
        assert.equal(answer.status, 504, `${model}: ${await answer.text()}`);
      }
    }
    assert.deepEqual(await charges(), before);
    await until('every hold is closed', () => product.isSettled());
  });
});
