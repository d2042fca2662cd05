import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testAdapters, testContext, testTarget } from '../test-calls.ts';
import { capture, fieldsOf, replay, requestOf } from '../test-captures.ts';
import { sentJson } from '../test-outbound.ts';
import { compatibleBase, nativeBase } from './native-call.ts';

test('either base leads to both', () => {
  for (const host of ['https://dashscope.aliyuncs.com', 'https://ws-1.cn-beijing.maas.aliyuncs.com']) {
    for (const path of ['', '/', '/api/v1', '/api/v1/', '/compatible-mode/v1']) {
      assert.equal(nativeBase(host + path), `${host}/api/v1`);
      assert.equal(compatibleBase(host + path), `${host}/compatible-mode/v1`);
    }
  }
  assert.equal(
    compatibleBase('https://proxy.example/dashscope/api/v1'),
    'https://proxy.example/dashscope/compatible-mode/v1',
  );
});

test('a stream with thinking is what the vendor client sends, and every chunk arrives', async () => {
  const recorded = capture('dashscope', 'compat_openai_sdk_thinking_stream');
  const way = replay([recorded]);
  const adapter = testAdapters(way.outbound).chat.dashscope;
  const { messages, enable_thinking, thinking_budget } = fieldsOf(recorded);
  assert.ok(Array.isArray(messages));
  const body = { messages, enable_thinking, thinking_budget };
  const chunks: string[] = [];
  const stream = await adapter.stream(testTarget('dashscope', 'qwen-plus'), body, testContext());
  for await (const chunk of stream) chunks.push(chunk.data);

  assert.equal(way.sent[0]?.path, requestOf(recorded).path);
  assert.deepEqual(sentJson(way.sent[0]), fieldsOf(recorded));
  assert.equal(chunks.length, 5);
  assert.match(chunks[1] ?? '', /"reasoning_content": "th"/);
});
