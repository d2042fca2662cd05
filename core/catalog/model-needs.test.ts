import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitChat } from '../providers/fit.ts';
import { isAskedAsResponse } from '../providers/needs.ts';
import type { ProviderKind } from '../providers/provider.ts';
import { needsOf } from './model-needs.ts';

function served(upstreamModel: string, urlBase: string, providerName = 'p', kind: ProviderKind = 'openai') {
  return { modelIdentifier: 'm', upstreamModel, providerName, kind, urlBase, settings: {} };
}

test('a vendor is known by its address, by its kind, and by the name of its provider', () => {
  for (const model of [
    served('kimi-k2.6', 'https://api.moonshot.cn/v1'),
    served('kimi-k2.6', 'http://127.0.0.1:8070/v1', 'Moonshot'),
  ]) {
    assert.ok(needsOf(model).refusedFields?.includes('temperature'));
    assert.equal(needsOf(model).limitField, 'max_completion_tokens');
  }
  for (const model of [
    served('qwen3-32b', 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1'),
    served('qwen3-32b', 'http://127.0.0.1:8070/compatible-mode/v1', 'p', 'dashscope'),
  ]) {
    assert.equal(needsOf(model).thinking, 'streamed');
  }
  assert.equal(needsOf(served('qwen-plus', '', 'p', 'dashscope')).thinking, undefined);
});

test("of Alibaba's models some only stream, and some take no schema", () => {
  const dashscope = (name: string) => needsOf(served(name, '', 'p', 'dashscope'));
  for (const name of ['qwq-plus', 'qvq-max-latest', 'qwen3-omni-flash', 'qwen3.5-omni-plus', 'qwen-omni-turbo']) {
    assert.equal(dashscope(name).wholeAnswers, 'assembled', name);
  }
  for (const name of ['qwen3-max', 'qwen-max-latest', 'qwen3-coder-plus']) {
    assert.equal(dashscope(name).structuredOutput, 'json_object', name);
    assert.equal(dashscope(name).wholeAnswers, undefined, name);
  }
  for (const name of ['qwen-plus', 'qwen3.6-plus', 'qwen3-vl-plus']) {
    assert.equal(dashscope(name).structuredOutput, undefined, name);
    assert.equal(dashscope(name).wholeAnswers, undefined, name);
  }
});

test('at a vendor that is not known the name of the model counts, and nothing else is taken for granted', () => {
  for (const name of ['gpt-5-mini', 'openai/gpt-5.5', 'o3-mini', 'GPT-6-sol']) {
    const needs = needsOf(served(name, 'https://reseller.example/v1'));
    assert.equal(needs.limitField, 'max_completion_tokens', name);
    assert.equal(needs.developerRole, 'developer', name);
  }
  for (const name of ['gpt-4o', 'gpt-oss-120b', 'olmo-3', 'sim-chat']) {
    assert.deepEqual(needsOf(served(name, 'https://reseller.example/v1')), {}, name);
  }
});

test('what the record says is stronger, field by field', () => {
  const model = { ...served('gpt-5-mini', ''), settings: { needs: { limitField: 'max_tokens' as const } } };
  assert.equal(needsOf(model).limitField, 'max_tokens');
  assert.equal(needsOf(model).thinkingSwitch, 'reasoning_effort');
});

test('what a model that is asked by /responses cannot take is reported or refused, whatever its record lists', () => {
  const asResponses = (kind: ProviderKind, refusedFields: string[]) =>
    needsOf({
      ...served('m', 'https://reseller.example/v1', 'p', kind),
      settings: { needs: { chatInterface: 'responses', refusedFields } },
    });
  const messages = [{ role: 'user', content: 'hi' }];
  const penalties = { frequency_penalty: 1, presence_penalty: 1, logit_bias: { 1: 2 } };
  const asked = { messages, top_p: 1, temperature: 1, stop: ['x'], seed: 1, n: 1, ...penalties };
  const fitted = fitChat(asked, asResponses('openai', ['top_p', 'seed']), { streamed: false, limit: undefined });
  const left = ['top_p', 'stop', 'seed', ...Object.keys(penalties)].map((name) => `left-out:${name}`);
  assert.deepEqual(fitted, { body: { messages, temperature: 1 }, fits: left });
  assert.throws(
    () => fitChat({ messages, n: 2 }, asResponses('openai', []), { streamed: false, limit: undefined }),
    /\bn\b/,
  );
  assert.deepEqual(asResponses('dashscope', []).refusedFields, [], 'which another kind is never asked by');
});

test("OpenAI's reasoning models are asked by /responses for chats with tools, unless they are not to think", () => {
  const needs = needsOf(served('gpt-5.5', 'https://api.openai.com/v1'));
  const messages = [{ role: 'user', content: 'hi' }];
  const tools = [{ type: 'function', function: { name: 'f' } }];
  const fitted = (fields: object) => fitChat({ messages, seed: 1, ...fields }, needs, { streamed: false, limit: 9 });
  const asked = (fields: object) => isAskedAsResponse(needs, { messages, ...fields });
  assert.deepEqual([asked({ tools }), asked({ tools, reasoning_effort: 'low' })], [true, true]);
  assert.deepEqual(
    [asked({}), asked({ tools: [] }), asked({ tools, reasoning_effort: 'none' })],
    [false, false, false],
  );
  assert.deepEqual(fitted({ tools }).fits, ['left-out:seed']);
  assert.equal(fitted({}).body.seed, 1);
  assert.equal(needsOf(served('gpt-5.5', 'https://reseller.example/v1')).chatInterface, undefined);
});

test("a chat for gpt-5-mini has none of the fields that OpenAI's reasoning models refuse", () => {
  const asked = {
    messages: [{ role: 'system', content: 's' }],
    max_tokens: 100,
    temperature: 0.2,
    top_p: 1,
    stop: ['x'],
    logprobs: false,
    enable_thinking: false,
    tools: [],
  };
  const needs = needsOf(served('gpt-5-mini', 'https://api.openai.com/v1'));
  assert.deepEqual(fitChat(asked, needs, { streamed: false, limit: 100 }).body, {
    messages: asked.messages,
    max_completion_tokens: 100,
    reasoning_effort: 'minimal',
  });
  const withLogprobs = { ...asked, logprobs: true };
  assert.throws(() => fitChat(withLogprobs, needs, { streamed: false, limit: 100 }), /logprobs/);
});
