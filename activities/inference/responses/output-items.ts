/** The items of an answer in the Responses form while they come, each with its own events. Pure. */
import { textIn } from '../../../core/providers/message.ts';
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { sealedThoughts } from './items.ts';
import { callItem, callPrefix, isPlainCall, type OfferedTools } from './tools.ts';

export type EndStatus = 'completed' | 'incomplete';

/** The position of an item in the answer's output, and the sink for its events. */
export interface Place {
  readonly index: number;
  readonly idOf: (prefix: string) => string;
  readonly emit: (type: string, fields: Json) => void;
}

export interface OutputItem {
  /** As it is by now. */
  readonly item: Json;
  /** Does nothing when it is closed. */
  close(status: EndStatus): void;
}

/** Reasoning. It is always sent as a summary, even if none was asked for, because clients read no other form. */
export class ReasoningItem implements OutputItem {
  readonly #place: Place;
  readonly #id: string;
  readonly #sealed: boolean;
  #text = '';
  #status = 'in_progress';

  /** @param sealed whether they are also sent as a text that a client brings back. */
  constructor(place: Place, sealed: boolean) {
    this.#place = place;
    this.#id = place.idOf('rs');
    this.#sealed = sealed;
    place.emit('response.output_item.added', { output_index: place.index, item: this.item });
    this.#emit('response.reasoning_summary_part.added', { part: summaryPart('') });
  }

  add(text: string): void {
    this.#text += text;
    this.#emit('response.reasoning_summary_text.delta', { delta: text });
  }

  close(status: EndStatus): void {
    if (this.#status !== 'in_progress') return;
    this.#status = status;
    this.#emit('response.reasoning_summary_text.done', { text: this.#text });
    this.#emit('response.reasoning_summary_part.done', { part: summaryPart(this.#text) });
    this.#place.emit('response.output_item.done', { output_index: this.#place.index, item: this.item });
  }

  get item(): Json {
    const isClosed = this.#status !== 'in_progress';
    return {
      id: this.#id,
      type: 'reasoning',
      summary: this.#text === '' ? [] : [summaryPart(this.#text)],
      ...(this.#sealed ? { encrypted_content: isClosed ? sealedThoughts(this.#text) : '' } : {}),
      status: this.#status,
    };
  }

  #emit(type: string, fields: Json): void {
    this.#place.emit(type, { item_id: this.#id, output_index: this.#place.index, summary_index: 0, ...fields });
  }
}

function summaryPart(text: string): Json {
  return { type: 'summary_text', text };
}

/** A part of a message: its text with what belongs to it, or a refusal. */
interface MessagePart {
  readonly type: 'output_text' | 'refusal';
  text: string;
  readonly annotations: unknown[];
  readonly logprobs: unknown[];
}

export class MessageItem implements OutputItem {
  readonly #place: Place;
  readonly #id: string;
  readonly #parts: MessagePart[] = [];
  #status = 'in_progress';

  constructor(place: Place) {
    this.#place = place;
    this.#id = place.idOf('msg');
    place.emit('response.output_item.added', { output_index: place.index, item: this.item });
  }

  addText(delta: string, logprobs: readonly unknown[]): void {
    const part = this.#open('output_text');
    part.text += delta;
    part.logprobs.push(...logprobs);
    this.#emit('response.output_text.delta', { ...this.#at, delta, logprobs });
  }

  addRefusal(delta: string): void {
    this.#open('refusal').text += delta;
    this.#emit('response.refusal.delta', { ...this.#at, delta });
  }

  addAnnotation(given: unknown): void {
    const annotation = annotationOf(given);
    const part = this.#open('output_text');
    part.annotations.push(annotation);
    const annotation_index = part.annotations.length - 1;
    this.#emit('response.output_text.annotation.added', { ...this.#at, annotation_index, annotation });
  }

  close(status: EndStatus): void {
    if (this.#status !== 'in_progress') return;
    this.#closePart();
    this.#status = status;
    this.#emit('response.output_item.done', { output_index: this.#place.index, item: this.item });
  }

  get item(): Json {
    return {
      id: this.#id,
      type: 'message',
      status: this.#status,
      role: 'assistant',
      content: this.#parts.map(writtenPart),
    };
  }

  #open(type: MessagePart['type']): MessagePart {
    const last = this.#parts.at(-1);
    if (last?.type === type) return last;
    this.#closePart();
    const part: MessagePart = { type, text: '', annotations: [], logprobs: [] };
    this.#parts.push(part);
    this.#emit('response.content_part.added', { ...this.#at, part: writtenPart(part) });
    return part;
  }

  #closePart(): void {
    const part = this.#parts.at(-1);
    if (part === undefined) return;
    const said = part.type === 'refusal' ? { refusal: part.text } : { text: part.text, logprobs: part.logprobs };
    this.#emit(`response.${part.type}.done`, { ...this.#at, ...said });
    this.#emit('response.content_part.done', { ...this.#at, part: writtenPart(part) });
  }

  get #at(): Json {
    return { item_id: this.#id, output_index: this.#place.index, content_index: this.#parts.length - 1 };
  }

  #emit(type: string, fields: Json): void {
    this.#place.emit(type, fields);
  }
}

function writtenPart({ type, text, annotations, logprobs }: MessagePart): Json {
  if (type === 'refusal') return { type, refusal: text };
  return { type, annotations: [...annotations], logprobs: [...logprobs], text };
}

/** Chat has the members of a citation in an object of its own. */
function annotationOf(given: unknown): unknown {
  if (!isJsonObject(given) || !isJsonObject(given.url_citation)) return given;
  return { type: 'url_citation', ...given.url_citation };
}

/** A call of a tool; its event comes once its name is known as a whole, which is when its arguments begin or it ends. */
export class ToolCallItem implements OutputItem {
  readonly #place: Place;
  readonly #tools: OfferedTools;
  #callId = '';
  #name = '';
  #arguments = '';
  /** Empty until its first event. */
  #id = '';
  #status = 'in_progress';

  constructor(place: Place, tools: OfferedTools) {
    this.#place = place;
    this.#tools = tools;
  }

  /** @param call a piece of it, or all. */
  add(call: Json): void {
    this.#callId ||= textIn(call.id);
    if (!isJsonObject(call.function)) return;
    this.#name += textIn(call.function.name);
    const delta = textIn(call.function.arguments);
    if (delta === '') return;
    this.#begin();
    this.#arguments += delta;
    if (isPlainCall(this.#name, this.#tools)) this.#emit('response.function_call_arguments.delta', { delta });
  }

  close(status: EndStatus): void {
    if (this.#status !== 'in_progress') return;
    this.#begin();
    this.#arguments ||= '{}';
    this.#status = status;
    const { item } = this;
    if (item.type === 'function_call') {
      this.#emit('response.function_call_arguments.done', { name: item.name, arguments: item.arguments });
    }
    if (item.type === 'custom_tool_call') {
      this.#emit('response.custom_tool_call_input.delta', { delta: item.input });
      this.#emit('response.custom_tool_call_input.done', { input: item.input });
    }
    this.#place.emit('response.output_item.done', { output_index: this.#place.index, item });
  }

  get item(): Json {
    const call = { callId: this.#callId, name: this.#name, arguments: this.#arguments };
    return callItem(call, this.#id, this.#status, this.#tools);
  }

  #begin(): void {
    if (this.#id !== '') return;
    this.#id = this.#place.idOf(callPrefix(this.#name, this.#tools));
    this.#place.emit('response.output_item.added', { output_index: this.#place.index, item: this.item });
  }

  #emit(type: string, fields: Json): void {
    this.#place.emit(type, { item_id: this.#id, output_index: this.#place.index, ...fields });
  }
}
