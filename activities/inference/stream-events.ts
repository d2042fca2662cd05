/**
 * The chunks of a chat stream: what they make together, and the server-sent events that the client gets of them. Jobs
 * read streams, too, so that a cancelled one keeps what came. Pure.
 */
import type { ReportedUsage } from '../../core/providers/provider.ts';
import { UsageCollector } from '../../core/providers/usage.ts';
import { isJsonObject, type JsonObject as Json, parseJson } from '../../infra/json-object.ts';

interface Choice {
  content: string;
  reasoning: string;
  refusal: string;
  toolCalls: Map<number, { id: string; name: string; arguments: string }>;
  /** The older form of a tool's call, of which there was one. */
  functionCall: { name: string; arguments: string } | undefined;
  finishReason: string | null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What a thinking model says to itself, by either of the names it goes by; some servers send both. */
function reasoningOf(message: Json): string {
  return textOf(message.reasoning_content) || textOf(message.reasoning);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Collects chunk after chunk; `completion()` is what they make together so far. */
export class CompletionAssembler {
  #head: Json = {};
  readonly #usage = new UsageCollector();
  readonly #choices = new Map<number, Choice>();

  /** @param data JSON text of one chat.completion.chunk; text that is no JSON object is ignored. */
  add(data: string): void {
    const chunk = parseJson(data);
    if (!isJsonObject(chunk)) return;
    if (this.#head.id === undefined) this.#head = chunk;
    let saysMore = false;
    for (const choice of listOf(chunk.choices)) if (isJsonObject(choice) && this.#addChoice(choice)) saysMore = true;
    this.#usage.add(chunk, saysMore);
  }

  /** True when a provider has delivered nothing yet, not even a choice that says nothing. */
  get isEmpty(): boolean {
    return this.#choices.size === 0;
  }

  /** True when something was said: a text, a thought, a refusal or a call of a tool. */
  get hasSaid(): boolean {
    return this.texts().some((text) => text !== '');
  }

  /** Everything that was delivered as text, for counting. */
  texts(): string[] {
    return [...this.#choices.values()].flatMap((choice) => [
      choice.content,
      choice.reasoning,
      choice.refusal,
      ...[...choice.toolCalls.values()].map((call) => call.name + call.arguments),
      ...(choice.functionCall ? [choice.functionCall.name + choice.functionCall.arguments] : []),
    ]);
  }

  /** As the provider has counted so far. */
  usage(): ReportedUsage {
    return this.#usage.usage();
  }

  completion(): Json {
    const indexes = [...this.#choices.keys()].sort((a, b) => a - b);
    return {
      id: textOf(this.#head.id),
      object: 'chat.completion',
      created: this.#head.created ?? 0,
      model: textOf(this.#head.model),
      choices: indexes.map((index) => this.#choice(index)),
    };
  }

  /** @returns whether it says something. */
  #addChoice(choice: Json): boolean {
    const index = typeof choice.index === 'number' ? choice.index : 0;
    const state = this.#choices.get(index) ?? {
      content: '',
      reasoning: '',
      refusal: '',
      toolCalls: new Map(),
      functionCall: undefined,
      finishReason: null,
    };
    this.#choices.set(index, state);
    if (typeof choice.finish_reason === 'string') state.finishReason = choice.finish_reason;
    if (!isJsonObject(choice.delta)) return false;
    const { content, refusal, tool_calls: toolCalls, function_call: functionCall } = choice.delta;
    const reasoning = reasoningOf(choice.delta);
    state.content += textOf(content);
    state.reasoning += reasoning;
    state.refusal += textOf(refusal);
    for (const call of listOf(toolCalls)) if (isJsonObject(call)) addToolCall(state, call);
    if (isJsonObject(functionCall)) addFunctionCall(state, functionCall);
    const hasCall = listOf(toolCalls).length > 0 || isJsonObject(functionCall);
    return hasCall || textOf(content) !== '' || reasoning !== '' || textOf(refusal) !== '';
  }

  #choice(index: number): Json {
    const state = this.#choices.get(index);
    if (!state) return {};
    const calls = [...state.toolCalls.values()].map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    }));
    return {
      index,
      message: {
        role: 'assistant',
        content: state.content === '' && (calls.length > 0 || state.functionCall) ? null : state.content,
        ...(state.reasoning === '' ? {} : { reasoning_content: state.reasoning }),
        ...(state.refusal === '' ? {} : { refusal: state.refusal }),
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
        ...(state.functionCall === undefined ? {} : { function_call: state.functionCall }),
      },
      finish_reason: state.finishReason,
    };
  }
}

function addFunctionCall(state: Choice, call: Json): void {
  const known = state.functionCall ?? { name: '', arguments: '' };
  state.functionCall = {
    name: known.name + textOf(call.name),
    arguments: known.arguments + textOf(call.arguments),
  };
}

function addToolCall(state: Choice, call: Json): void {
  const index = typeof call.index === 'number' ? call.index : 0;
  const known = state.toolCalls.get(index) ?? { id: '', name: '', arguments: '' };
  const part = isJsonObject(call.function) ? call.function : {};
  state.toolCalls.set(index, {
    id: textOf(call.id) || known.id,
    name: known.name + textOf(part.name),
    arguments: known.arguments + textOf(part.arguments),
  });
}

/** After it there is at most the usage, or another choice. Inside a text quotes are escaped. */
const MAYBE_LAST = /"finish_reason"\s*:\s*"|"choices"\s*:\s*\[\s*\]/;

/** One stream for one client. */
export class ClientStream {
  readonly #wantsUsage: boolean;
  readonly #conversationId: string | undefined;
  /** A chunk that may be the last one, which is to carry the conversation. */
  #held: string | undefined;

  /** @param conversationId told in the last chunk, when there is one. */
  constructor(wantsUsage: boolean, conversationId?: string) {
    this.#wantsUsage = wantsUsage;
    this.#conversationId = conversationId;
  }

  /** The events that go out for a chunk of the provider; empty when there is nothing for this client. */
  events(data: string): string {
    const chunk = chunkForClient(data, this.#wantsUsage);
    if (chunk === undefined) return '';
    if (this.#conversationId === undefined) return dataEvent(chunk);
    const before = this.#held === undefined ? '' : dataEvent(this.#held);
    this.#held = MAYBE_LAST.test(chunk) ? chunk : undefined;
    return this.#held === undefined ? before + dataEvent(chunk) : before;
  }

  /** What was held back, when the stream has ended well. */
  lastEvents(): string {
    if (this.#conversationId === undefined) return '';
    const held = parseJson(this.#held ?? '');
    const last = isJsonObject(held) ? held : { object: 'chat.completion.chunk', choices: [] };
    return dataEvent(JSON.stringify({ ...last, conversation_id: this.#conversationId }));
  }
}

/** The end of a good stream: what it cost in a comment, then the mark that OpenAI's clients wait for. */
export function endOfStream(costText: string, requestId: string): string {
  return `: x-cost=${costText} x-request-id=${requestId}\n\ndata: [DONE]\n\n`;
}

/** An error in the middle, in the form that OpenAI's clients raise; no `[DONE]` follows. */
export function errorEvent(errorText: string): string {
  return `event: error\ndata: ${errorText}\n\n`;
}

/** @returns the chunk for this client, or undefined when it holds nothing but usage nobody asked for. */
function chunkForClient(data: string, wantsUsage: boolean): string | undefined {
  // A text in the answer cannot match: inside it quotes are escaped.
  if (wantsUsage || !data.includes('"usage":')) return data;
  const chunk = parseJson(data);
  if (!isJsonObject(chunk) || !('usage' in chunk)) return data;
  if (Array.isArray(chunk.choices) && chunk.choices.length === 0) return undefined;
  const { usage: _usage, ...rest } = chunk;
  return JSON.stringify(rest);
}

/** A chunk that the provider wrote over several lines goes out as several, or its rest would be lost. */
function dataEvent(data: string): string {
  return `data: ${data.replaceAll('\n', '\ndata: ')}\n\n`;
}
