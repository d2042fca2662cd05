/** The server-sent events that a client gets of the chunks of a chat stream. Pure. */
import type { RepeatedForm, RepeatedText } from '../../core/providers/provider.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../infra/json-object.ts';

/** After it there is at most the usage, or another choice. Inside a text quotes are escaped. */
const MAYBE_LAST = /"finish_reason"\s*:\s*"[^"]|"choices"\s*:\s*\[\s*\]/;

/** What the last chunk is to say. */
export interface LastWords {
  /** The usage that was charged; `said` is that of the provider. */
  readonly usage: (said: unknown) => JsonObject;
  /** A chunk for it alone. */
  readonly usageChunk: (usage: JsonObject) => JsonObject;
}

/** One stream for one client. */
export class ClientStream {
  readonly #wantsUsage: boolean;
  readonly #conversationId: string | undefined;
  /** A chunk that may be the last one: it is to carry the usage that is charged, and the conversation. */
  #held: string | undefined;

  /** @param conversationId sent in the last chunk, when there is one. */
  constructor(wantsUsage: boolean, conversationId?: string) {
    this.#wantsUsage = wantsUsage;
    this.#conversationId = conversationId;
  }

  /** The events that go out for a chunk of the provider; empty when there is nothing for this client. */
  events(data: string): string {
    const chunk = chunkForClient(data, this.#wantsUsage);
    if (chunk === undefined) return '';
    const before = this.#held === undefined ? '' : dataEvent(this.#held);
    this.#held = this.#mayCarry(chunk) ? chunk : undefined;
    return this.#held === undefined ? before + dataEvent(chunk) : before;
  }

  /** The event for a chunk alone. @returns undefined where that depends on what comes before or after it. */
  eventOf(data: string): string | undefined {
    const chunk = this.#held === undefined ? chunkForClient(data, this.#wantsUsage) : undefined;
    return chunk === undefined || this.#mayCarry(chunk) ? undefined : dataEvent(chunk);
  }

  #mayCarry(chunk: string): boolean {
    if (this.#conversationId === undefined && !(this.#wantsUsage && USAGE_OBJECT.test(chunk))) return false;
    return MAYBE_LAST.test(chunk);
  }

  /** What was held back, and what is only known when the stream has ended well and was charged. */
  lastEvents(words: LastWords): string {
    const held = parseJson(this.#held ?? '');
    const last = isJsonObject(held) ? held : undefined;
    if (!this.#wantsUsage) {
      if (this.#conversationId === undefined) return '';
      return this.#lastEvent(last ?? { object: 'chat.completion.chunk', choices: [] });
    }
    if (last && isJsonObject(last.usage)) return this.#lastEvent({ ...last, usage: words.usage(last.usage) });
    const before = this.#held === undefined ? '' : dataEvent(this.#held);
    return before + this.#lastEvent(words.usageChunk(words.usage(undefined)));
  }

  #lastEvent(chunk: JsonObject): string {
    const conversation = this.#conversationId === undefined ? {} : { conversation_id: this.#conversationId };
    return dataEvent(JSON.stringify({ ...chunk, ...conversation }));
  }
}

/** Stands for the text where the event of a form is made; a form that has it elsewhere has none. */
const TEXT = '~text~';

/**
 * Events of a form that is repeated: made once, and put around each text. Where a chunk is written anew for a client (one
 * that wants no usage gets none that is null), its text keeps the provider's escapes, which the same chunk of a kept
 * stream may lose; both are the same JSON.
 */
export class RepeatedEvents {
  readonly #eventOf: (data: string) => string | undefined;
  #form: RepeatedForm | undefined;
  #around: readonly string[] = [];

  /** @param eventOf the event for a chunk, if it is always the same. */
  constructor(eventOf: (data: string) => string | undefined) {
    this.#eventOf = eventOf;
  }

  /** @returns undefined for a chunk whose event is to be made by itself. */
  event({ form, written }: RepeatedText): string | undefined {
    if (form !== this.#form) {
      const around = this.#eventOf(form.before + TEXT + form.after)?.split(TEXT);
      if (around === undefined) return undefined;
      this.#form = form;
      this.#around = around;
    }
    const [before, after] = this.#around;
    return this.#around.length === 2 ? `${before}${written}${after}` : undefined;
  }
}

/** What a stream has cost, as a comment. */
export function costComment(costText: string, requestId: string, priceRule: string | null): string {
  const rule = priceRule === null ? '' : ` x-price-rule=${priceRule}`;
  return `: x-cost=${costText} x-request-id=${requestId}${rule}\n\n`;
}

/** The end of a good stream: what it cost, then the mark that OpenAI's clients wait for. */
export function endOfStream(costText: string, requestId: string, priceRule: string | null): string {
  return `${costComment(costText, requestId, priceRule)}data: [DONE]\n\n`;
}

/** An error in the middle, in the form that OpenAI's clients raise; no `[DONE]` follows. */
export function errorEvent(errorText: string): string {
  return `event: error\ndata: ${errorText}\n\n`;
}

/** @returns the chunk for this client, or undefined when it holds nothing but usage nobody asked for. */
function chunkForClient(data: string, wantsUsage: boolean): string | undefined {
  // A text in the answer cannot match: inside it quotes are escaped.
  if (wantsUsage || !data.includes('"usage"')) return data;
  const chunk = parseJson(data);
  if (!isJsonObject(chunk) || !('usage' in chunk)) return data;
  if (Array.isArray(chunk.choices) && chunk.choices.length === 0) return undefined;
  const { usage: _usage, ...rest } = chunk;
  return JSON.stringify(rest);
}

/** Some providers send `"usage": null` with every chunk. */
const USAGE_OBJECT = /"usage"\s*:\s*\{/;

/** A chunk that the provider wrote over several lines goes out as several, or its rest would be lost. */
function dataEvent(data: string): string {
  return `data: ${data.replaceAll('\n', '\ndata: ')}\n\n`;
}
