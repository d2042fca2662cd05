/**
 * Chunks in the form that clients can read: every choice has an index, calls of tools are as in `tool-calls.ts`, content
 * is a text, and a finish reason is one or null. A chunk that is so already stays as the provider wrote it.
 */
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { finishReasonIn, listIn, readableMessage, says } from '../message.ts';
import type { ChatChunk } from '../provider.ts';
import { isPlainStop, StreamedCalls } from '../tool-calls.ts';

export class ReadableChunks {
  readonly #calls = new Map<number, StreamedCalls>();
  /** Choices of which something has come. */
  readonly #said = new Set<number>();

  /** @param data what `body` was read from. */
  of(data: string, body: Json): ChatChunk {
    const { choices } = body;
    if (!Array.isArray(choices)) return { data, body };
    let changed: unknown[] | undefined;
    for (let at = 0; at < choices.length; at += 1) {
      const choice: unknown = choices[at];
      if (!isJsonObject(choice)) continue;
      const readable = this.#choice(choice, at);
      if (readable === choice) continue;
      changed ??= [...choices];
      changed[at] = readable;
    }
    if (changed === undefined) return { data, body };
    const rewritten = { ...body, object: 'chat.completion.chunk', choices: changed };
    return { data: JSON.stringify(rewritten), body: rewritten };
  }

  #choice(choice: Json, at: number): Json {
    const index = typeof choice.index === 'number' ? choice.index : at;
    const delta = this.#delta(choice, index);
    const reason = this.#finishReason(choice, index);
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
  #delta(choice: Json, index: number): unknown {
    const { delta = choice.message } = choice;
    if (!isJsonObject(delta)) return choice.delta;
    const isRepeated = choice.delta === undefined && this.#said.has(index);
    if (isRepeated) return {};
    const readable = this.#withCalls(readableMessage(delta), index);
    if (!this.#said.has(index) && says(readable)) this.#said.add(index);
    return readable;
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
