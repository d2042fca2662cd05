import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { EventTexts } from './answer.ts';
import { PassedOnResponse } from './passed-on.ts';
import { responsesInput } from './request.ts';

const CALL = '0123456789abcdef0123456789abcdef';
const REQUEST_ID = '01234567-89ab-cdef-0123-456789abcdef';
const input = responsesInput(
  { model: 'ours', input: 'x', previous_response_id: 'resp_before', metadata: { a: 'b' } },
  7,
);
const thought = { id: 'rs_far', type: 'reasoning', summary: [], encrypted_content: 'gAAA' };
const call = { id: 'ctc_far', type: 'custom_tool_call', call_id: 'c1', name: 'patch', input: '*' };
const response = {
  ...{ id: 'resp_far', object: 'response', created_at: 99, model: 'theirs-2026', status: 'completed', store: false },
  ...{ previous_response_id: null, metadata: {}, output: [thought, call], usage: { input_tokens: 1, extra: 5 } },
};
const usage = { input_tokens: 3 };
const whole = {
  ...{ id: `resp_${CALL}`, object: 'response', created_at: 99, model: 'ours', status: 'completed', store: true },
  ...{ previous_response_id: 'resp_before', metadata: { a: 'b' }, background: false },
  output: [
    { ...thought, id: `rs_${CALL}_0` },
    { ...call, id: `ctc_${CALL}_1` },
  ],
  usage: { input_tokens: 3, extra: 5 },
};

function answering(events: readonly Json[]) {
  const answer = new PassedOnResponse(input, REQUEST_ID, 'ours');
  return { answer, sent: events.flatMap((event) => answer.add(event)) };
}

test('a whole response keeps all but its ids, its model and what is the gateway’s own', () => {
  const { answer, sent } = answering([response]);
  assert.deepEqual(sent, []);
  assert.deepEqual(answer.end(usage).response, whole);
});

test('events keep their order and members; the last one waits for the charge, with numbers without a gap', () => {
  const begun = { ...response, status: 'in_progress', output: [], usage: null };
  const { answer, sent } = answering([
    { type: 'response.created', sequence_number: 0, response: begun },
    { type: 'response.output_item.added', sequence_number: 3, output_index: 1, item: call },
    { type: 'response.new_kind.delta', output_index: 1, item_id: 'ctc_far', delta: '*', obfuscation: 'x' },
    { type: 'keepalive', sequence_number: 9 },
    { type: 'response.incomplete', sequence_number: 10, response: { ...response, status: 'incomplete' } },
  ]);
  const { events } = answer.end(usage);
  const texts = new EventTexts();
  const data = texts.of([...sent, ...events]).matchAll(/^data: (.*)$/gm);
  assert.deepEqual(
    [...data].map(([, text = '']) => JSON.parse(text)),
    [
      {
        ...{ type: 'response.created', sequence_number: 0 },
        response: { ...whole, status: 'in_progress', output: [], usage: null },
      },
      { ...{ type: 'response.output_item.added', sequence_number: 1, output_index: 1 }, item: whole.output[1] },
      {
        ...{ type: 'response.new_kind.delta', sequence_number: 2, output_index: 1 },
        ...{ item_id: `ctc_${CALL}_1`, delta: '*', obfuscation: 'x' },
      },
      { type: 'keepalive', sequence_number: 3 },
      { type: 'response.incomplete', sequence_number: 4, response: { ...whole, status: 'incomplete' } },
    ],
  );
});

test('a stream that breaks ends as a failed response, which has begun before', () => {
  const error = { code: 'server_error', message: 'cut' };
  for (const events of [[], [{ type: 'response.created', response: { ...response, output: [] } }]]) {
    const { answer, sent } = answering(events);
    const all = [...sent, ...answer.fail(error).events];
    assert.deepEqual(
      all.map(({ type }) => type),
      ['response.created', 'response.failed'],
    );
    const last = all.at(-1)?.fields.response;
    assert.ok(isJsonObject(last));
    assert.partialDeepStrictEqual(last, { id: `resp_${CALL}`, model: 'ours', status: 'failed', error });
  }
});
