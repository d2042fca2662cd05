/**
 * The chat model of each preset against the simulator in that vendor's dialect, which refuses what the vendor refuses:
 * whole, streamed, with tools, with an image, as a job, the administrator's test, and the probe of a key after an outage.
 * Each is served, and charged by what the simulator counted, to the nano-unit.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PRESETS, type Preset, type PresetModel } from '../../core/catalog/presets.ts';
import { parseMoney } from '../../core/ledger/money.ts';
import { apiFetch } from '../e2e/api-fetch.ts';
import { type Customer, call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { rootToken, upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';

/** Of vendors with a wire format of their own; every other vendor is below its name. */
const OWN_BASES: Readonly<Record<string, string>> = {
  openai: '/v1',
  dashscope: '/compatible-mode/v1',
  ark: '/api/v3',
  anthropic: '/anthropic',
};

/** A preset without models serves what its server has. */
const SERVED: Readonly<Record<string, string>> = { ollama: 'qwen3:4b', vllm: 'Qwen/Qwen3-32B' };

const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** What a client's library sends by default, and what one vendor or another refuses. */
const HARD = {
  max_tokens: 300,
  temperature: 1.9,
  top_p: 0,
  presence_penalty: 0.1,
  frequency_penalty: 0.1,
  stop: ['\n\n\n'],
  n: 1,
  tools: [],
  parallel_tool_calls: true,
  reasoning_effort: 'minimal',
};
const MESSAGES = [
  { role: 'system', content: 'Be brief.' },
  { role: 'developer', content: 'Answer in a sentence.' },
  { role: 'user', content: 'What is a gateway?' },
  { role: 'assistant', content: 'A door.', tool_calls: [], reasoning_content: 'Doors.' },
  { role: 'system', content: 'Be kind.' },
  { role: 'user', content: 'Say more.' },
];
const TOOL = {
  type: 'function',
  function: {
    name: 'look',
    description: 'Looks',
    parameters: { type: 'object', properties: { at: { type: 'string' } } },
  },
};

interface Served {
  readonly preset: Preset;
  readonly model: PresetModel;
  readonly modelId: number;
  readonly keyId: number;
  readonly providerId: number;
}

const PRESET_CHATS = PRESETS.providers.flatMap((preset): { preset: Preset; model: PresetModel }[] => {
  const free = { input: '1', output: '2' };
  const name = SERVED[preset.name];
  const model = name
    ? {
        identifier: name,
        displayName: name,
        capabilities: ['text-to-text' as const],
        perMillionTokens: free,
        source: '',
      }
    : preset.models.find(({ capabilities }) => capabilities.includes('text-to-text'));
  // Some vendors only rerank.
  return model ? [{ preset, model }] : [];
});

describe("each preset's chat model in its vendor's dialect", () => {
  let product: Product;
  let customer: Customer;
  let root: string;
  const all = new Map<string, Served>();

  before(async () => {
    ({ product } = await sharedProduct('field'));
    root = await rootToken(product);
    customer = await newCustomer(product.apis[0]);
    const headers = { 'idempotency-key': `balance-${process.pid}` };
    const body = { amount: '100000', reason: 'for the test' };
    await call(product.apis[0], 'POST', `/v1/users/${customer.userId}/adjust-balance`, { token: root, body, headers });
    for (const chat of PRESET_CHATS) all.set(chat.preset.name, await add(chat));
  });

  const idSchema = z.object({ id: z.number() });
  async function made(path: string, body: object): Promise<number> {
    const answer = await call(product.apis[0], 'POST', path, { token: root, body });
    assert.ok(answer.status < 300, `${path}: ${answer.message}`);
    return idSchema.parse(answer.data).id;
  }

  async function add({ preset, model }: { preset: Preset; model: PresetModel }): Promise<Served> {
    const path = OWN_BASES[preset.name] ?? `/${preset.name}${new URL(preset.urlBase).pathname.replace(/\/$/, '')}`;
    const urlBase = `${product.simulator.url}${path}`;
    const providerId = await made('/v1/providers', { name: preset.name, kind: preset.kind, urlBase });
    const keyId = await made('/v1/providers/keys', { providerId, apiKey: `sim-${preset.name}` });
    const { input = '1', output = '2' } = model.perMillionTokens ?? {};
    const modelId = await made('/v1/models', {
      providerId,
      displayName: model.displayName,
      modelIdentifier: model.identifier,
      capabilities: model.capabilities,
      pricing: { input: perToken(input), output: perToken(output) },
      contextWindow: model.contextWindow,
      maxOutputTokens: model.maxOutputTokens,
      defaultMaxTokens: model.defaultMaxTokens,
      tokensPerImage: model.tokensPerImage,
    });
    return { preset, model, modelId, keyId, providerId };
  }

  /** What the newest call of the model must cost, by the simulator's true count. */
  async function costOf({ preset, model }: Served): Promise<bigint> {
    const entries = await upstream(product).journal();
    const { usage } = entries.findLast((entry) => entry.model === model.identifier && entry.usage !== null) ?? {};
    assert.ok(usage, `${preset.name} was called`);
    const { input = '1', output = '2' } = model.perMillionTokens ?? {};
    const million = BigInt(usage.promptTokens) * nano(input) + BigInt(usage.completionTokens) * nano(output);
    return (million + 999_999n) / 1_000_000n;
  }

  const chat = (body: object) =>
    apiFetch(`${product.apis[0]?.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${customer.key}` },
      body: JSON.stringify(body),
    });

  /** A whole chat that is answered and rightly charged. @returns the first choice's message. */
  async function answered(served: Served, body: object) {
    const answer = await chat({ model: served.model.identifier, ...body });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    assert.equal(nano(answer.headers.get('x-cost') ?? ''), await costOf(served));
    return completionSchema.parse(JSON.parse(text)).choices[0]?.message ?? {};
  }

  for (const { preset, model } of PRESET_CHATS) {
    const served = (): Served => {
      const found = all.get(preset.name);
      assert.ok(found);
      return found;
    };

    test(`${preset.name}, ${model.identifier}: whole, streamed, tools, image, test call`, async () => {
      const message = await answered(served(), { messages: MESSAGES, ...HARD });
      assert.ok(typeof message.content === 'string' && message.content !== '');
      await answered(served(), { messages: [{ role: 'user', content: 'No limit, no options.' }] });

      const stream = await chat({ model: model.identifier, messages: MESSAGES, ...HARD, stream: true });
      const events = await stream.text();
      assert.equal(stream.status, 200, events);
      assert.match(events, /data: \[DONE\]\s*$/);
      assert.equal(nano(/^: x-cost=(\S+)/m.exec(events)?.[1] ?? ''), await costOf(served()));

      const tools = { tools: [TOOL], tool_choice: 'required', parallel_tool_calls: true };
      const called = await answered(served(), { messages: [{ role: 'user', content: 'Look.' }], ...tools });
      assert.ok(called.content || (called.tool_calls?.length ?? 0) > 0);

      if (model.capabilities.includes('image-to-text')) {
        const content = [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: PNG } },
        ];
        await answered(served(), { messages: [{ role: 'user', content }], max_tokens: 200 });
      }

      const tested = await call(product.apis[0], 'POST', `/v1/models/${served().modelId}/test`, { token: root });
      assert.deepEqual(probeSchema.parse(tested.data).ok, true, JSON.stringify(tested.data));
    });
  }

  /** One more model of a preset's provider, free of charge. */
  async function extra(name: string, identifier: string): Promise<number> {
    const { providerId } = all.get(name) ?? {};
    const pricing = { input: '0', output: '0' };
    const fields = { providerId, displayName: identifier, modelIdentifier: identifier, pricing };
    return made('/v1/models', { ...fields, capabilities: ['text-to-text'] });
  }

  test('models of reports: each is served, and what was changed is said', async () => {
    const served = async (model: string, fields: object) => {
      const answer = await chat({ model, messages: [{ role: 'user', content: 'Say a word.' }], ...fields });
      assert.equal(answer.status, 200, await answer.text());
      return { fits: answer.headers.get('x-request-fits'), limit: answer.headers.get('x-max-tokens') };
    };
    const mini = await extra('openai', 'gpt-5-mini');
    assert.deepEqual(await served('gpt-5-mini', { max_tokens: 100, temperature: 0.2 }), {
      fits: 'left-out:temperature, limit-name',
      limit: null,
    });
    const tested = await call(product.apis[0], 'POST', `/v1/models/${mini}/test`, { token: root });
    assert.equal(probeSchema.parse(tested.data).ok, true, JSON.stringify(tested.data));

    await extra('dashscope', 'qwen3-32b');
    assert.deepEqual(await served('qwen3-32b', { enable_thinking: true }), { fits: 'thinking-off', limit: null });

    await extra('openai', 'sim-short-answers');
    assert.deepEqual(await served('sim-short-answers', {}), { fits: null, limit: null });

    const asJob = { modelIdentifier: 'gpt-5-mini', userMessage: 'Hi.', options: { max_tokens: 100, temperature: 0.2 } };
    const job = await call(product.apis[0], 'POST', '/v1/async/chat', { key: customer.key, body: asJob });
    const { jobId } = z.object({ jobId: z.string() }).parse(job.data);
    assert.equal((await jobEnd(product.apis[0], customer.key, jobId)).status, 'COMPLETED');
    const logged = z.array(z.object({ modelIdentifier: z.string(), isAsync: z.boolean(), fits: z.array(z.string()) }));
    let calls: z.infer<typeof logged> = [];
    await until('the calls are in the usage log', async () => {
      const { data } = await call(product.apis[0], 'GET', '/v1/statistics/logs/me', { token: customer.token });
      calls = logged.parse(data).filter(({ modelIdentifier }) => modelIdentifier === 'gpt-5-mini');
      return calls.length === 2;
    });
    assert.deepEqual(
      calls.map(({ isAsync, fits }) => [isAsync, fits.join(', ')]),
      [
        [false, 'left-out:temperature, limit-name'],
        [true, 'left-out:temperature, limit-name'],
      ],
    );
    const metrics = await (await fetch(`${product.worker.url}/metrics`)).text();
    assert.match(metrics, /provider_request_fits_total\{provider="openai",fit="limit-name"[^}]*\} [1-9]/);
  });

  test('a model that only streams is served whole, as a job, in a test, and with its thoughts', async () => {
    const id = await extra('dashscope', 'qwq-plus');
    const answer = await chat({ model: 'qwq-plus', messages: [{ role: 'user', content: 'Say a word.' }] });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    const message = completionSchema.parse(JSON.parse(text)).choices[0]?.message;
    assert.ok(message?.content);
    assert.ok(typeof message.reasoning_content === 'string' && message.reasoning_content !== '');
    const tested = await call(product.apis[0], 'POST', `/v1/models/${id}/test`, { token: root });
    assert.equal(probeSchema.parse(tested.data).ok, true, JSON.stringify(tested.data));
    const submitted = await call(product.apis[0], 'POST', '/v1/async/chat', {
      key: customer.key,
      body: { userMessage: 'Say a word.', modelIdentifier: 'qwq-plus' },
    });
    const { jobId } = z.object({ jobId: z.string() }).parse(submitted.data);
    const job = await jobEnd(product.apis[0], customer.key, jobId);
    assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
  });

  test('a schema is put in words where only an object can be asked for, whole and streamed', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const response_format = { type: 'json_schema', json_schema: { name: 'place', schema } };
    for (const name of ['deepseek', 'zhipu']) {
      const served = all.get(name);
      assert.ok(served);
      const body = { model: served.model.identifier, messages: [{ role: 'user', content: 'Where?' }], response_format };
      const whole = await chat(body);
      const text = await whole.text();
      assert.equal(whole.status, 200, text);
      assert.match(whole.headers.get('x-request-fits') ?? '', /json-schema/);
      assert.equal(nano(whole.headers.get('x-cost') ?? ''), await costOf(served));
      const [choice] = completionSchema.parse(JSON.parse(text)).choices;
      z.record(z.string(), z.unknown()).parse(JSON.parse(choice?.message.content ?? ''));
      const stream = await chat({ ...body, stream: true });
      assert.match(await stream.text(), /data: \[DONE\]\s*$/);
    }
  });

  test('the check of a provider says what its vendor no longer lists, in its exit code too', async () => {
    const check = async (name: string) => {
      const run = promisify(execFile)(process.execPath, ['cli/provider.ts', 'check', name], {
        env: { ...process.env, ...product.environment },
      });
      return run.then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: unknown) => z.object({ code: z.number(), stdout: z.string() }).parse(error),
      );
    };
    const whole = await check('deepseek');
    assert.deepEqual([whole.code, whole.stdout.includes('Nothing has gone.')], [0, true], whole.stdout);
    const id = await extra('deepseek', 'deepseek-retired');
    const gone = await check('deepseek');
    assert.equal(gone.code, 1);
    assert.ok(gone.stdout.includes(`deepseek-retired: called by deepseek-retired (id ${id}, online)`), gone.stdout);
  });

  test('as jobs, all at once', async () => {
    const jobs = await Promise.all(
      [...all.values()].map(async (served) => {
        const plain = { userMessage: 'Write a line.', modelIdentifier: served.model.identifier };
        const { tools: _tools, n: _n, ...options } = HARD;
        const answer = await call(product.apis[0], 'POST', '/v1/async/chat', {
          key: customer.key,
          body: { ...plain, options },
        });
        assert.equal(answer.status, 202, answer.message);
        return { served, jobId: z.object({ jobId: z.string() }).parse(answer.data).jobId };
      }),
    );
    for (const { served, jobId } of jobs) {
      const job = await jobEnd(product.apis[0], customer.key, jobId);
      assert.equal(job.status, 'COMPLETED', `${served.preset.name}: ${job.errorMessage}`);
      assert.equal(nano((job.cost ?? 0).toFixed(9)), await costOf(served), served.preset.name);
    }
  });

  test('a key that was refused comes back by itself once its vendor takes it again', async () => {
    const simulator = upstream(product);
    const circuitOf = async ({ providerId }: Served) => {
      const { data } = await call(product.apis[0], 'GET', `/v1/providers/${providerId}/keys`, { token: root });
      return z.array(z.looseObject({ circuit: z.string() })).parse(data)[0]?.circuit;
    };
    for (const served of all.values()) {
      await simulator.keyState(`sim-${served.preset.name}`, 'revoked');
      const refused = await chat({ model: served.model.identifier, messages: [{ role: 'user', content: 'hi' }] });
      assert.equal(refused.status, 503, `${served.preset.name}: ${await refused.text()}`);
      assert.notEqual(await circuitOf(served), 'closed', served.preset.name);
    }
    for (const served of all.values()) await simulator.keyState(`sim-${served.preset.name}`, 'valid');
    for (const served of all.values()) {
      await until(`the key of ${served.preset.name} is back`, async () => (await circuitOf(served)) === 'closed');
      await answered(served, { messages: [{ role: 'user', content: 'Back again.' }] });
    }
  });
});

const completionSchema = z.object({
  choices: z.array(
    z.object({
      message: z.looseObject({ content: z.string().nullish(), tool_calls: z.array(z.unknown()).nullish() }),
    }),
  ),
});
const probeSchema = z.looseObject({ ok: z.boolean() });

/** Nano-units of a decimal text. */
function nano(text: string): bigint {
  const amount = parseMoney(text);
  assert.ok(amount !== undefined, `"${text}" is an amount`);
  return amount;
}

/** The price of one token from that of a million, both as decimal text. */
function perToken(perMillion: string): string {
  const [whole = '', decimals = ''] = perMillion.split('.');
  const digits = `${whole}${decimals}`.padStart(7 + decimals.length, '0');
  const point = digits.length - decimals.length - 6;
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}
