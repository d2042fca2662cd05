import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompletionAssembler, requireAnswer } from '../completion.ts';
import { UpstreamFailure } from '../failure.ts';
import type { ChatBody } from '../provider.ts';
import { failedWith, NO_TOKENS, testAdapters, testContext, testTarget } from '../test-calls.ts';
import { sentJson, testOutbound } from '../test-outbound.ts';
import { classifyOpenAi } from './errors.ts';
import { completionOf, ResponseReading } from './responses-reading.ts';

const USAGE = {
  ...{ input_tokens: 9, input_tokens_details: { cached_tokens: 4 }, output_tokens: 5, total_tokens: 14 },
  output_tokens_details: { reasoning_tokens: 2 },
};
const COUNTED = { ...NO_TOKENS, promptTokens: 9, cachedTokens: 4, completionTokens: 5, reasoningTokens: 2 };
const CALL = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' };
const OUTPUT = [
  { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
  { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'So.', annotations: [] }] },
  CALL,
];
const MESSAGE = {
  ...{ role: 'assistant', content: 'So.', reasoning_content: 'hm' },
  tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
};
const asked: ChatBody = { messages: [{ role: 'user', content: 'go' }] };
const target = { ...testTarget('openai', 'm'), chatInterface: 'responses' as const };

function answering(type: string, body: string) {
  const { outbound, sent } = testOutbound([{ status: 200, headers: { 'content-type': type }, body }]);
  return { adapter: testAdapters(outbound).chat.openai, sent };
}

async function whole(answer: object, body = asked) {
  const { adapter, sent } = answering('application/json', JSON.stringify({ object: 'response', ...answer }));
  return { answer: await adapter.complete(target, body, testContext()), sent };
}

async function streamed(events: readonly object[]) {
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  const { adapter } = answering('text/event-stream', text);
  const assembler = new CompletionAssembler();
  for await (const { data, body } of await adapter.stream(target, asked, testContext())) {
    assert.deepEqual(JSON.parse(data), body);
    assembler.add(body);
  }
  return assembler;
}

test('a chat is asked as a response that is not kept, in the names that responses have', async () => {
  const tool = { name: 'f', parameters: { type: 'object' }, strict: true };
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA', detail: 'low' } };
  const { sent } = await whole(
    { status: 'completed', output: OUTPUT, usage: USAGE },
    {
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'look' }, image] },
        { role: 'assistant', content: 'I do.', tool_calls: MESSAGE.tool_calls },
        { role: 'tool', tool_call_id: 'c1', content: 'seen' },
      ],
      ...{ max_tokens: 7, reasoning_effort: 'high', temperature: 1, stop: ['x'], prompt_cache_key: 'k' },
      ...{ tools: [{ type: 'function', function: tool }], tool_choice: { type: 'function', function: { name: 'f' } } },
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: {} } },
    },
  );
  assert.equal(sent[0]?.path, '/v1/responses');
  assert.deepEqual(sentJson(sent[0]), {
    input: [
      { type: 'message', role: 'system', content: 'Be brief.' },
      {
        ...{ type: 'message', role: 'user' },
        content: [
          { type: 'input_text', text: 'look' },
          { type: 'input_image', image_url: 'data:image/png;base64,AA', detail: 'low' },
        ],
      },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I do.' }] },
      CALL,
      { type: 'function_call_output', call_id: 'c1', output: 'seen' },
    ],
    ...{ max_output_tokens: 7, reasoning: { effort: 'high' }, temperature: 1, prompt_cache_key: 'k' },
    ...{ tools: [{ type: 'function', ...tool }], tool_choice: { type: 'function', name: 'f' } },
    text: { format: { type: 'json_schema', name: 's', schema: {} } },
    ...{ model: 'm', store: false },
  });
});

test('a response is read as a chat, whole and streamed, with its counts', async () => {
  const { answer } = await whole({ status: 'completed', output: OUTPUT, usage: USAGE });
  assert.partialDeepStrictEqual(answer.completion, { choices: [{ message: MESSAGE, finish_reason: 'tool_calls' }] });
  assert.deepEqual(answer.usage, COUNTED);
  const assembler = await streamed([
    { type: 'response.created', response: { status: 'in_progress', error: null } },
    { type: 'response.reasoning_summary_text.delta', output_index: 0, delta: 'hm' },
    { type: 'response.output_text.delta', output_index: 1, delta: 'So' },
    { type: 'response.output_text.delta', output_index: 1, delta: '.' },
    { type: 'response.output_item.added', output_index: 2, item: { ...CALL, arguments: '' } },
    { type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"a"' },
    { type: 'response.function_call_arguments.delta', output_index: 2, delta: ':1}' },
    { type: 'response.completed', response: { status: 'completed', output: OUTPUT, usage: USAGE } },
  ]);
  assert.partialDeepStrictEqual(assembler.completion(), {
    choices: [{ message: MESSAGE, finish_reason: 'tool_calls' }],
  });
  assert.deepEqual(assembler.usage(), COUNTED);
});

test('one that was cut by its limit, one that failed, and a stream that breaks', async () => {
  const incomplete = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
  const { answer } = await whole({ ...incomplete, output: OUTPUT.slice(1, 2), usage: USAGE });
  assert.partialDeepStrictEqual(answer.completion, { choices: [{ finish_reason: 'length' }] });
  const error = { code: 'rate_limit_exceeded', message: 'slow down' };
  await assert.rejects(whole({ status: 'failed', error, output: [] }), failedWith('rate', /slow down/));
  const begun = { type: 'response.output_text.delta', output_index: 0, delta: 'So' };
  await assert.rejects(streamed([begun]), failedWith('transient', /cut off/));
  const failed = { type: 'response.failed', response: { status: 'failed', error } };
  await assert.rejects(streamed([begun, failed]), failedWith('rate', /slow down/));
  await assert.rejects(streamed([begun, { type: 'error', ...error }]), failedWith('rate', /slow down/));
});

test('a response that has failed is a failure, whatever it says of an error, and tells what it has used', async () => {
  const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };
  const begun = { type: 'response.output_text.delta', output_index: 0, delta: 'So' };
  for (const error of [null, undefined, {}, { code: 'server_error', message: 'boom' }]) {
    for (const status of ['failed', 'cancelled']) {
      const said = isErrorless(error) ? new RegExp(`is ${status}`) : /boom/;
      const response = { status, error, output: OUTPUT, usage: USAGE };
      const failed = (one: unknown) =>
        failedWith('transient', said)(one) && one instanceof UpstreamFailure && isUsed(one, usage);
      await assert.rejects(whole(response), failed);
      await assert.rejects(streamed([begun, { type: `response.${status}`, response }]), failed);
    }
  }
  await assert.rejects(streamed([begun, { type: 'response.failed', response: {} }]), failedWith('transient', /failed/));
});

function isErrorless(error: object | null | undefined): boolean {
  return error === null || error === undefined || Object.keys(error).length === 0;
}

function isUsed({ details }: UpstreamFailure, usage: object): true {
  assert.partialDeepStrictEqual(details.usage, usage);
  return true;
}

test('what the provider’s own tools did is an answer, whole and streamed; a thought that only it can read is none', () => {
  const head = { id: 'x', created: 1, model: 'm' };
  const call = { urlBase: '', apiKey: 'k', signal: new AbortController().signal, classify: classifyOpenAi };
  const isAnswer = (item: object) => {
    const response = { status: 'completed', output: [item], usage: null };
    const reading = new ResponseReading(call, head, 'as it is');
    const heard = new CompletionAssembler();
    for (const event of [
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.completed', response },
    ]) {
      const chunk = reading.take(undefined, JSON.stringify(event));
      if (chunk) heard.addChunk(chunk);
    }
    return [() => heard.requireAnswer({}), () => requireAnswer(completionOf(response, head), {})].map((way) => {
      try {
        way();
        return true;
      } catch {
        return false;
      }
    });
  };
  for (const type of ['web_search_call', 'image_generation_call', 'mcp_call']) {
    assert.deepEqual(isAnswer({ type, id: 'i' }), [true, true], type);
  }
  const sealed = { type: 'reasoning', id: 'i', summary: [], encrypted_content: 'sealed' };
  assert.deepEqual(isAnswer(sealed), [false, false]);
});
