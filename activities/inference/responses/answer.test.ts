import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_USAGE } from '../../../core/ledger/money.ts';
import type { JsonObject } from '../../../infra/json-object.ts';
import { callIn, EventTexts, ResponseAnswer, type ResponseEvent, responseIdOf, responseUsage } from './answer.ts';
import { responsesInput } from './request.ts';

const REQUEST_ID = '01a22bff-c5c1-7222-b66e-f9f4ad6e1de9';
const HEX = REQUEST_ID.replaceAll('-', '');
const COUNTS = { promptTokens: 5, completionTokens: 3, cachedTokens: 2, reasoningTokens: 1 };
const CHARGED = { cost: 7n, priceRule: 'night', usage: { ...NO_USAGE, ...COUNTS } };
const USAGE = responseUsage(CHARGED, undefined);
const PARAMETERS = { type: 'object', properties: {} };

function answered(body: object, deltas: readonly object[], finish_reason = 'stop') {
  const answer = new ResponseAnswer(responsesInput({ input: 'x', ...body }, 7_000), REQUEST_ID, 'm');
  const events: ResponseEvent[] = deltas.flatMap((delta) => answer.add({ choices: [{ index: 0, delta }] }));
  events.push(...answer.add({ choices: [{ index: 0, delta: {}, finish_reason }] }));
  const end = answer.end(USAGE);
  return { events: [...events, ...end.events], response: end.response };
}

/** What a client puts together of the events of items. */
function rebuilt(events: readonly ResponseEvent[]): unknown[] {
  const done = events.filter(({ type }) => type === 'response.output_item.done');
  return done.map(({ fields }) => fields.item);
}

test('thoughts, a text and calls: each item is added, sent in pieces and done, before the response is', () => {
  const tools = [{ type: 'function', name: 'f', parameters: PARAMETERS }];
  const { events, response } = answered(
    { tools, reasoning: { summary: 'auto' } },
    [
      { role: 'assistant', content: '' },
      { reasoning_content: 'hm' },
      { reasoning_content: 'm' },
      { content: 'Let me ' },
      { content: 'see.' },
      { tool_calls: [{ index: 0, id: 'c1', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] },
      { tool_calls: [{ index: 1, id: 'c2', function: { name: 'f', arguments: '{}' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
    ],
    'tool_calls',
  );
  assert.deepEqual(
    events.map(
      ({ type, fields: { output_index: at } }) => `${type.replace('response.', '')}${at === undefined ? '' : ` ${at}`}`,
    ),
    [
      ...['created', 'in_progress'],
      ...['output_item.added 0', 'reasoning_summary_part.added 0', 'reasoning_summary_text.delta 0'],
      ...['reasoning_summary_text.delta 0', 'reasoning_summary_text.done 0', 'reasoning_summary_part.done 0'],
      ...['output_item.done 0', 'output_item.added 1', 'content_part.added 1', 'output_text.delta 1'],
      ...['output_text.delta 1', 'output_text.done 1', 'content_part.done 1', 'output_item.done 1'],
      ...['output_item.added 2', 'function_call_arguments.delta 2', 'output_item.added 3'],
      ...['function_call_arguments.delta 3', 'function_call_arguments.delta 2', 'function_call_arguments.done 2'],
      ...['output_item.done 2', 'function_call_arguments.done 3', 'output_item.done 3', 'completed'],
    ],
  );
  const text = { type: 'output_text', annotations: [], logprobs: [], text: 'Let me see.' };
  const called = (at: number, call_id: string, args: string) => ({
    ...{ type: 'function_call', id: `fc_${HEX}_${at}`, call_id, status: 'completed', name: 'f', arguments: args },
  });
  const output = [
    { id: `rs_${HEX}_0`, type: 'reasoning', summary: [{ type: 'summary_text', text: 'hmm' }], status: 'completed' },
    { id: `msg_${HEX}_1`, type: 'message', status: 'completed', role: 'assistant', content: [text] },
    called(2, 'c1', '{"a":1}'),
    called(3, 'c2', '{}'),
  ];
  assert.deepEqual(response.output, output);
  assert.deepEqual(rebuilt(events), output);
  assert.deepEqual(response.usage, {
    ...{
      input_tokens: 5,
      input_tokens_details: { cached_tokens: 2, cache_write_tokens: 0 },
      output_tokens: 3,
      total_tokens: 8,
    },
    output_tokens_details: { reasoning_tokens: 1 },
  });
  assert.equal(response.created_at, 7);
  const shown = JSON.stringify(responseUsage(CHARGED, { currency: 'CNY' }));
  assert.match(shown, /"cost":0.000000007,"cost_details":\{"currency":"CNY","price_rule":"night"\}/);
});

test('a whole answer says what its stream says', () => {
  const tools = [{ type: 'custom', name: 'p' }];
  const message = {
    ...{ role: 'assistant', content: 'So.', reasoning_content: 'hm' },
    tool_calls: [{ id: 'c', type: 'function', function: { name: 'p', arguments: '{"input":"x"}' } }],
  };
  const streamed = answered({ tools }, [
    { reasoning_content: 'h' },
    { reasoning_content: 'm' },
    { content: 'So' },
    { content: '.' },
    { tool_calls: [{ index: 0, id: 'c', function: { name: 'p' } }] },
    { tool_calls: [{ index: 0, function: { arguments: '{"inp' } }] },
    { tool_calls: [{ index: 0, function: { arguments: 'ut":"x"}' } }] },
  ]);
  const answer = new ResponseAnswer(responsesInput({ input: 'x', tools }, 7_000), REQUEST_ID, 'm');
  answer.add({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
  const { completed_at: _, ...whole } = answer.end(USAGE).response;
  const { completed_at: __, ...rest } = streamed.response;
  assert.deepEqual(whole, rest);
  assert.deepEqual(rebuilt(streamed.events), whole.output);
});

test('an answer that was cut, a refusal, and citations', () => {
  const cut = answered({}, [{ content: 'The' }], 'length').response;
  assert.deepEqual([cut.status, cut.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }]);
  assert.partialDeepStrictEqual(cut.output, [{ status: 'incomplete' }]);
  assert.equal(answered({}, [{ content: 'x' }], 'content_filter').response.status, 'incomplete');
  const refused = answered({}, [{ refusal: 'I ' }, { refusal: 'will not.' }]);
  assert.partialDeepStrictEqual(refused.response.output, [{ content: [{ type: 'refusal', refusal: 'I will not.' }] }]);
  const cited = answered({}, [
    { content: 'x' },
    {
      annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.example', start_index: 0, end_index: 1 } }],
    },
  ]);
  assert.partialDeepStrictEqual(cited.response.output, [
    { content: [{ annotations: [{ type: 'url_citation', url: 'https://a.example', start_index: 0 }] }] },
  ]);
});

test('a failure ends what was sent; events are numbered without a gap', () => {
  const answer = new ResponseAnswer(responsesInput({ input: 'x' }, 0), REQUEST_ID, 'm');
  const texts = new EventTexts();
  const first = texts.of(answer.add({ choices: [{ index: 0, delta: { content: 'x' } }] }));
  const text = first + texts.of(answer.fail({ code: 'server_error', message: 'gone' }).events);
  const events: JsonObject[] = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data));
  assert.deepEqual(
    events.map(({ sequence_number: number }) => number),
    events.map((_, index) => index),
  );
  assert.partialDeepStrictEqual(events.at(-1), {
    ...{ type: 'response.failed', response: { status: 'failed', error: { code: 'server_error', message: 'gone' } } },
  });
  const early = new ResponseAnswer(responsesInput({ input: 'x' }, 0), REQUEST_ID, 'm').fail({
    code: 'c',
    message: 'm',
  });
  assert.deepEqual(
    early.events.map(({ type }) => type),
    ['response.created', 'response.in_progress', 'response.failed'],
  );
});

test('ids of a response and of its items name their call; those of others do not', () => {
  for (const id of [responseIdOf(REQUEST_ID), `msg_${HEX}_0`, `fc_${HEX}_12`, `fco_${HEX}_i3`])
    assert.equal(callIn(id), HEX, id);
  for (const id of ['', 'resp_1', `resp_${HEX}x`, 'msg_4e73a5b7-b9db-515f-ac66-5872e9d3ca20'])
    assert.equal(callIn(id), undefined, id);
});
