import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { messageOf } from './answer.ts';
import { WrittenAnew } from './events.ts';

const eventSchema = z.looseObject({
  type: z.string(),
  index: z.number().optional(),
  content_block: z.looseObject({ type: z.string() }).optional(),
  delta: z.looseObject({ type: z.string().optional() }).optional(),
});
const usage = {
  ...{ promptTokens: 1, completionTokens: 1, cachedTokens: 0, cacheWriteTokens: 0, hourCacheWriteTokens: 0 },
  ...{
    searches: 0,
    serviceTier: null,
    reasoningTokens: 0,
    imageCount: 0,
    characters: 0,
    audioSeconds: 0,
    estimated: false,
    doubt: null,
  },
};
const charged = { usage, cost: 3_000_000n, priceRule: null };

/** Reads as Anthropic's clients do: a block that begins before the one before has ended is an error. */
function blocksOf(events: string) {
  const blocks: Record<string, unknown>[] = [];
  let open: number | undefined;
  for (const [, data = ''] of events.matchAll(/^data: (.*)$/gm)) {
    const { type, index, content_block: begun, delta } = eventSchema.parse(JSON.parse(data));
    if (type === 'content_block_start') {
      assert.deepEqual([open, index], [undefined, blocks.length], 'one after another');
      open = index;
      blocks.push({ ...begun });
    }
    if (!type.startsWith('content_block_')) continue;
    assert.equal(index, open, `${type} is one of the open block`);
    if (type === 'content_block_stop') open = undefined;
    const block = blocks.at(-1) ?? {};
    for (const [name, piece] of Object.entries(delta ?? {}))
      if (name !== 'type') block[name] = (block[name] ?? '') + String(piece);
  }
  assert.equal(open, undefined, 'the last one has ended');
  return blocks;
}

function written(...deltas: readonly object[]) {
  const writer = new WrittenAnew({ requestId: 'r', model: 'm', promptTokens: 1 }, undefined);
  const sent = deltas.map((delta) =>
    writer.events(JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })),
  );
  const last = writer.events(JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] }));
  return { sent, blocks: blocksOf([...sent, last, writer.end(charged)].join('')) };
}

const begun = (index: number, name: string, text = '') => ({
  tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name, arguments: text } }],
});
const piece = (index: number, text: string) => ({ tool_calls: [{ index, function: { arguments: text } }] });
const called = (name: string, json: string) => ({ type: 'tool_use', name, partial_json: json });

test('calls side by side are blocks one after another, each sent as it comes', () => {
  const { sent, blocks } = written(
    ...[begun(0, 'weather'), piece(0, '{"city":'), piece(0, '"Paris"}'), begun(1, 'time'), piece(1, '{"zone":1}')],
  );
  assert.partialDeepStrictEqual(blocks, [called('weather', '{"city":"Paris"}'), called('time', '{"zone":1}')]);
  assert.ok(
    sent.every((events) => events !== ''),
    'nothing waits',
  );
});

test('pieces of several calls, texts and thoughts in turns are sorted into blocks one after another', () => {
  const { blocks } = written(
    ...[begun(0, 'a'), begun(1, 'b', '{"x":'), { content: 'Now' }, piece(0, '{"y":{}'), { content: ' that.' }],
    ...[piece(1, '{"z":1}'), begun(2, 'c'), { reasoning_content: 'Hm.' }, piece(0, ',"n":2} '), piece(1, '}')],
    ...[{ reasoning_details: [{ type: 'reasoning.text', signature: 'signed' }] }, piece(2, '{}'), { content: 'Done.' }],
  );
  assert.partialDeepStrictEqual(blocks, [
    called('a', '{"y":{},"n":2} '),
    called('b', '{"x":{"z":1}}'),
    { type: 'text', text: 'Now that.' },
    called('c', '{}'),
    { type: 'thinking', thinking: 'Hm.', signature: 'signed' },
    { type: 'text', text: 'Done.' },
  ]);
});

test('a call without arguments ends with the answer, those after it are not lost', () => {
  const { blocks } = written(begun(0, 'a'), begun(1, 'b'), piece(1, '{}'), { content: 'x' });
  assert.deepEqual(
    blocks.map(({ name, type }) => name ?? type),
    ['a', 'b', 'text'],
  );
});

test('thoughts, their signature, withheld thoughts and texts follow each other as they came', () => {
  const { blocks } = written(
    ...[{ reasoning: 'a' }, { reasoning_content: 'b', reasoning_details: [{ signature: 's' }] }],
    ...[{ reasoning_details: [{ type: 'reasoning.encrypted', data: 'hidden' }] }, { content: 'c' }, { refusal: 'd' }],
    ...[{ reasoning_content: 'e' }, { content: 'f' }, { function_call: { name: 'old', arguments: '{"a":' } }],
    ...[{ function_call: { arguments: '1}' } }],
  );
  assert.partialDeepStrictEqual(blocks, [
    { type: 'thinking', thinking: 'ab', signature: 's' },
    { type: 'redacted_thinking', data: 'hidden' },
    { type: 'text', text: 'cd' },
    { type: 'thinking', thinking: 'e', signature: '' },
    { type: 'text', text: 'f' },
    { ...called('old', '{"a":1}'), id: 'toolu_1' },
  ]);
});

test('broken arguments of a call never become fewer: a text in a whole answer, an error at the end of a stream', () => {
  for (const broken of ['{bad', '[1]', '{} {"a":1}']) {
    const call = (id: string, text: string) => ({ id, type: 'function', function: { name: id, arguments: text } });
    const message = (...calls: readonly object[]) => {
      const completion = { choices: [{ message: { content: null, tool_calls: calls }, finish_reason: 'tool_calls' }] };
      return messageOf({ requestId: 'r', completion, ...charged }, 'm', undefined);
    };
    const alone = message(call('a', broken));
    assert.partialDeepStrictEqual(alone, { stop_reason: 'end_turn', content: [{ type: 'text' }] });
    assert.ok(JSON.stringify(alone).includes('"a\\" with arguments that are no JSON object'));
    const beside = message(call('a', broken), call('b', ''));
    assert.partialDeepStrictEqual(beside, { stop_reason: 'tool_use', content: [{}, { type: 'tool_use', input: {} }] });

    const writer = new WrittenAnew({ requestId: 'r', model: 'm', promptTokens: 1 }, undefined);
    const chunk = (delta: object, reason: string | null = null) =>
      writer.events(JSON.stringify({ choices: [{ delta, finish_reason: reason }] }));
    chunk(begun(0, 'a', broken));
    chunk({}, 'tool_calls');
    const end = writer.end(charged);
    assert.match(end, /event: error\ndata: .*api_error.*no JSON object/);
    assert.doesNotMatch(end, /message_stop|message_delta/);
  }
});

test('a call that the limit has cut ends a stream as the limit does', () => {
  const writer = new WrittenAnew({ requestId: 'r', model: 'm', promptTokens: 1 }, undefined);
  writer.events(JSON.stringify({ choices: [{ delta: begun(0, 'a', '{"city":'), finish_reason: 'length' }] }));
  assert.match(writer.end(charged), /"stop_reason":"max_tokens".*\n\nevent: message_stop/);
});

test('the cost stands beside the counts of a whole answer and of a stream where it is shown', () => {
  const shown = { currency: 'CNY' };
  const cost = { cost: 0.003, cost_details: { currency: 'CNY' } };
  const completion = { choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }] };
  const whole = JSON.stringify(messageOf({ requestId: 'r', completion, ...charged }, 'm', shown));
  assert.partialDeepStrictEqual(JSON.parse(whole), { usage: cost });
  const end = new WrittenAnew({ requestId: 'r', model: 'm', promptTokens: 1 }, shown).end(charged);
  const [, delta = ''] = /event: message_delta\ndata: (.*)/.exec(end) ?? [];
  assert.partialDeepStrictEqual(JSON.parse(delta), { usage: cost });
  assert.doesNotMatch(JSON.stringify(messageOf({ requestId: 'r', completion, ...charged }, 'm', undefined)), /cost/);
});

test('a call of very many pieces costs no more for each, also while another waits', () => {
  const pieces = 100_000;
  for (const piece of ['x', '}']) {
    const writer = new WrittenAnew({ requestId: 'r', model: 'm', promptTokens: 1 }, undefined);
    const say = (delta: object) => writer.events(JSON.stringify({ choices: [{ delta, finish_reason: null }] }));
    say(begun(0, 'a', '{"a":'));
    say(begun(1, 'b', '{}'));
    for (let count = 0; count < pieces; count += 1) say({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
    assert.match(writer.end(charged), /no JSON object/);
  }
});
