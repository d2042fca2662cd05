import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerIdOf,
  askedInChat,
  askedInMessages,
  newTitleOf,
  type Said,
  tellsHistory,
  turnMessages,
  withContext,
} from './turn.ts';

const SAID: Said = {
  content: 'fine',
  reasoningContent: undefined,
  modelIdentifier: 'm',
  promptTokens: 3,
  completionTokens: 1,
  cost: 7n,
};
const user = (content: unknown) => ({ role: 'user', content });

test('what a chat asks is kept with the addresses of its images, never with their bytes', () => {
  assert.deepEqual(askedInChat({ userMessage: 'hi' }), [{ role: 'user', content: 'hi', imageUrls: [] }]);
  const images = [{ url: 'https://a.example/1.png' }, { url: 'data:image/png;base64,AAAA' }, { base64: 'AAAA' }];
  assert.deepEqual(askedInChat({ images }), [{ role: 'user', content: '', imageUrls: ['https://a.example/1.png'] }]);
  assert.deepEqual(askedInChat({}), []);
});

test('of OpenAI messages only what the user says after the last answer is new', () => {
  const image = { type: 'image_url', image_url: { url: 'http://a.example/p' } };
  const messages = [
    { role: 'system', content: 'be kind' },
    user('first'),
    { role: 'assistant', content: 'yes' },
    user([{ type: 'text', text: 'look' }, image, { type: 'text', text: 'here' }]),
    user('and?'),
  ];
  assert.deepEqual(askedInMessages(messages), [
    { role: 'user', content: 'look\nhere', imageUrls: ['http://a.example/p'] },
    { role: 'user', content: 'and?', imageUrls: [] },
  ]);
  const toolResult = [user('weather?'), { role: 'assistant', content: null }, { role: 'tool', content: 'sunny' }];
  assert.deepEqual(askedInMessages(toolResult), []);
});

test('a request with more than instructions and questions carries its own conversation', () => {
  assert.equal(
    tellsHistory([{ role: 'system', content: 'x' }, { role: 'developer', content: 'y' }, user('hi')]),
    false,
  );
  for (const role of ['assistant', 'tool', 'function']) {
    assert.equal(tellsHistory([user('hi'), { role, content: 'x' }, user('so')]), true, role);
  }
});

test('the conversation stands between instructions and question', () => {
  const context = [user('before'), { role: 'assistant', content: 'then' }] as { role: string; content: string }[];
  const system = { role: 'system', content: 's' };
  assert.deepEqual(withContext([system, user('now')], context), [system, ...context, user('now')]);
  assert.deepEqual(withContext([user('now')], context), [...context, user('now')]);
  assert.deepEqual(withContext([user('now')], []), [user('now')]);
});

test('a turn is its questions and the answer, which has the last id', () => {
  const asked = askedInChat({ userMessage: 'how are you?' });
  const messages = turnMessages(asked, { ...SAID, reasoningContent: 'hm' });
  assert.deepEqual(messages.at(-1), { role: 'assistant', ...SAID, reasoningContent: 'hm' });
  assert.equal(turnMessages(asked, SAID)[1]?.reasoningContent, null);
  assert.equal(answerIdOf('r', asked), 'r-1');
  assert.deepEqual(turnMessages(asked, { ...SAID, content: '' }), asked, 'the call of a tool has no words');
});

test('a conversation has the beginning of its first message as title', () => {
  assert.equal(newTitleOf(askedInChat({ userMessage: '  Plans for\nthe summer ' })), 'Plans for the summer');
  assert.equal(newTitleOf(askedInChat({ userMessage: '字'.repeat(60) })), `${'字'.repeat(50)}…`);
  assert.equal(newTitleOf(askedInChat({ images: [{ url: 'http://a.example/p' }] })), '新会话');
});
