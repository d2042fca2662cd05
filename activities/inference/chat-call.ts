/** One chat on one of its candidates: the body the provider gets, and the texts of its answer. */

import type { ChatBody } from '../../core/providers/provider.ts';
import { isJsonObject, type JsonObject as Json } from '../../infra/json-object.ts';
import type { Candidate } from './plan.ts';

/** The gateway's fields, applied last over whatever passes through. */
export function upstreamBody(body: ChatBody, candidate: Candidate): ChatBody {
  const { max_tokens: _old, max_completion_tokens: modern, ...rest } = body;
  return modern === undefined
    ? { ...rest, max_tokens: candidate.maxTokens }
    : { ...rest, max_completion_tokens: candidate.maxTokens };
}

/** The text of all choices, for answers in the gateway's own form. */
export function answerTexts(completion: Json): string[] {
  return messagesOf(completion).map(({ content }) => textOf(content));
}

/** What a thinking model said to itself, of all choices, by either of the names it goes by. */
export function reasoningTexts(completion: Json): string[] {
  return messagesOf(completion).map(
    ({ reasoning_content: content, reasoning }) => textOf(content) || textOf(reasoning),
  );
}

/** Everything that was delivered as text, for counting. */
export function deliveredTexts(completion: Json): string[] {
  const others = messagesOf(completion).flatMap(({ content, refusal, tool_calls: calls, function_call: call }) => [
    typeof content === 'string' ? content : textOfAll(content),
    textOf(refusal),
    textOfAll(calls),
    textOfAll(call),
  ]);
  return [...others, ...reasoningTexts(completion)];
}

function messagesOf(completion: Json): Json[] {
  const choices = Array.isArray(completion.choices) ? completion.choices : [];
  return choices.map((choice) => (isJsonObject(choice) && isJsonObject(choice.message) ? choice.message : {}));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textOfAll(value: unknown): string {
  const isNothing = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  return isNothing ? '' : JSON.stringify(value);
}
