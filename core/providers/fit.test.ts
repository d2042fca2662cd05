import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { type Fit, fitChat } from './fit.ts';
import type { ModelNeeds } from './needs.ts';
import type { ChatBody } from './provider.ts';

const USER = { role: 'user', content: 'hi' };
const TOOL = { type: 'function', function: { name: 'look' } };

interface Case {
  readonly title: string;
  readonly needs?: ModelNeeds;
  readonly asked: Readonly<Record<string, unknown>>;
  readonly streamed?: boolean;
  readonly limit?: number;
  readonly sent: Readonly<Record<string, unknown>>;
  readonly fits: readonly Fit[];
}

/** Whole bodies but for the messages, where a case has none of its own. */
function check({ title, needs = {}, asked, streamed = false, limit, sent, fits }: Case): void {
  test(title, () => {
    const body: ChatBody = { messages: [USER], ...asked };
    const before = structuredClone(body);
    const fitted = fitChat(body, needs, { streamed, limit });
    assert.deepEqual(fitted, { body: { messages: [USER], ...sent }, fits });
    assert.deepEqual(body, before, 'the request itself is not changed: another candidate may get it');
    assert.deepEqual(fitChat(fitted.body, needs, { streamed, limit }), { body: fitted.body, fits: [] });
  });
}

describe('the limit', () => {
  check({ title: 'none is sent where none is given', asked: {}, sent: {}, fits: [] });
  check({
    title: 'keeps the name that was asked',
    asked: { max_tokens: 9 },
    limit: 7,
    sent: { max_tokens: 7 },
    fits: [],
  });
  check({
    title: 'goes under one name only',
    asked: { max_tokens: 5, max_completion_tokens: 7 },
    limit: 7,
    sent: { max_completion_tokens: 7 },
    fits: [],
  });
  const modern: ModelNeeds = { limitField: 'max_completion_tokens' };
  check({
    title: "takes the model's name",
    needs: modern,
    asked: { max_tokens: 5 },
    limit: 5,
    sent: { max_completion_tokens: 5 },
    fits: ['limit-name'],
  });
  check({
    title: 'of the gateway itself is no change of the request',
    needs: modern,
    asked: {},
    limit: 5,
    sent: { max_completion_tokens: 5 },
    fits: [],
  });
});

describe('tools', () => {
  const orphans = { tools: [], tool_choice: 'auto', parallel_tool_calls: false };
  check({ title: 'an empty list goes with all that belongs to it', asked: orphans, sent: {}, fits: ['empty-tools'] });
  check({ title: 'a choice needs tools', asked: { tool_choice: 'required' }, sent: {}, fits: ['empty-tools'] });
  check({
    title: 'the older form too',
    asked: { functions: [], function_call: 'auto' },
    sent: {},
    fits: ['empty-tools'],
  });
  const tools = { tools: [TOOL], tool_choice: 'required', parallel_tool_calls: true };
  check({ title: 'stay as they are where there are some', asked: tools, sent: tools, fits: [] });
  check({
    title: 'cannot be forced on a model that chooses for itself',
    needs: { toolChoice: 'auto' },
    asked: { tools: [TOOL], tool_choice: { type: 'function', function: { name: 'look' } } },
    sent: { tools: [TOOL], tool_choice: 'auto' },
    fits: ['tool-choice'],
  });
  check({
    title: 'are left out where they may not be called and the model would choose',
    needs: { toolChoice: 'auto' },
    asked: { tools: [TOOL], tool_choice: 'none' },
    sent: {},
    fits: ['tool-choice'],
  });
  for (const needs of [{ toolChoice: 'auto' }, { chatInterface: 'responses' }] satisfies ModelNeeds[]) {
    const other = { type: 'function', function: { name: 'other' } };
    check({
      title: `only those that are allowed are offered where a model knows no such choice: ${Object.keys(needs)}`,
      needs,
      asked: {
        tools: [other, TOOL],
        tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [TOOL] } },
      },
      sent: { tools: [TOOL], tool_choice: 'auto' },
      fits: [],
    });
  }
  check({
    title: 'an empty list of calls in a message is refused by vendors',
    asked: { messages: [USER, { role: 'assistant', content: 'a', tool_calls: [] }, USER] },
    sent: { messages: [USER, { role: 'assistant', content: 'a' }, USER] },
    fits: ['empty-tools'],
  });
});

describe('thinking', () => {
  const qwen: ModelNeeds = { thinkingSwitch: 'enable_thinking', thinking: 'streamed' };
  check({
    title: 'is off in a whole answer where only a stream may think',
    needs: qwen,
    asked: {},
    sent: { enable_thinking: false },
    fits: ['thinking-off'],
  });
  check({
    title: 'is off there also where it was asked for',
    needs: qwen,
    asked: { enable_thinking: true },
    sent: { enable_thinking: false },
    fits: ['thinking-off'],
  });
  check({ title: 'is left alone in a stream', needs: qwen, asked: {}, streamed: true, sent: {}, fits: [] });
  for (const [asked, on] of [
    [{ thinking: { type: 'disabled' } }, false],
    [{ reasoning_effort: 'none' }, false],
    [{ chat_template_kwargs: { enable_thinking: false } }, false],
    [{ thinking: { type: 'enabled' } }, true],
    [{ reasoning_effort: 'high' }, true],
  ] as const) {
    check({
      title: `is understood from ${JSON.stringify(asked)}`,
      needs: { thinkingSwitch: 'enable_thinking' },
      asked,
      sent: { enable_thinking: on },
      fits: ['thinking-form'],
    });
  }
  const ark: ModelNeeds = { thinkingSwitch: 'thinking', efforts: ['low', 'high'] };
  check({
    title: 'becomes an object, and the effort one that is taken',
    needs: ark,
    asked: { reasoning_effort: 'xhigh' },
    sent: { thinking: { type: 'enabled' }, reasoning_effort: 'high' },
    fits: ['effort', 'thinking-form'],
  });
  check({
    title: 'keeps its budget',
    needs: ark,
    asked: { thinking: { type: 'enabled', budget_tokens: 100 } },
    sent: { thinking: { type: 'enabled', budget_tokens: 100 } },
    fits: [],
  });
  check({
    title: "is OpenAI's effort, the least that there is where it is to be off",
    needs: { thinkingSwitch: 'reasoning_effort', efforts: ['minimal', 'low', 'high'] },
    asked: { enable_thinking: false },
    sent: { reasoning_effort: 'minimal' },
    fits: ['effort', 'thinking-form'],
  });
  check({
    title: 'cannot be turned off everywhere',
    needs: { thinkingSwitch: 'thinking', thinking: 'never-off' },
    asked: { thinking: { type: 'disabled' } },
    sent: {},
    fits: ['thinking-on'],
  });
  check({
    title: 'has no switch where the model has none; the rest of its template stays',
    needs: { thinkingSwitch: 'none' },
    asked: { enable_thinking: true, chat_template_kwargs: { enable_thinking: true, custom: 1 } },
    sent: { chat_template_kwargs: { custom: 1 } },
    fits: ['thinking-form'],
  });
  check({
    title: 'is as asked of a model of which nothing is known',
    asked: { enable_thinking: true },
    sent: { enable_thinking: true },
    fits: [],
  });
});

describe('fields', () => {
  check({
    title: 'that the model refuses are left out, null is absent',
    needs: { refusedFields: ['temperature', 'stop', 'n'] },
    asked: { temperature: 0.5, stop: null, n: 1, seed: 7, top_p: null },
    sent: { seed: 7 },
    fits: ['left-out:temperature'],
  });
  check({
    title: 'are brought to the bound',
    needs: { bounds: { temperature: { most: 1 }, top_p: { least: 0.01 }, top_logprobs: { most: 5 } } },
    asked: { temperature: 1.5, top_p: 0, top_logprobs: 3 },
    sent: { temperature: 1, top_p: 0.01, top_logprobs: 3 },
    fits: ['bounded:temperature', 'bounded:top_p'],
  });
  test('what is a part of the answer is refused by name: several choices are not made one', () => {
    const refusedFields = ['n', 'logprobs', 'top_logprobs', 'functions', 'seed'];
    const fitted = (fields: object) =>
      fitChat({ messages: [USER], ...fields }, { refusedFields }, { streamed: false, limit: undefined });
    for (const [path, value] of Object.entries({ n: 2, logprobs: true, top_logprobs: 2, functions: [{ name: 'f' }] })) {
      assert.throws(
        () => fitted({ [path]: value }),
        (error) => error instanceof AppError && error.kind === 'invalidParameter' && error.details.param === path,
      );
    }
    assert.deepEqual(fitted({ n: 1, logprobs: false, top_logprobs: 0, functions: [], seed: 1 }).fits, [
      'left-out:seed',
    ]);
  });
});

describe('messages', () => {
  const developer = { role: 'developer', content: 'be brief' };
  const system = { role: 'system', content: 'be brief' };
  check({
    title: 'of the role developer are those of the system, unless the model knows the role',
    asked: { messages: [developer, USER] },
    sent: { messages: [system, USER] },
    fits: ['developer-role'],
  });
  check({
    title: 'of the role developer stay where the model knows it',
    needs: { developerRole: 'developer' },
    asked: { messages: [developer, USER] },
    sent: { messages: [developer, USER] },
    fits: [],
  });
  check({
    title: 'of the system become one at the beginning, a later one keeps its place',
    needs: { systemMessages: 'first' },
    asked: { messages: [system, { role: 'developer', content: [{ type: 'text', text: 'be kind' }] }, USER, system] },
    sent: {
      messages: [{ role: 'system', content: 'be brief\n\nbe kind' }, USER, { role: 'user', content: 'be brief' }],
    },
    fits: ['developer-role', 'system-messages'],
  });
  check({
    title: 'lose the fields that the model refuses',
    needs: { refusedMessageFields: ['reasoning_content', 'constructor'] },
    asked: { messages: [USER, { role: 'assistant', content: 'a', reasoning_content: 'b' }, USER] },
    sent: { messages: [USER, { role: 'assistant', content: 'a' }, USER] },
    fits: ['left-out:reasoning_content'],
  });
});

describe('structured output', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } } };
  const response_format = { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } };
  const objectOnly: ModelNeeds = { structuredOutput: 'json_object' };
  const schemaInWords = `Answer with one JSON object that is valid by this JSON Schema: ${JSON.stringify(schema)}`;
  check({ title: 'a schema stays where it is taken', asked: { response_format }, sent: { response_format }, fits: [] });
  check({
    title: 'a schema is written into a system message where only an object can be asked for',
    needs: objectOnly,
    asked: { response_format },
    sent: { response_format: { type: 'json_object' }, messages: [{ role: 'system', content: schemaInWords }, USER] },
    fits: ['json-schema'],
  });
  for (const content of ['Be brief.', [{ type: 'text', text: 'Be brief.' }]]) {
    check({
      title: `and joins the system message that is there, ${typeof content}`,
      needs: { ...objectOnly, systemMessages: 'first' },
      asked: { response_format, messages: [{ role: 'developer', content }, USER] },
      sent: {
        response_format: { type: 'json_object' },
        messages: [{ role: 'system', content: `Be brief.\n\n${schemaInWords}` }, USER],
      },
      fits: ['developer-role', 'json-schema'],
    });
  }
  check({
    title: 'a format without a schema is not touched',
    needs: objectOnly,
    asked: { response_format: { type: 'json_object' } },
    sent: { response_format: { type: 'json_object' } },
    fits: [],
  });
  check({
    title: 'an empty schema asks for any object',
    needs: objectOnly,
    asked: { response_format: { type: 'json_schema', json_schema: null } },
    sent: {
      response_format: { type: 'json_object' },
      messages: [
        { role: 'system', content: 'Answer with one JSON object that is valid by this JSON Schema: {}' },
        USER,
      ],
    },
    fits: ['json-schema'],
  });
});

describe('models that only stream', () => {
  check({
    title: 'think in a whole answer, too, as it is put together from a stream',
    needs: { thinkingSwitch: 'enable_thinking', thinking: 'streamed', wholeAnswers: 'assembled' },
    asked: { enable_thinking: true },
    sent: { enable_thinking: true },
    fits: [],
  });
});
