/** Streams as Anthropic's clients read them: passed on where they are in that form, else written anew. Pure. */

import { withMember } from '../../../infra/json-member.ts';
import { isJsonObject, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import type { Charged, CostShown } from '../openai-words.ts';
import { brokenCall, callId, listOf, messageId, reasoningIn, stopReason, textIn, usageInMessages } from './answer.ts';
import { BlockSequence } from './blocks.ts';

/** Writes the events of one stream for one client. */
export interface MessagesWriter {
  events(chunk: string): string;
  /** The last events, after the charge. */
  end(end: Charged): string;
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

interface MessageHead {
  readonly requestId: string;
  readonly model: string;
  /** An estimate, because the provider counts at the end. */
  readonly promptTokens: number;
}

/** Chunks of a chat as events. */
export class WrittenAnew implements MessagesWriter {
  readonly #head: MessageHead;
  readonly #shown: CostShown | undefined;
  readonly #blocks = new BlockSequence(eventOf);
  #hasBegun = false;
  #stopReason = 'end_turn';

  constructor(head: MessageHead, shown: CostShown | undefined) {
    this.#head = head;
    this.#shown = shown;
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
      ...listOf(delta.tool_calls).map((call) => (isJsonObject(call) ? this.#call(call.index, call) : '')),
      isJsonObject(delta.function_call) ? this.#call('only', { function: delta.function_call }) : '',
    ].join('');
    return said === '' ? '' : this.#begin() + said;
  }

  end(charged: Charged): string {
    const delta = { stop_reason: this.#stopReason, stop_sequence: null };
    const said = this.#begin() + this.#blocks.end();
    const broken = this.#blocks.brokenCall;
    // What was sent cannot be taken back, and clients read broken arguments as fewer. A limit that cut them says so itself.
    if (broken !== undefined && this.#stopReason !== 'max_tokens') {
      return (
        said + eventOf('error', { error: { type: 'api_error', message: brokenCall(broken.name, broken.arguments) } })
      );
    }
    const usage = usageInMessages(charged, this.#shown);
    return said + eventOf('message_delta', { delta, usage }) + eventOf('message_stop', {});
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
    const thinking = reasoningIn(delta);
    const said = [thinking === '' ? '' : this.#blocks.thought(thinking)];
    for (const detail of listOf(delta.reasoning_details)) {
      if (!isJsonObject(detail)) continue;
      const signature = textIn(detail.signature);
      if (signature !== '') this.#blocks.sign(signature);
      if (detail.type === 'reasoning.encrypted') said.push(this.#blocks.redacted(detail.data));
    }
    return said.join('');
  }

  #text(text: string): string {
    return text === '' ? '' : this.#blocks.text(text);
  }

  #call(number: unknown, { id, function: called }: Json): string {
    const { name, arguments: piece } = isJsonObject(called) ? called : {};
    return this.#blocks.call(number, { id: callId(id), name: textIn(name) }, textIn(piece));
  }
}
