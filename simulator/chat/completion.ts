/** A chat completion as one JSON object. */
import type { Call } from '../call.ts';
import type { Json } from '../faults/fault.ts';
import { played } from '../faults/fault-table.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import type { ChatAnswer, Choice } from './answer.ts';
import type { ChatDialect } from './dialect.ts';
import { logprobsOf } from './logprobs.ts';
import type { ChatRequest } from './request.ts';

export function completionOf(call: Call, request: ChatRequest, answer: ChatAnswer, dialect: ChatDialect): Json {
  const choices = call.faults.has('no-choices')
    ? []
    : answer.choices.map((choice, index) => render(choice, index, request));
  const usage = reportedUsage(dialect.usage(answer.usage), answer.usage, call.faults);
  let completion: Json = {
    id: dialect.completionId(answer.seed),
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1_000),
    model: call.modelAsked,
    choices,
    ...(usage ? { usage } : {}),
    ...dialect.extraFields,
  };
  for (const { fault, value } of played(call.faults)) {
    if (fault.completion) completion = fault.completion(completion, value);
  }
  return completion;
}

function render(choice: Choice, index: number, request: ChatRequest): Record<string, unknown> {
  const called = choice.toolCalls.length > 0;
  return {
    index,
    message: {
      role: 'assistant',
      content: called ? null : choice.content,
      ...(choice.reasoning === '' ? {} : { reasoning_content: choice.reasoning }),
      refusal: null,
      annotations: [],
      ...(called ? { tool_calls: choice.toolCalls.map(renderToolCall) } : {}),
    },
    logprobs: request.logprobs ? logprobsOf(choice.content, request.top_logprobs ?? 0) : null,
    finish_reason: choice.finishReason,
  };
}

function renderToolCall(call: Choice['toolCalls'][number]): Record<string, unknown> {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } };
}
