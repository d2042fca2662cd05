import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompletionAssembler, requireAnswer } from '../completion.ts';
import { failedWith, testAdapters, testContext, testTarget } from '../test-calls.ts';
import { capture, replay } from '../test-captures.ts';
import { completionOf, MessagesReader } from './read-along.ts';

const REQUEST = { form: 'messages', body: { max_tokens: 16, messages: [] }, headers: {} } as const;
const TARGET = testTarget('anthropic', 'claude-x');

const adapterFor = (name: string) => testAdapters(replay([capture('anthropic', name)]).outbound).native.messages;

async function streamed(name: string) {
  const chunks = [];
  for await (const chunk of await adapterFor(name).stream(TARGET, REQUEST, testContext())) chunks.push(chunk);
  return chunks;
}

test('a whole answer stays as it was written, and is read along', async () => {
  const answer = await adapterFor('anthropic_messages').complete(TARGET, REQUEST, testContext());
  assert.equal(answer.native, capture('anthropic', 'anthropic_messages').exchanges[0]?.reply.body);
  assert.partialDeepStrictEqual(answer.usage, { promptTokens: 3, completionTokens: 1 });
});

test('a stream passes event by event, also where the names of events are left out', async () => {
  const written = capture('anthropic', 'anthropic_stream').exchanges[0]?.reply.body;
  for (const name of ['anthropic_stream', 'anthropic_stream_no_event_line']) {
    const events = (await streamed(name)).map(({ data }) => data).join('');
    if (name === 'anthropic_stream') assert.equal(events, written);
    assert.ok(events.startsWith('event: message_start\n') && events.includes('event: message_stop\n'));
  }
});

test('a stream that is cut or breaks off fails', async () => {
  await assert.rejects(streamed('anthropic_stream_cut'), failedWith('transient', /cut off/));
  await assert.rejects(
    streamed('anthropic_stream_error'),
    failedWith('transient', /Overloaded/, { code: 'overloaded_error' }),
  );
});

test('refusals are classed by their type, in the words of the provider', async () => {
  const fails = (name: string) => adapterFor(name).complete(TARGET, REQUEST, testContext());
  await assert.rejects(fails('anthropic_error_400'), failedWith('bad-request', /^m$/, { status: 400 }));
  await assert.rejects(fails('anthropic_error_429'), failedWith('rate', /^m$/, { status: 429 }));
  await assert.rejects(fails('anthropic_error_529'), failedWith('transient', /^m$/, { status: 529 }));
});

test('tokens are counted', async () => {
  const count = await adapterFor('anthropic_count_tokens').count?.(TARGET, REQUEST, new AbortController().signal);
  assert.equal(count, 3);
});

test('a limit that is cut brings the budget of thought below it, or thought to an end', () => {
  const adapter = adapterFor('anthropic_messages');
  const limited = (body: object, limit: number) => adapter.fitted({ ...body }, { limit, needs: {}, model: 'claude-x' });
  const body = { max_tokens: 9_000, thinking: { type: 'enabled', budget_tokens: 8_000 } };
  assert.deepEqual(limited(body, 9_000), { body, fits: [] });
  assert.deepEqual(limited(body, 4_000).body, {
    max_tokens: 4_000,
    thinking: { type: 'enabled', budget_tokens: 3_999 },
  });
  assert.deepEqual(limited(body, 300), { body: { max_tokens: 300 }, fits: ['thinking-off'] });
});

test('a thought whose text is withheld is one, whole and streamed', async () => {
  const stop = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } };
  for (const block of [
    { type: 'redacted_thinking', data: 'sealed' },
    { type: 'thinking', thinking: '', signature: 'signed' },
  ]) {
    const { signature: _, ...begun } = block;
    const signed = { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'signed' } };
    const reader = new MessagesReader({ id: 'x', created: 1, model: 'm' }, false);
    const heard = new CompletionAssembler();
    for (const event of [
      { type: 'content_block_start', index: 0, content_block: begun },
      ...(block.type === 'thinking' ? [signed] : []),
      { type: 'content_block_stop', index: 0 },
      stop,
    ]) {
      heard.add(reader.chunkOf(event));
    }
    heard.requireAnswer({});
    const whole = { content: [block], stop_reason: 'end_turn' };
    requireAnswer(completionOf(whole, { id: 'x', created: 1, model: 'm' }), {});
  }
});
