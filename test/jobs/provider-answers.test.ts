/** What a provider of the test's own answers to jobs that the simulator would not. */
import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { startService } from '../../devstack/services.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { rootToken } from '../e2e/upstream.ts';
import { until } from '../until.ts';

const requestSchema = z.looseObject({ model: z.string() });
const MEGABYTE = 1_000_000;

function chunk(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`;
}

const END = `${chunk({}, 'stop')}data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14}}\n\ndata: [DONE]\n\n`;

/** By the model's name; each counts as one call. */
const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'answers-at-length': (response) => {
    response.write(chunk({ role: 'assistant', content: '' }));
    for (let part = 0; part < 18; part += 1) response.write(chunk({ content: 'z'.repeat(MEGABYTE) }));
    response.end(END);
  },
  'answers-for-ever': (response) => {
    response.write(chunk({ role: 'assistant', content: '' }));
    const talking = setInterval(() => response.write(chunk({ content: 'and so on ' })), 50);
    response.on('close', () => clearInterval(talking));
  },
  'thinks-first': (response) => {
    thinking.push(response);
  },
};

/** Answers that have not begun: the test says when, and how. */
const thinking: ServerResponse[] = [];

describe('answers of a provider', () => {
  let provider: Server;
  let product: Product;
  const calls: string[] = [];
  const left: string[] = [];
  before(async () => {
    provider = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { model } = requestSchema.parse(JSON.parse(Buffer.concat(parts).toString()));
        calls.push(model);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.on('close', () => {
          if (!response.writableEnded) left.push(model);
        });
        ANSWERS[model]?.(response);
      });
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const address = provider.address();
    assert.ok(address !== null && typeof address === 'object');
    const host = `127.0.0.1:${address.port}`;
    product = await startProduct({ name: 'provider-answers', privateHosts: [host] });
    const token = await rootToken(product);
    for (const model of Object.keys(ANSWERS)) {
      const body = {
        providerName: model,
        urlBase: `http://${host}/v1`,
        apiKey: `key-of-${model}`,
        displayName: model,
        modelIdentifier: model,
        capabilities: ['text-to-text'],
        pricing: { input: '0.000001', output: '0.000002' },
      };
      const made = await call(api(), 'POST', '/v1/models', { token, body });
      assert.ok(made.status < 300, made.message);
    }
  });
  after(async () => {
    await product.close();
    provider.closeAllConnections();
    await new Promise((resolve) => provider.close(resolve));
  });

  const api = () => product.apis[0];
  const submit = async (key: string, modelIdentifier: string) => {
    const answer = await call(api(), 'POST', '/v1/async/chat', {
      key,
      body: { userMessage: 'go on', modelIdentifier },
    });
    return z.object({ jobId: z.string() }, { error: answer.message }).parse(answer.data).jobId;
  };

  test('an answer that its row cannot take is called for and charged once, kept cut and marked', async () => {
    const { key } = await newCustomer(api());
    const job = await jobEnd(api(), key, await submit(key, 'answers-at-length'));
    assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
    const result = z
      .object({ assistantMessage: z.string(), truncated: z.literal(true), outputTokensCount: z.number() })
      .parse(job.resultPayload);
    assert.ok(result.assistantMessage.length > 3 * MEGABYTE);
    assert.equal(result.outputTokensCount, 9);
    assert.equal(job.cost, 0.000023);
    assert.equal(calls.filter((model) => model === 'answers-at-length').length, 1);
  });

  /** An API process that has lost servers. */
  const without = (name: string, lost: Readonly<Record<string, string>>) =>
    startService({
      kind: 'api',
      name: `provider-answers-${name}`,
      dataFolder: product.stack.dataFolder,
      environment: { ...product.environment, ...lost },
    });
  const lost = {
    'without-temporal': { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    'without-temporal-and-redis': { TEMPORAL_ADDRESS: '127.0.0.1:1', REDIS_PORT: '1' },
  };
  for (const [name, settings] of Object.entries(lost)) {
    test(`a cancel ${name.replaceAll('-', ' ')} reaches the provider call, which would go on for ever`, async () => {
      const cut = await without(name, settings);
      try {
        const { key } = await newCustomer(api());
        const before = { calls: calls.length, left: left.length };
        const jobId = await submit(key, 'answers-for-ever');
        await until('the provider answers', async () => calls.length > before.calls);
        assert.equal((await call(cut, 'POST', `/v1/async/jobs/${jobId}/cancel`, { key })).status, 200);
        await until('the provider is left alone', () => left.length > before.left);
        const job = await jobEnd(api(), key, jobId);
        assert.equal(job.status, 'CANCELLED');
        assert.ok((job.cost ?? 0) > 0, 'what came is charged');
        assert.equal(calls.length, before.calls + 1);
      } finally {
        await cut.stop();
      }
    });
  }

  for (const [ending, words] of [
    ['its first words, and pays for the prompt', chunk({ role: 'assistant', content: 'Well' })],
    ['the failure, which is free', 'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'],
  ] as const) {
    test(`a cancel before the provider has said anything waits for ${ending}`, async () => {
      const { key } = await newCustomer(api());
      const before = { calls: calls.length, left: left.length };
      const jobId = await submit(key, 'thinks-first');
      await until('the provider is called', async () => calls.length > before.calls);
      await call(api(), 'POST', `/v1/async/jobs/${jobId}/cancel`, { key });
      await until('the run has heard of it', async () => {
        const answer = await call(api(), 'GET', `/v1/async/jobs/${jobId}?wait=1`, { key });
        return z.object({ status: z.string() }).parse(answer.data).status === 'PROCESSING';
      });
      assert.equal(left.length, before.left, 'the call is not cut');
      const response = thinking.pop();
      response?.write(words);
      const job = await jobEnd(api(), key, jobId);
      response?.end();
      assert.equal(job.status, 'CANCELLED');
      const isFree = words.includes('error');
      assert.equal((job.cost ?? 0) > 0, !isFree, `${job.cost}`);
      assert.equal(calls.length, before.calls + 1, 'nobody is called again');
    });
  }
});
