import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamFailure } from '../../core/providers/failure.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { inClientPaths } from './client-paths.ts';
import { messagesInChat } from './messages/in-chat.ts';
import { chatMessages } from './responses/items.ts';

const use = { type: 'tool_use', id: 'a', name: 'f', input: {} };
const { paths } = messagesInChat({
  system: 'Be brief.',
  messages: [
    { role: 'user', content: 'hello' },
    { role: 'assistant', content: [use] },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'a', content: 'x' },
        { type: 'text', text: 'so' },
      ],
    },
    { role: 'assistant', content: 'yes' },
  ],
});

/** What a client of Messages reads of a provider's refusal. */
function refused(message: string, param?: string) {
  const details = { status: 400, ...(param === undefined ? {} : { param }) };
  const told = inClientPaths(new UpstreamFailure('bad-request', message, details), paths);
  assert.ok(told instanceof UpstreamFailure);
  return [told.message, told.details.param];
}

test('a refusal of a provider names what the client has sent, in whichever way the provider writes it', () => {
  const call = 'messages[2].tool_calls[0].function.arguments';
  assert.deepEqual(refused(`Invalid value for '${call}'.`, call), [
    "Invalid value for 'messages.1.content'.",
    'messages.1.content',
  ]);
  assert.deepEqual(refused('messages.[3].role: no', 'messages.3.role'), [
    'messages.2.content: no',
    'messages.2.content',
  ]);
  assert.deepEqual(refused('at messages[4].content[0].', 'messages[5]'), [
    'at messages.2.content.',
    'messages.3.content',
  ]);
  assert.deepEqual(refused("'messages[0].content' is long"), ["'system' is long", undefined]);
  assert.deepEqual(refused("Unsupported: 'max_completion_tokens'", 'max_completion_tokens'), [
    "Unsupported: 'max_tokens'",
    'max_tokens',
  ]);
  assert.deepEqual(refused("Invalid schema for 'tools[0].function.parameters': x", 'tools[0].function.parameters'), [
    "Invalid schema for 'tools': x",
    'tools',
  ]);
  const sentence = "messages with role 'tool' must stop; see tools and 7 messages. Thanks";
  assert.deepEqual(refused(sentence, 'temperature'), [sentence, 'temperature']);
  assert.deepEqual(refused('messages[9] is none', 'messages[9]'), ['messages[9] is none', 'messages[9]']);
});

test('our own refusals name it, too; other errors stay as they are', () => {
  const own = inClientPaths(invalid([{ path: 'messages[1].content', message: 'is wrong' }]), paths);
  assert.ok(own instanceof AppError);
  assert.deepEqual([own.message, own.details.param], ['messages.0.content: is wrong', 'messages.0.content']);
  const other = new AppError('modelOffline', 'is offline', { retryAfterSeconds: 1 });
  assert.equal(inClientPaths(other, paths), other);
  const failure = new UpstreamFailure('bad-request', 'messages[0] is wrong', { status: 400 });
  assert.equal(inClientPaths(failure, undefined), failure);
});

test('items of a response that are one message are named each by itself', () => {
  const item = (index: number, fields: object) => ({ item: fields, path: `input[${index}]` });
  const called = { type: 'function_call', name: 'f', arguments: '{}' };
  const image = { type: 'input_image', image_url: 'https://example.com/a.png' };
  const { messages, paths: ofItems } = chatMessages(
    [
      item(0, { role: 'user', content: 'hello' }),
      item(1, { role: 'assistant', content: 'so' }),
      item(2, { ...called, call_id: 'a' }),
      item(3, { ...called, call_id: 'b' }),
      item(4, { type: 'function_call_output', call_id: 'a', output: [image] }),
      item(5, { role: 'user', content: 'and' }),
    ],
    [],
    [],
  );
  assert.equal(messages.length, ofItems.length);
  const named = (path: string) => {
    const told = inClientPaths(invalid([{ path, message: 'x' }]), { messages: ofItems, fields: {} });
    return told instanceof AppError ? told.details.param : undefined;
  };
  assert.deepEqual(
    [
      'messages[0]',
      'messages[1].content',
      'messages[1].tool_calls[1].id',
      'messages[2]',
      'messages[3]',
      'messages[4]',
    ].map(named),
    ['input[0].content', 'input[1]', 'input[3]', 'input[4].output', 'input[4].output', 'input[5].content'],
  );
});
