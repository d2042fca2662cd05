/**
 * Chunks in the form that clients can read: each has a head and choices, every choice an index, a delta and, in the end,
 * a finish reason; the first delta that says something has a role, calls of tools are as in `tool-calls.ts`, and content
 * is a text. A chunk that is so already stays as the provider wrote it.
 */
import { isJsonObject, isSet, type JsonObject as Json } from '../../../infra/json-object.ts';
import { finishReasonIn } from '../finish-reasons.ts';
import { listIn, readableMessage, says, textIn } from '../message.ts';
import type { ChatChunk } from '../provider.ts';
import { isPlainStop, StreamedCalls } from '../tool-calls.ts';

/** What stands before the choices, for an answer whose provider leaves it out. */
export interface AnswerHead {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
}

/** What is there stays. */
export function withHead(answer: Json, head: AnswerHead, kind: 'chat.completion' | 'chat.completion.chunk'): Json {
  const { id, object, created, model, ...others } = answer;
  return {
    id: id ?? head.id,
    object: object ?? kind,
    created: created ?? head.created,
    model: model ?? head.model,
    ...others,
  };
}

function hasHead({ id, object, created, model }: Json): boolean {
  return isSet(id) && isSet(object) && isSet(created) && isSet(model);
}

export class ReadableChunks {
  #head: AnswerHead;
  #hasBegun = false;
  readonly #calls = new Map<number, StreamedCalls>();
  readonly #seen = new Set<number>();
  readonly #finished = new Set<number>();
  /** Choices whose role has come. */
  readonly #roles = new Set<number>();
  /** Choices of which something has come. */
  readonly #said = new Set<number>();

  constructor(head: AnswerHead) {
    this.#head = head;
  }

  /** @param data what `body` was read from. */
  of(data: string, body: Json): ChatChunk {
    if (!this.#hasBegun) this.#begin(body);
    const choices = this.#choices(body.choices);
    if (choices === body.choices && hasHead(body)) return { data, body };
    return written({ ...withHead(body, this.#head, CHUNK), object: CHUNK, choices });
  }

  /** The finish of the choices whose provider has sent none. */
  end(): ChatChunk | undefined {
    const open = [...this.#seen].filter((index) => !this.#finished.has(index));
    if (open.length === 0) return undefined;
    const choices = open.map((index) => ({
      index,
      delta: {},
      finish_reason: this.#calls.has(index) ? 'tool_calls' : 'stop',
    }));
    return written({ ...withHead({}, this.#head, CHUNK), choices });
  }

  /** The provider's own head is that of all chunks. */
  #begin({ id, created, model }: Json): void {
    const own = this.#head;
    this.#hasBegun = true;
    this.#head = {
      id: textIn(id) || own.id,
      created: typeof created === 'number' ? created : own.created,
      model: textIn(model) || own.model,
    };
  }

  /** @returns the same list where there is nothing to change. */
  #choices(choices: unknown): unknown {
    if (!Array.isArray(choices)) return [];
    let changed: unknown[] | undefined;
    for (let at = 0; at < choices.length; at += 1) {
      const choice: unknown = choices[at];
      if (!isJsonObject(choice)) continue;
      const readable = this.#choice(choice, at);
      if (readable === choice) continue;
      changed ??= [...choices];
      changed[at] = readable;
    }
    return changed ?? choices;
  }

  #choice(choice: Json, at: number): Json {
    const index = typeof choice.index === 'number' ? choice.index : at;
    const delta = this.#delta(choice, index);
    const reason = this.#finishReason(choice, index);
    this.#seen.add(index);
    if (reason !== null) this.#finished.add(index);
    const isReadable =
      delta === choice.delta &&
      choice.index === index &&
      (choice.finish_reason === undefined || choice.finish_reason === reason);
    if (isReadable) return choice;
    const { message: _, ...others } = choice;
    return { ...others, index, delta, finish_reason: reason };
  }

  #finishReason(choice: Json, index: number): string | null {
    const reason = finishReasonIn(choice) ?? null;
    return reason !== null && this.#calls.has(index) && isPlainStop(reason) ? 'tool_calls' : reason;
  }

  /** A whole message in place of a delta is one, where nothing of it has come; otherwise it repeats what came. */
  #delta(choice: Json, index: number): Json {
    const { delta = choice.message } = choice;
    if (!isJsonObject(delta)) return {};
    const isRepeated = choice.delta === undefined && this.#said.has(index);
    if (isRepeated) return {};
    const readable = this.#withCalls(readableMessage(delta), index);
    return this.#said.has(index) ? readable : this.#withRole(readable, index);
  }

  /** OpenAI's clients put no message together without a role. */
  #withRole(delta: Json, index: number): Json {
    if (textIn(delta.role) !== '') this.#roles.add(index);
    if (!says(delta)) return delta;
    this.#said.add(index);
    return this.#roles.has(index) ? delta : { ...delta, role: 'assistant' };
  }

  #withCalls(delta: Json, index: number): Json {
    const calls = listIn(delta.tool_calls);
    if (calls.length === 0) return delta;
    const known = this.#calls.get(index) ?? new StreamedCalls();
    this.#calls.set(index, known);
    const readable = calls.map((call) => (isJsonObject(call) ? known.readable(call) : call));
    return readable.every((call, at) => call === calls[at]) ? delta : { ...delta, tool_calls: readable };
  }
}

const CHUNK = 'chat.completion.chunk';

function written(body: Json): ChatChunk {
  return { data: JSON.stringify(body), body };
}
