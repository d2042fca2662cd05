/** Against the simulator, which speaks the form as OpenAI does. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { createOutbound, type Outbound } from '../../../infra/outbound.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';
import { CompletionAssembler } from '../completion.ts';
import { listIn } from '../message.ts';
import type { ModelNeeds } from '../needs.ts';
import type { UpstreamTarget } from '../provider.ts';
import { failedWith, testAdapters, testContext } from '../test-calls.ts';

let simulator: Simulator;
let outbound: Outbound;
before(async () => {
  simulator = await startSimulator();
  outbound = createOutbound({ OUTBOUND_PRIVATE_HOSTS: [], SIMULATOR_URL: simulator.url });
});
after(async () => {
  await simulator.close();
  await outbound.close();
});

const THINKS: ModelNeeds = { thinkingSwitch: 'reasoning_effort', refusedFields: ['temperature'] };
const MODEL = 'sim-responses-thinking';
const tools = [{ type: 'function', name: 'get_weather', parameters: { type: 'object' } }];
const user = (content: string) => ({ role: 'user', content });

function asked(body: Json, model = MODEL, needs = THINKS) {
  const { responses } = testAdapters(outbound).native;
  const target: UpstreamTarget = { kind: 'openai', urlBase: `${simulator.url}/v1`, apiKey: 'sim-native', model };
  const fitted = responses.fitted(body, { limit: undefined, needs, model });
  return { responses, target, ...fitted, request: { form: 'responses' as const, body: fitted.body, headers: {} } };
}

async function whole(body: Json, model = MODEL, needs = THINKS) {
  const { responses, target, request } = asked(body, model, needs);
  const { native, ...answer } = await responses.complete(target, request, testContext());
  return { ...answer, response: JSON.parse(native) };
}

async function streamed(body: Json, model = MODEL) {
  const { responses, target, request } = asked(body, model);
  const heard = new CompletionAssembler();
  const events: Json[] = [];
  for await (const { data, body: chunk } of await responses.stream(target, request, testContext())) {
    heard.add(chunk);
    events.push(JSON.parse(data));
  }
  return { heard, events };
}

test('tools while it thinks: the thoughts come sealed, and are taken back with the result', async () => {
  const question = user('call get_weather with {"city":"Rome"}');
  const { response, completion, usage } = await whole({ input: [question], tools, reasoning: { summary: 'auto' } });
  const [thought, call] = response.output;
  assert.ok(thought.encrypted_content, 'which nobody has asked for, as nothing is kept there');
  assert.partialDeepStrictEqual(completion, {
    choices: [{ finish_reason: 'tool_calls', message: { tool_calls: [{ function: { name: 'get_weather' } }] } }],
  });
  assert.equal(usage?.promptTokens, response.usage.input_tokens);
  assert.equal(usage?.reasoningTokens, response.usage.output_tokens_details.reasoning_tokens);
  const result = { type: 'function_call_output', call_id: call.call_id, output: 'sunny' };
  const next = await whole({ input: [question, thought, call, result], tools });
  const without = await whole({ input: [question, call, result], tools });
  assert.equal(next.response.output.at(-1).content[0].text, 'The result is: sunny');
  assert.ok(Number(next.usage?.promptTokens) > Number(without.usage?.promptTokens), 'it has read its thoughts');
});

test('thoughts that the provider cannot read are left out, and all else is asked once more', async () => {
  const question = user('call get_weather with {"city":"Rome"}');
  const { response } = await whole({ input: [question], tools });
  const [thought, call] = response.output;
  const result = { type: 'function_call_output', call_id: call.call_id, output: 'sunny' };
  const without = await whole({ input: [question, call, result], tools });
  for (const unread of [
    { ...thought, encrypted_content: 'gAAA' },
    { ...thought, id: 'rs_other' },
  ]) {
    const body = { input: [question, unread, call, result], tools };
    assert.equal((await whole(body)).usage?.promptTokens, without.usage?.promptTokens);
    assert.deepEqual((await streamed(body)).heard.usage(), without.usage);
  }
  await assert.rejects(whole({ input: [{ ...thought, id: 'rs_other' }] }), failedWith('bad-request', /did not match/));
});

test('a stream passes event by event and says, uses and costs the same', async () => {
  const body = { input: [user('What is the sea?')], reasoning: { summary: 'auto' } };
  const { response, usage } = await whole(body);
  const { heard, events } = await streamed(body);
  assert.deepEqual(heard.usage(), usage);
  assert.deepEqual(
    events.map(({ sequence_number }) => sequence_number),
    events.map((_, index) => index),
  );
  const last = events.at(-1);
  assert.ok(last?.type === 'response.completed' && isJsonObject(last.response));
  assert.deepEqual(last.response.output, response.output);
  const [choice] = listIn(heard.completion().choices);
  const said = isJsonObject(choice) ? choice.message : undefined;
  assert.partialDeepStrictEqual(said, { content: response.output[1].content[0].text });
  assert.ok(isJsonObject(said) && said.reasoning_content === response.output[0].summary[0].text);
});

test('fields that the model refuses are left out and named; efforts are brought to those that are taken', () => {
  const limited = asked({ temperature: 1, seed: 1, reasoning: { effort: 'max', summary: 'auto' } }, MODEL, {
    ...{ ...THINKS, efforts: ['low', 'high'] },
  });
  assert.deepEqual(limited.body, {
    reasoning: { effort: 'high', summary: 'auto' },
    include: ['reasoning.encrypted_content'],
  });
  assert.deepEqual(limited.fits, ['left-out:temperature', 'left-out:seed', 'effort']);
  const { responses } = testAdapters(outbound).native;
  const how = { limit: 5, needs: {}, model: 'gpt-4o' };
  assert.deepEqual(responses.fitted({ input: [] }, how).body, { input: [], max_output_tokens: 5 });
  const silent = { ...how, needs: { thinkingSwitch: 'none' }, model: 'gpt-5-chat' } as const;
  assert.deepEqual(responses.fitted({ input: [] }, silent).body, { input: [], max_output_tokens: 5 });
});

test('errors in place of an answer and within a stream, and streams that are cut', async () => {
  const body = { input: [user('x')] };
  await assert.rejects(whole(body, `${MODEL}!429`), failedWith('rate', /Rate limit/));
  await assert.rejects(whole(body, `${MODEL}!200-error`), failedWith('transient', /./));
  await assert.rejects(whole(body, `${MODEL}!malformed`), failedWith('transient', /no response/));
  await assert.rejects(streamed(body, `${MODEL}!error-in-stream=5`), failedWith('transient', /had an error/));
  await assert.rejects(streamed(body, `${MODEL}!clean-cut=5`), failedWith('transient', /cut off/));
  await assert.rejects(streamed(body, `${MODEL}!cut=5`), failedWith('transient', /./));
  await assert.rejects(whole({ ...body, tools: [{ type: 'mcp' }] }), failedWith('bad-request', /tools/));
});
