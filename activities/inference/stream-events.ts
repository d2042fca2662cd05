/** The server-sent events that a client gets of the chunks of a chat stream. Pure. */
import { isJsonObject, parseJson } from '../../infra/json-object.ts';

/** After it there is at most the usage, or another choice. Inside a text quotes are escaped. */
const MAYBE_LAST = /"finish_reason"\s*:\s*"|"choices"\s*:\s*\[\s*\]/;

/** One stream for one client. */
export class ClientStream {
  readonly #wantsUsage: boolean;
  readonly #conversationId: string | undefined;
  /** A chunk that may be the last one, which is to carry the conversation. */
  #held: string | undefined;
  #hasUsage = false;

  /** @param conversationId told in the last chunk, when there is one. */
  constructor(wantsUsage: boolean, conversationId?: string) {
    this.#wantsUsage = wantsUsage;
    this.#conversationId = conversationId;
  }

  /** The events that go out for a chunk of the provider; empty when there is nothing for this client. */
  events(data: string): string {
    const chunk = chunkForClient(data, this.#wantsUsage);
    if (chunk === undefined) return '';
    this.#hasUsage ||= this.#wantsUsage && hasUsage(chunk);
    if (this.#conversationId === undefined) return dataEvent(chunk);
    const before = this.#held === undefined ? '' : dataEvent(this.#held);
    this.#held = MAYBE_LAST.test(chunk) ? chunk : undefined;
    return this.#held === undefined ? before + dataEvent(chunk) : before;
  }

  /** Whether the client has asked for the usage and not got one. */
  get lacksUsage(): boolean {
    return this.#wantsUsage && !this.#hasUsage;
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
export function endOfStream(costText: string, requestId: string, priceRule: string | null): string {
  const rule = priceRule === null ? '' : ` x-price-rule=${priceRule}`;
  return `: x-cost=${costText} x-request-id=${requestId}${rule}\n\ndata: [DONE]\n\n`;
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

/** Some providers send `"usage": null` with every chunk, which need not be parsed. */
const USAGE_OBJECT = /"usage"\s*:\s*\{/;

function hasUsage(data: string): boolean {
  const chunk = USAGE_OBJECT.test(data) ? parseJson(data) : undefined;
  return isJsonObject(chunk) && isJsonObject(chunk.usage);
}

/** A chunk that the provider wrote over several lines goes out as several, or its rest would be lost. */
function dataEvent(data: string): string {
  return `data: ${data.replaceAll('\n', '\ndata: ')}\n\n`;
}
