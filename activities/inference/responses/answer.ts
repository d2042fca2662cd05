/**
 * A chat's answer in the Responses form: items, and the events that carry them in OpenAI's order. A whole answer is made
 * of the same events, so that both say the same. Pure.
 */
import { finishReasonIn } from '../../../core/providers/finish-reasons.ts';
import { listIn, reasoningIn, textIn } from '../../../core/providers/message.ts';
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { type Charged, type CostShown, costInWords } from '../openai-words.ts';
import { MessageItem, type OutputItem, ReasoningItem, ToolCallItem } from './output-items.ts';
import type { ResponsesInput } from './request.ts';

/** The failure of a response in OpenAI's words. */
export interface ResponseFailure {
  readonly code: string;
  readonly message: string;
}

/** One event; its number is its place among all. */
export interface ResponseEvent {
  readonly type: string;
  readonly fields: Json;
}

const RESPONSE_PREFIX = 'resp_';

/** The id of the response that a call makes, and of an item in it. Both name the call. */
export function responseIdOf(requestId: string): string {
  return RESPONSE_PREFIX + requestId.replaceAll('-', '');
}

/** @param place of the item in the response's output. */
export function responseItemId(prefix: string, responseId: string, place: number): string {
  return `${prefix}_${responseId.slice(RESPONSE_PREFIX.length)}_${place}`;
}

/** The part of an id of a response or an item that is the same for all of them. */
export function callIn(id: string): string | undefined {
  return /^[a-z]+_([0-9a-f]{32})(_[a-z]?\d+)?$/.exec(id)?.[1];
}

/** The id of that call. */
export function requestIdIn(id: string): string | undefined {
  return callIn(id)?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export class ResponseAnswer {
  readonly #input: ResponsesInput;
  readonly #id: string;
  readonly #model: string;
  readonly #items: OutputItem[] = [];
  /** Calls by their number in the chat's answer. */
  readonly #calls = new Map<number, ToolCallItem>();
  #events: ResponseEvent[] = [];
  #hasBegun = false;
  #finishReason: string | undefined;

  /** @param model as it was asked for. */
  constructor(input: ResponsesInput, requestId: string, model: string) {
    this.#input = input;
    this.#id = responseIdOf(requestId);
    this.#model = model;
  }

  /** The events of one chunk of a chat stream, or of a whole completion. */
  add(chunk: Json): ResponseEvent[] {
    this.#begin();
    for (const choice of listIn(chunk.choices)) {
      // Several choices cannot be asked for in this form.
      if (!isJsonObject(choice) || (typeof choice.index === 'number' && choice.index > 0)) continue;
      const said = choice.delta ?? choice.message;
      if (isJsonObject(said)) this.#addSaid(said, choice);
      this.#finishReason = finishReasonIn(choice) ?? this.#finishReason;
    }
    return this.#taken();
  }

  /** The last events; `response` is the whole of it. @param usage in OpenAI's words. */
  end(usage: Json): { readonly events: ResponseEvent[]; readonly response: Json } {
    this.#begin();
    const reason = incompleteReason(this.#finishReason);
    const status = reason === undefined ? 'completed' : 'incomplete';
    for (const item of this.#items) item.close(status);
    const response = this.#response(status, {
      completed_at: Math.floor(Date.now() / 1_000),
      incomplete_details: reason === undefined ? null : { reason },
      usage,
    });
    this.#emit(`response.${status}`, { response });
    return { events: this.#taken(), response };
  }

  /** The events of a failure, after whatever was sent. */
  fail(error: ResponseFailure): { readonly events: ResponseEvent[]; readonly response: Json } {
    this.#begin();
    const response = this.#response('failed', { error });
    this.#emit('response.failed', { response });
    return { events: this.#taken(), response };
  }

  /** As it is before its end. */
  pending(status: 'queued' | 'in_progress' | 'cancelled'): Json {
    return this.#response(status, {});
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const response = this.pending('in_progress');
    this.#emit('response.created', { response });
    this.#emit('response.in_progress', { response });
  }

  #addSaid(said: Json, choice: Json): void {
    const thought = reasoningIn(said);
    if (thought !== '') this.#reasoning().add(thought);
    const logprobs = isJsonObject(choice.logprobs) ? listIn(choice.logprobs.content) : [];
    const text = textIn(said.content);
    if (text !== '') this.#message().addText(text, logprobs);
    const refusal = textIn(said.refusal);
    if (refusal !== '') this.#message().addRefusal(refusal);
    for (const annotation of listIn(said.annotations)) this.#message().addAnnotation(annotation);
    listIn(said.tool_calls).forEach((call, at) => {
      if (isJsonObject(call)) this.#addCall(call, at);
    });
  }

  #addCall(call: Json, at: number): void {
    const number = typeof call.index === 'number' ? call.index : at;
    let item = this.#calls.get(number);
    if (item === undefined) {
      this.#closeLast();
      item = this.#opened(new ToolCallItem(this.#place(), this.#input.tools));
      this.#calls.set(number, item);
    }
    item.add(call);
  }

  /** A thought, a text and calls follow each other: where one begins, the one before has ended. */
  #reasoning(): ReasoningItem {
    const last = this.#items.at(-1);
    if (last instanceof ReasoningItem) return last;
    this.#closeLast();
    return this.#opened(new ReasoningItem(this.#place(), this.#input.sealed));
  }

  #message(): MessageItem {
    const last = this.#items.at(-1);
    if (last instanceof MessageItem) return last;
    this.#closeLast();
    return this.#opened(new MessageItem(this.#place()));
  }

  #opened<Item extends OutputItem>(item: Item): Item {
    this.#items.push(item);
    return item;
  }

  /** Calls stay open: vendors may mix the pieces of several. */
  #closeLast(): void {
    const last = this.#items.at(-1);
    if (last !== undefined && !(last instanceof ToolCallItem)) last.close('completed');
  }

  #place() {
    const index = this.#items.length;
    return {
      index,
      idOf: (prefix: string) => responseItemId(prefix, this.#id, index),
      emit: (type: string, fields: Json) => this.#emit(type, fields),
    };
  }

  #response(status: string, more: Json): Json {
    const { createdAt, echo } = this.#input;
    return {
      id: this.#id,
      object: 'response',
      created_at: createdAt,
      status,
      error: null,
      incomplete_details: null,
      model: this.#model,
      output: this.#items.map((item) => item.item),
      usage: null,
      ...echo,
      ...more,
    };
  }

  #emit(type: string, fields: Json): void {
    this.#events.push({ type, fields });
  }

  #taken(): ResponseEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** Events as text, numbered in their order. */
export class EventTexts {
  readonly #after: number;
  #next = 0;

  /** @param after the number of an event: it and those before it are known, and left out. */
  constructor(after = -1) {
    this.#after = after;
  }

  of(events: readonly ResponseEvent[]): string {
    return events.map(({ type, fields }) => this.#text(type, fields)).join('');
  }

  #text(type: string, fields: Json): string {
    const number = this.#next;
    this.#next += 1;
    if (number <= this.#after) return '';
    const data = JSON.stringify({ type, sequence_number: number, ...fields });
    return `event: ${type}\ndata: ${data}\n\n`;
  }
}

function incompleteReason(finishReason: string | undefined): string | undefined {
  if (finishReason === 'length') return 'max_output_tokens';
  return finishReason === 'content_filter' ? 'content_filter' : undefined;
}

/** What was charged, in the words of responses. */
export function responseUsage(charged: Charged, shown: CostShown | undefined): Json {
  const { promptTokens, completionTokens, cachedTokens, cacheWriteTokens, reasoningTokens } = charged.usage;
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: cacheWriteTokens },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + completionTokens,
    ...costInWords(charged, shown),
  };
}
