/**
 * Chunks in the form that clients can read: every choice and every call of a tool has an index, content is a text, and a
 * finish reason is one or null. A chunk that is so already stays as the provider wrote it. Pure.
 */
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { finishReasonIn, listIn, readableMessage, says, textIn } from '../message.ts';
import type { ChatChunk } from '../provider.ts';

export class ReadableChunks {
  readonly #calls = new Map<number, ToolIndexes>();
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
    const reason = finishReasonIn(choice) ?? null;
    const isReadable =
      delta === choice.delta &&
      choice.index === index &&
      (choice.finish_reason === undefined || choice.finish_reason === reason);
    if (isReadable) return choice;
    const { message: _, ...others } = choice;
    return { ...others, index, delta, finish_reason: reason };
  }

  /** A whole message in place of a delta is one, where nothing of it has come; otherwise it repeats what came. */
  #delta(choice: Json, index: number): unknown {
    const { delta = choice.message } = choice;
    if (!isJsonObject(delta)) return choice.delta;
    const isRepeated = choice.delta === undefined && this.#said.has(index);
    if (isRepeated) return {};
    const readable = this.#withIndexes(readableMessage(delta), index);
    if (!this.#said.has(index) && says(readable)) this.#said.add(index);
    return readable;
  }

  #withIndexes(delta: Json, index: number): Json {
    const calls = listIn(delta.tool_calls);
    if (calls.length === 0) return delta;
    const indexes = this.#calls.get(index) ?? new ToolIndexes();
    this.#calls.set(index, indexes);
    const numbers = calls.map((call) => (isJsonObject(call) ? indexes.of(call) : 0));
    const same = calls.every((call, at) => isJsonObject(call) && call.index === numbers[at]);
    if (same) return delta;
    return {
      ...delta,
      tool_calls: calls.map((call, at) => (isJsonObject(call) ? { ...call, index: numbers[at] } : call)),
    };
  }
}

interface KnownCall {
  readonly id: string;
  readonly named: boolean;
  /** As the provider numbers it, if it does. */
  readonly number: number | undefined;
}

/** The calls of one choice in their order. */
class ToolIndexes {
  readonly #known: KnownCall[] = [];

  /** Where a piece of a call belongs: by its number, else its id, else to the call before; a new id or name begins a call. */
  of(call: Json): number {
    const id = textIn(call.id);
    const named = isJsonObject(call.function) && textIn(call.function.name) !== '';
    const number = typeof call.index === 'number' ? call.index : undefined;
    const found = this.#find(id, named, number);
    const at = found === -1 ? this.#known.length : found;
    const before = this.#known[at];
    this.#known[at] = { id: before?.id || id, named: before?.named || named, number: number ?? before?.number };
    return at;
  }

  #find(id: string, named: boolean, number: number | undefined): number {
    const known = this.#known;
    // Some vendors number all calls 0.
    const isAnother = (one: KnownCall) => named && one.named && id !== '' && one.id !== '' && one.id !== id;
    if (number !== undefined) return known.findLastIndex((one) => one.number === number && !isAnother(one));
    if (id !== '') {
      const same = known.findIndex((one) => one.id === id);
      if (same !== -1) return same;
    }
    const begins = named || id !== '';
    return begins ? -1 : known.length - 1;
  }
}
