import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Asked, NO_PARAMETERS, shownRequest, toolsOf } from './request.ts';

const asked: Asked = {
  ...{ model: { modelIdentifier: 'm', capabilities: ['text-to-text', 'image-to-text'] }, parameters: NO_PARAMETERS },
  ...{ before: [], said: { text: 'Hello', images: [] } },
};
const IMAGE = 'data:image/png;base64,AAAA';
const before = [{ said: { text: 'One', images: [] }, answer: 'Two' }];

test('what is not filled in is not sent', () => {
  assert.deepEqual(shownRequest(asked), {
    ...{ path: '/v1/chat/completions' },
    body: { model: 'm', stream: true, messages: [{ role: 'user', content: 'Hello' }] },
  });
});

test('a chat has the system text, what was said before, pictures, parameters and its conversation', () => {
  const parameters = {
    ...NO_PARAMETERS,
    system: 'Be brief',
    temperature: 0,
    maxTokens: 5,
    tools: '[{"a":1}]',
    isKept: true,
  };
  const said = { text: 'Hello', images: [IMAGE] };
  assert.deepEqual(shownRequest({ ...asked, parameters, said, before, conversationId: 'c_1' }).body, {
    ...{ model: 'm', stream: true, temperature: 0, max_tokens: 5, tools: [{ a: 1 }] },
    ...{ persist_history: true, conversation_id: 'c_1' },
    messages: [
      { role: 'system', content: 'Be brief' },
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'Two' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hello' },
          { type: 'image_url', image_url: { url: IMAGE } },
        ],
      },
    ],
  });
});

test('the same as a job', () => {
  const parameters = { ...NO_PARAMETERS, asJob: true, topP: 0.5, effort: 'low' };
  assert.deepEqual(shownRequest({ ...asked, parameters, before, said: { text: 'Hello', images: [IMAGE] } }), {
    path: '/v1/async/chat',
    body: {
      ...{ modelIdentifier: 'm', userMessage: 'Hello', images: [{ url: IMAGE }] },
      history: [
        { role: 'user', content: 'One' },
        { role: 'assistant', content: 'Two' },
      ],
      options: { top_p: 0.5, reasoning_effort: 'low' },
    },
  });
});

test('a picture is asked for by what it is to show, and by one to start from', () => {
  const model: Asked['model'] = { modelIdentifier: 'p', capabilities: ['text-to-image'] };
  const parameters = { ...NO_PARAMETERS, size: '1024x1024', count: 2 };
  const body = { prompt: 'A cat', modelIdentifier: 'p', options: { size: '1024x1024', n: 2 } };
  const said = { text: 'A cat', images: [] };
  assert.deepEqual(shownRequest({ ...asked, model, parameters, said }), { path: '/v1/generate-image', body });
  const again = { text: 'A cat', images: [IMAGE] };
  assert.deepEqual(shownRequest({ ...asked, model, parameters: { ...parameters, asJob: true }, said: again }), {
    ...{ path: '/v1/async/generate-image', body: { ...body, originImage: IMAGE } },
  });
});

test('tools that are no list are refused before anything is sent', () => {
  assert.equal(toolsOf('  '), undefined);
  for (const text of ['{', '{}', '"x"', '1']) assert.throws(() => toolsOf(text), SyntaxError);
});
