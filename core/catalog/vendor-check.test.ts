import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testModel } from './model.fixture.ts';
import { presetNamed } from './presets.ts';
import { checkVendor } from './vendor-check.ts';

const listed = (...ids: string[]) => ids.map((id) => ({ id }));

test('what the preset or a model calls and the vendor does not list has gone; the rest of its list is new', () => {
  const mine = testModel('fast', { upstreamModel: 'deepseek-chat' });
  const check = checkVendor('openai', presetNamed('deepseek'), [mine], listed('DeepSeek-Flash', 'deepseek-v5'));
  assert.deepEqual(check, {
    gone: [
      { name: 'deepseek-v4-pro', models: [] },
      { name: 'deepseek-chat', models: [mine] },
    ],
    fresh: ['deepseek-v5'],
  });
});

test('a prefix of the list is no other name, and image models that a list leaves out have not gone', () => {
  const gemini = presetNamed('gemini');
  const google = listed(...(gemini?.models ?? []).map(({ identifier }) => `models/${identifier}`));
  assert.deepEqual(checkVendor('openai', gemini, [], google), { gone: [], fresh: [] });
  const image = testModel('qwen-image-2.0', { capabilities: ['text-to-image'] });
  assert.deepEqual(checkVendor('dashscope', undefined, [image], []), { gone: [], fresh: [] });
  assert.equal(checkVendor('ark', undefined, [image], []).gone.length, 1);
});
