/** What providers really answer: what callers get in each form, and what they pay, to the nano-unit. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { z } from 'zod';
import { apiFetch } from '../e2e/api-fetch.ts';
import { type Customer, call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { addProvider, upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';

/** Prices of `addProvider`, nano-units a token. */
const INPUT = 1_000n;
const OUTPUT = 2_000n;

const messageSchema = z.looseObject({ content: z.string().nullish() });
const completionSchema = z.object({ choices: z.array(z.looseObject({ message: messageSchema })) });
const replySchema = z.looseObject({ assistantMessage: z.string() });
const chunkSchema = z.object({ choices: z.array(z.looseObject({ delta: z.looseObject({}) })) });

/** Answers that are one, with what they hold beside the text. */
const GOOD: readonly { readonly fault: string; readonly text?: string; readonly holds?: string }[] = [
  { fault: 'empty-finish-reason' },
  { fault: 'null-finish-reason' },
  { fault: 'no-done' },
  { fault: 'no-finish-reason' },
  { fault: 'no-choice-index' },
  { fault: 'sse-for-json' },
  { fault: 'json-for-sse' },
  { fault: 'ndjson' },
  { fault: 'says-text' },
  { fault: 'says-json' },
  { fault: 'says-sse' },
  { fault: 'bom' },
  { fault: 'gzip' },
  { fault: 'deflate' },
  { fault: 'br' },
  { fault: 'tools-without-index', text: '', holds: 'thought_signature' },
  { fault: 'content-parts', text: 'It is sunny.', holds: 'Let me see.' },
  { fault: 'annotations', text: 'It is sunny.', holds: 'url_citation' },
  { fault: 'reasoning-only', text: '', holds: 'Let me see.' },
  { fault: 'refusal-only', text: '', holds: 'I cannot help with that.' },
  { fault: 'picture-only', text: '', holds: 'data:image/png' },
  { fault: 'audio', text: '', holds: 'UklGRg==' },
];

/** Answers that say nothing: tried elsewhere, then an error. */
const SILENT = ['says-nothing', 'empty', 'error-flat', 'error-dashscope', 'error-ark', 'error-minimax', 'error-vllm'];
/** Streams that fail after something was said. */
const BROKEN = [
  ...['breaks=4', 'clean-cut=4', 'empty-finish-reason!clean-cut=4', 'null-finish-reason!clean-cut=4'],
  ...['error-flat=4', 'error-ark=4', 'error-string=4', 'error-minimax=4', 'error-event=4', 'error-choice=4'],
];

describe('answers as vendors give them', () => {
  let product: Product;
  let customer: Customer;
  before(async () => {
    ({ product } = await sharedProduct('field'));
    customer = await newCustomer(product.apis[0]);
    const faults = [...GOOD.map(({ fault }) => fault), ...SILENT.map((fault) => `${fault}=1`), ...BROKEN];
    const models = faults.map((fault) => ({
      identifier: `m-${fault}`,
      upstream: `sim-chat!${fault.replace('says-nothing=1', 'says-nothing').replace('empty=1', 'empty')}`,
    }));
    await addProvider(product, { name: 'field', keys: ['sim-field-1', 'sim-field-2'], models });
    const needs = { chatInterface: 'responses', thinkingSwitch: 'reasoning_effort' } as const;
    const openai = [
      { identifier: 'q-chat', upstream: 'sim-chat' },
      { identifier: 'q-responses', upstream: 'sim-responses-thinking', needs },
      { identifier: 'e-chat', upstream: 'sim-chat!empty' },
      { identifier: 'e-responses', upstream: 'sim-responses-thinking!empty', needs },
    ];
    const claude = [
      { identifier: 'q-claude', upstream: 'sim-claude' },
      { identifier: 'e-claude', upstream: 'sim-claude!empty' },
    ];
    await addProvider(product, { name: 'quiet', keys: ['sim-quiet-1'], models: openai });
    await addProvider(product, { name: 'quiet-claude', kind: 'anthropic', keys: ['sim-quiet-2'], models: claude });
  });

  const messages = [{ role: 'user', content: 'Tell me about the sea.' }];
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    apiFetch(`${product.apis[0]?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'access-key': customer.key, ...headers },
      body: JSON.stringify(body),
    });
  const chargeOf = async (id: string | null) => {
    const [row] = await product.rows(
      `SELECT amount, prompt_tokens AS prompt, completion_tokens AS completion, estimated
         FROM transfers WHERE id='${id}' AND kind='charge'`,
    );
    return (
      row && {
        amount: -BigInt(String(row.amount)),
        due: BigInt(String(row.prompt)) * INPUT + BigInt(String(row.completion)) * OUTPUT,
        completion: Number(row.completion),
        estimated: Number(row.estimated),
      }
    );
  };
  const charged = async (id: string | null, isEstimated: boolean) => {
    const charge = await chargeOf(id);
    assert.ok(charge, 'there is a charge');
    assert.equal(charge.amount, charge.due);
    assert.ok(charge.completion > 0);
    assert.equal(charge.estimated === 1, isEstimated);
  };
  const holdsClosed = () => until('every hold is closed', () => product.isSettled());
  const submit = async (model: string) => {
    const body = { modelIdentifier: model, userMessage: 'Tell me about the sea.' };
    const answer = await call(product.apis[0], 'POST', '/v1/async/chat', { key: customer.key, body });
    assert.equal(answer.status, 202, answer.message);
    return z.object({ jobId: z.string() }).parse(answer.data).jobId;
  };
  /** The data of each event but `[DONE]`. */
  const dataOf = (text: string) => [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data = '']) => data);

  for (const { fault, text, holds = '' } of GOOD) {
    test(`${fault} is an answer, whole, streamed, in the gateway's own form and as a job`, async () => {
      const model = `m-${fault}`;
      const job = submit(model);
      const whole = await post('/v2/chat', { model, messages });
      const wholeText = await whole.text();
      assert.equal(whole.status, 200, wholeText);
      const [choice] = completionSchema.parse(JSON.parse(wholeText)).choices;
      if (text !== undefined) assert.equal(choice?.message.content ?? '', text);
      assert.ok(wholeText.includes(holds));
      await charged(whole.headers.get('x-request-id'), false);

      const own = await post('/v1/chat', { modelIdentifier: model, userMessage: 'Tell me about the sea.' });
      const ownText = await own.text();
      const reply = replySchema.parse(JSON.parse(ownText).data);
      if (text === undefined) assert.ok(reply.assistantMessage.length > 20);
      else assert.equal(reply.assistantMessage, text);
      assert.ok(ownText.includes(holds));
      await charged(own.headers.get('x-request-id'), false);

      const stream = await post('/v2/chat', { model, messages, stream: true });
      const streamText = await stream.text();
      assert.match(streamText, /data: \[DONE\]\n\n$/, streamText);
      assert.ok(streamText.includes(holds));
      for (const data of dataOf(streamText)) {
        for (const { index, finish_reason: reason, delta } of chunkSchema.parse(JSON.parse(data)).choices) {
          assert.equal(typeof index, 'number');
          assert.ok(reason === null || ['stop', 'tool_calls'].includes(String(reason)), String(reason));
          assert.ok(delta.content === undefined || delta.content === null || typeof delta.content === 'string');
        }
      }
      await charged(stream.headers.get('x-request-id'), false);

      const ended = await jobEnd(product.apis[0], customer.key, await job);
      assert.equal(ended.status, 'COMPLETED', ended.errorMessage ?? '');
      const result = JSON.stringify(ended.resultPayload);
      if (text !== undefined) assert.equal(replySchema.parse(ended.resultPayload).assistantMessage, text);
      assert.ok(result.includes(holds));
      await charged(await job, false);
    });
  }

  test('two calls without index reach the client of a stream and of a job as two', async () => {
    const model = 'm-tools-without-index';
    const stream = await (await post('/v2/chat', { model, messages, stream: true })).text();
    const indexes = dataOf(stream).flatMap((data) =>
      chunkSchema.parse(JSON.parse(data)).choices.flatMap(({ delta }) =>
        z
          .array(z.looseObject({ index: z.number() }))
          .parse(delta.tool_calls ?? [])
          .map(({ index }) => index),
      ),
    );
    assert.deepEqual(indexes, [0, 1]);
    const ended = await jobEnd(product.apis[0], customer.key, await submit(model));
    const { toolCalls } = z
      .object({ toolCalls: z.array(z.looseObject({ id: z.string() })) })
      .parse(ended.resultPayload);
    assert.deepEqual(
      toolCalls.map(({ id }) => id),
      ['call_1', 'call_2'],
    );
  });

  for (const fault of SILENT) {
    test(`${fault} before anything was said is tried with the other key, then an error, free`, async () => {
      const model = `m-${fault}=1`;
      const control = upstream(product);
      await control.forget();
      const stream = await post('/v2/chat', { model, messages, stream: true });
      const streamText = await stream.text();
      assert.ok(stream.status >= 429, `${stream.status} ${streamText}`);
      assert.doesNotMatch(streamText, /\[DONE\]/);
      // The others may find the retry budget used up.
      if (fault === SILENT[0]) assert.equal((await control.journal()).length, 2, 'each key is tried');
      await holdsClosed();
      const id = stream.headers.get('x-request-id');
      assert.ok(id, 'a refusal has its id, too');
      assert.equal(await chargeOf(id), undefined);
      const ended = await jobEnd(product.apis[0], customer.key, await submit(model));
      assert.deepEqual([ended.status, ended.cost], ['FAILED', 0], JSON.stringify(ended));
    });
  }

  for (const fault of BROKEN) {
    test(`${fault} in the middle is an error, charged by what came, and never kept`, async () => {
      const body = { model: `m-${fault}`, messages, stream: true };
      const keyed = { 'idempotency-key': `key-${fault}` };
      const ids = new Set<string | null>();
      for (let again = 0; again < 2; again += 1) {
        const stream = await post('/v2/chat', body, keyed);
        const text = await stream.text();
        assert.match(text, /event: error\n/, text);
        assert.doesNotMatch(text, /\[DONE\]/);
        ids.add(stream.headers.get('x-request-id'));
        await holdsClosed();
        await charged(stream.headers.get('x-request-id'), true);
      }
      assert.equal(ids.size, 2, 'the key was tried again');
      const ended = await jobEnd(product.apis[0], customer.key, await submit(body.model));
      assert.deepEqual([ended.status, ended.cost], ['FAILED', 0], JSON.stringify(ended));
    });
  }

  const CHAT = '/v1/chat/completions';
  /** Ends that say why nothing was said, at each door in its own words. */
  const EXPLAINED = [
    { model: 'q-responses', path: CHAT, fields: { max_tokens: 16 }, says: '"finish_reason":"length"' },
    {
      model: 'q-responses',
      path: '/v1/responses',
      fields: { max_output_tokens: 16 },
      says: '"reason":"max_output_tokens"',
    },
    { model: 'q-responses', path: '/v1/messages', fields: { max_tokens: 16 }, says: '"stop_reason":"max_tokens"' },
    { model: 'q-chat', path: CHAT, fields: { stop: 'You' }, says: '"finish_reason":"stop"' },
    { model: 'q-chat', path: '/v1/messages', fields: { stop_sequences: ['You'] }, says: '"stop_reason":"end_turn"' },
    { model: 'q-claude', path: CHAT, fields: { stop: ['You'] }, says: '"finish_reason":"stop"' },
    {
      model: 'q-claude',
      path: '/v1/messages',
      fields: { stop_sequences: ['You'] },
      says: '"stop_reason":"stop_sequence"',
    },
  ];
  const asked = (path: string, model: string, fields: object) =>
    path === '/v1/responses'
      ? { model, input: 'Tell me about the sea.', ...fields }
      : { model, messages, ...(path === '/v1/messages' ? { max_tokens: 500 } : {}), ...fields };
  /** What the provider has counted of the one call since `forget`. */
  const counted = async () => {
    const [entry, ...others] = await upstream(product).journal();
    assert.deepEqual(others, [], 'the provider was called once');
    assert.ok(entry?.usage);
    return BigInt(entry.usage.promptTokens) * INPUT + BigInt(entry.usage.completionTokens) * OUTPUT;
  };

  for (const { model, path, fields, says } of EXPLAINED) {
    test(`${says} without a text is an answer of ${model} at ${path}, whole and streamed, and is charged`, async () => {
      for (const stream of [false, true]) {
        await upstream(product).forget();
        const answer = await post(path, { ...asked(path, model, fields), ...(stream ? { stream } : {}) });
        const text = await answer.text();
        assert.equal(answer.status, 200, text);
        assert.ok(text.includes(says), text);
        assert.doesNotMatch(text, /event: error|"delta":\{"content":"[^"]|text_delta|"text":"[^"]/);
        const charge = await chargeOf(answer.headers.get('x-request-id'));
        assert.deepEqual([charge?.amount, charge?.estimated], [await counted(), 0]);
      }
    });
  }

  test('such an end is the result of a job, too', async () => {
    for (const options of [
      { model: 'q-responses', maxTokens: 16 },
      { model: 'q-claude', stop: ['You'] },
    ]) {
      await upstream(product).forget();
      const { model, ...others } = options;
      const body = { modelIdentifier: model, userMessage: 'Tell me about the sea.', options: others };
      const submitted = await call(product.apis[0], 'POST', '/v1/async/chat', { key: customer.key, body });
      const { jobId } = z.object({ jobId: z.string() }).parse(submitted.data);
      const ended = await jobEnd(product.apis[0], customer.key, jobId);
      assert.equal(ended.status, 'COMPLETED', ended.errorMessage ?? '');
      assert.equal(replySchema.parse(ended.resultPayload).assistantMessage, '');
      assert.equal((await chargeOf(jobId))?.amount, await counted());
    }
  });

  test('an end that says nothing, not even why, fails at every door, free and not to be repeated', async () => {
    const ids: (string | null)[] = [];
    for (const model of ['e-chat', 'e-claude', 'e-responses']) {
      for (const path of [CHAT, '/v1/responses', '/v1/messages']) {
        for (const stream of [false, true]) {
          const answer = await post(path, { ...asked(path, model, {}), ...(stream ? { stream } : {}) });
          const text = await answer.text();
          const given = [answer.status, answer.headers.get('x-should-retry'), text.includes('delivered nothing')];
          assert.deepEqual(given, [502, 'false', true], `${model} at ${path}: ${text}`);
          ids.push(answer.headers.get('x-request-id'));
        }
      }
    }
    await holdsClosed();
    assert.equal(new Set(ids.filter((id) => id !== null)).size, ids.length);
    for (const id of ids) assert.equal(await chargeOf(id), undefined);
  });
});
