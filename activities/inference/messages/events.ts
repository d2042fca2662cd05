/** Streams as Anthropic's clients read them: passed on where they are in that form, else written anew. Pure. */

import { withMember } from '../../../infra/json-member.ts';
import { isJsonObject, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import type { StreamEnd } from '../stream.ts';
import { listOf, messageId, reasoningIn, stopReason, textIn, usageInMessages } from './answer.ts';

/** Writes the events of one stream for one client. */
export interface MessagesWriter {
  events(chunk: string): string;
  /** The last events, after the charge. */
  end(end: Pick<StreamEnd, 'usage'>): string;
}

const START = 'event: message_start\n';
const STOP = 'event: message_stop\n';

/** Events that are in the form already; only the model is the one that was asked for. The last one waits for the charge. */
export function passedOn(model: string): MessagesWriter {
  let last = '';
  return {
    events: (event) => {
      if (event.startsWith(STOP)) {
        last = event;
        return '';
      }
      return event.startsWith(START) ? withModel(event, model) : event;
    },
    end: () => last || eventOf('message_stop', {}),
  };
}

/** It begins with the only message that a stream has, in which no content stands yet. */
function withModel(event: string, model: string): string {
  const at = event.indexOf('{', event.indexOf('"message"'));
  return event.slice(0, at) + withMember(event.slice(at), 'model', model);
}

function eventOf(type: string, fields: Json): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

type BlockKind = 'text' | 'thinking' | 'tool_use';

/**
 * Chunks of a chat as events. Texts and thoughts are closed when something else begins; calls of tools stay open to the
 * end, because their pieces may come in turns.
 */
export class WrittenAnew implements MessagesWriter {
  readonly #head: { readonly requestId: string; readonly model: string; readonly promptTokens: number };
  #hasBegun = false;
  #blocks = 0;
  #open: { readonly kind: BlockKind; readonly index: number } | undefined;
  readonly #calls = new Map<unknown, number>();
  #signature = '';
  #stopReason = 'end_turn';

  /** @param head `promptTokens`: an estimate, because the provider counts at the end. */
  constructor(head: { readonly requestId: string; readonly model: string; readonly promptTokens: number }) {
    this.#head = head;
  }

  events(data: string): string {
    const chunk = parseJson(data);
    const [choice] = isJsonObject(chunk) ? listOf(chunk.choices) : [];
    if (!isJsonObject(choice)) return '';
    const delta = isJsonObject(choice.delta) ? choice.delta : {};
    if (textIn(choice.finish_reason) !== '') this.#stopReason = stopReason(choice.finish_reason);
    const said = [
      this.#thoughts(delta),
      this.#text(textIn(delta.content)),
      this.#text(textIn(delta.refusal)),
      ...listOf(delta.tool_calls).map((call) => (isJsonObject(call) ? this.#call(call) : '')),
    ].join('');
    return said === '' ? '' : this.#begin() + said;
  }

  end({ usage }: Pick<StreamEnd, 'usage'>): string {
    const closing = [...this.#calls.values()].map((index) => eventOf('content_block_stop', { index }));
    const delta = { stop_reason: this.#stopReason, stop_sequence: null };
    return [
      this.#begin(),
      this.#close(),
      ...closing,
      eventOf('message_delta', { delta, usage: usageInMessages(usage) }),
      eventOf('message_stop', {}),
    ].join('');
  }

  #begin(): string {
    if (this.#hasBegun) return '';
    this.#hasBegun = true;
    const { requestId, model, promptTokens } = this.#head;
    const usage = {
      ...{ input_tokens: promptTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 },
    };
    const message = {
      ...{ id: messageId(requestId), type: 'message', role: 'assistant', model, content: [] },
      ...{ stop_reason: null, stop_sequence: null, usage },
    };
    return eventOf('message_start', { message }) + eventOf('ping', {});
  }

  #thoughts(delta: Json): string {
    const redacted: string[] = [];
    for (const detail of listOf(delta.reasoning_details)) {
      if (!isJsonObject(detail)) continue;
      this.#signature = textIn(detail.signature) || this.#signature;
      if (detail.type === 'reasoning.encrypted') redacted.push(this.#redacted(detail.data));
    }
    const thinking = reasoningIn(delta);
    const thought = thinking === '' ? '' : this.#piece('thinking', { type: 'thinking_delta', thinking });
    return thought + redacted.join('');
  }

  #redacted(data: unknown): string {
    const before = this.#close();
    const index = this.#blocks++;
    const block = { type: 'redacted_thinking', data };
    const start = eventOf('content_block_start', { index, content_block: block });
    return before + start + eventOf('content_block_stop', { index });
  }

  #text(text: string): string {
    return text === '' ? '' : this.#piece('text', { type: 'text_delta', text });
  }

  #piece(kind: 'text' | 'thinking', delta: Json): string {
    const isOpen = this.#open?.kind === kind;
    const before = isOpen ? '' : this.#close();
    const open = (isOpen ? this.#open : undefined) ?? { kind, index: this.#blocks++ };
    this.#open = open;
    const { index } = open;
    const block = kind === 'text' ? { type: kind, text: '' } : { type: kind, thinking: '', signature: '' };
    const start = isOpen ? '' : eventOf('content_block_start', { index, content_block: block });
    return before + start + eventOf('content_block_delta', { index, delta });
  }

  #call({ index: number, id, function: called }: Json): string {
    const { name, arguments: piece } = isJsonObject(called) ? called : {};
    const known = this.#calls.get(number);
    const index = known ?? this.#blocks++;
    let before = '';
    if (known === undefined) {
      this.#calls.set(number, index);
      const block = { type: 'tool_use', id: textIn(id), name: textIn(name), input: {} };
      before = this.#close() + eventOf('content_block_start', { index, content_block: block });
    }
    const delta = { type: 'input_json_delta', partial_json: textIn(piece) };
    return before + (textIn(piece) === '' ? '' : eventOf('content_block_delta', { index, delta }));
  }

  #close(): string {
    if (this.#open === undefined) return '';
    const { kind, index } = this.#open;
    this.#open = undefined;
    const delta = { type: 'signature_delta', signature: this.#signature };
    const signed = kind === 'thinking' ? eventOf('content_block_delta', { index, delta }) : '';
    if (kind === 'thinking') this.#signature = '';
    return signed + eventOf('content_block_stop', { index });
  }
}
