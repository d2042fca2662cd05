/** One chat on one of its candidates: the body the provider gets, the answer and what it used. */

import { countTokens } from '../../infra/tokens.ts';
import type { Usage } from '../billing/money.ts';
import type { Candidate } from './plan.ts';
import type { ChatAnswer, ChatBody } from './providers/provider.ts';

/** The gateway's fields, applied last over whatever passes through. */
export function upstreamBody(body: ChatBody, candidate: Candidate): ChatBody {
  const { max_tokens: _old, max_completion_tokens: modern, ...rest } = body;
  return modern === undefined
    ? { ...rest, max_tokens: candidate.maxTokens }
    : { ...rest, max_completion_tokens: candidate.maxTokens };
}

/** The text of all choices, for answers in the gateway's own form and for counting. */
export function answerTexts(completion: Readonly<Record<string, unknown>>): string[] {
  const choices = Array.isArray(completion.choices) ? completion.choices : [];
  return choices.map((choice) => {
    const message = fieldOf(choice, 'message');
    const content = fieldOf(message, 'content');
    return typeof content === 'string' ? content : '';
  });
}

/** What a thinking model said to itself, of all choices. */
export function reasoningTexts(completion: Readonly<Record<string, unknown>>): string[] {
  const choices = Array.isArray(completion.choices) ? completion.choices : [];
  return choices.map((choice) => {
    const reasoning = fieldOf(fieldOf(choice, 'message'), 'reasoning_content');
    return typeof reasoning === 'string' ? reasoning : '';
  });
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}

/** The provider's usage, or our own count of what it delivered, marked as estimated. */
export function usageOf(body: ChatBody, answer: ChatAnswer): Usage {
  if (answer.usage) return { ...answer.usage, imageCount: 0, estimated: false };
  const { completion } = answer;
  return estimateUsage(body, [...answerTexts(completion), ...reasoningTexts(completion), toolCallText(completion)]);
}

/** Counts prompt and answer with our own tokenizer. */
export function estimateUsage(body: ChatBody, delivered: readonly string[]): Usage {
  return {
    promptTokens: countTokens(promptText(body)),
    cachedTokens: 0,
    cacheWriteTokens: 0,
    completionTokens: delivered.reduce((sum, text) => sum + countTokens(text), 0),
    imageCount: 0,
    estimated: true,
  };
}

function promptText(body: ChatBody): string {
  return JSON.stringify(body.messages, (key, value: unknown) => (key === 'image_url' ? undefined : value));
}

function toolCallText(completion: Readonly<Record<string, unknown>>): string {
  const choices = Array.isArray(completion.choices) ? completion.choices : [];
  const calls = choices.map((choice) => fieldOf(fieldOf(choice, 'message'), 'tool_calls') ?? []);
  const text = JSON.stringify(calls);
  return text === '[[]]' ? '' : text;
}
