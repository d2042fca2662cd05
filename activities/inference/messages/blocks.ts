/**
 * The blocks of a streamed message. Anthropic's clients read them strictly one after another, while pieces of several
 * calls may come in turns: a block begins when the one before has ended, and its pieces wait until then. Pure.
 */
import { argumentsOf } from '../../../core/providers/tool-calls.ts';
import { JsonObjectEnd } from '../../../infra/json-end.ts';
import type { JsonObject as Json } from '../../../infra/json-object.ts';

/** Writes one event. */
export type WriteEvent = (type: string, fields: Json) => string;

type BlockKind = 'text' | 'thinking' | 'redacted_thinking' | 'tool_use';

interface Block {
  readonly kind: BlockKind;
  readonly begins: Json;
  /** Of a call: its tool. */
  readonly name: string;
  hasBegun: boolean;
  /** What has come and was not sent. */
  waiting: string;
  /** Of a call. */
  readonly arguments: JsonObjectEnd;
  /** Of a thought. */
  signature: string;
}

export class BlockSequence {
  readonly #write: WriteEvent;
  /** The open one first. */
  readonly #blocks: Block[] = [];
  /** Of the open one, among all of the message. */
  #index = 0;
  /** By their numbers in the chat. */
  readonly #calls = new Map<unknown, Block>();

  constructor(write: WriteEvent) {
    this.#write = write;
  }

  text(text: string): string {
    return this.#say('text', { type: 'text', text: '' }, text);
  }

  thought(text: string): string {
    return this.#say('thinking', { type: 'thinking', thinking: '', signature: '' }, text);
  }

  /** Of the thought that came last. */
  sign(signature: string): void {
    const last = this.#blocks.at(-1);
    if (last?.kind === 'thinking') last.signature = signature;
  }

  redacted(data: unknown): string {
    this.#add('redacted_thinking', { type: 'redacted_thinking', data });
    return this.#flow();
  }

  /** @param piece of its arguments. */
  call(number: unknown, { id, name }: { readonly id: string; readonly name: string }, piece: string): string {
    let block = this.#calls.get(number);
    if (block === undefined) {
      block = this.#add('tool_use', { type: 'tool_use', id, name, input: {} }, name);
      this.#calls.set(number, block);
    }
    block.arguments.add(piece);
    block.waiting += piece;
    return this.#flow();
  }

  end(): string {
    return this.#flow('all');
  }

  /** The first call whose arguments are broken, now that all of them have come. */
  get brokenCall(): { readonly name: string; readonly arguments: string } | undefined {
    const calls = [...this.#calls.values()].map(({ name, arguments: given }) => ({ name, arguments: given.text }));
    return calls.find((call) => argumentsOf(call.arguments) === undefined);
  }

  #say(kind: 'text' | 'thinking', begins: Json, text: string): string {
    const last = this.#blocks.at(-1);
    const block = last?.kind === kind ? last : this.#add(kind, begins);
    block.waiting += text;
    return this.#flow();
  }

  #add(kind: BlockKind, begins: Json, name = ''): Block {
    const none = { hasBegun: false, waiting: '', arguments: new JsonObjectEnd(), signature: '' };
    const block: Block = { kind, begins, name, ...none };
    this.#blocks.push(block);
    return block;
  }

  /** The events that are due. */
  #flow(upTo: 'what may come' | 'all' = 'what may come'): string {
    const events: string[] = [];
    for (let open = this.#blocks[0]; open !== undefined; open = this.#blocks[0]) {
      const index = this.#index;
      if (!open.hasBegun) events.push(this.#write('content_block_start', { index, content_block: open.begins }));
      open.hasBegun = true;
      if (open.waiting !== '') events.push(this.#write('content_block_delta', { index, delta: deltaOf(open) }));
      open.waiting = '';
      if (upTo !== 'all' && !hasEnded(open, this.#blocks.length > 1)) break;
      if (open.kind === 'thinking') {
        const delta = { type: 'signature_delta', signature: open.signature };
        events.push(this.#write('content_block_delta', { index, delta }));
      }
      events.push(this.#write('content_block_stop', { index }));
      this.#blocks.shift();
      this.#index += 1;
    }
    return events.join('');
  }
}

function deltaOf({ kind, waiting }: Block): Json {
  if (kind === 'tool_use') return { type: 'input_json_delta', partial_json: waiting };
  return kind === 'text' ? { type: 'text_delta', text: waiting } : { type: 'thinking_delta', thinking: waiting };
}

/** A text or a thought ends where something else begins; a call then goes on until its arguments are whole. */
function hasEnded(block: Block, isAnotherWaiting: boolean): boolean {
  if (block.kind === 'redacted_thinking') return true;
  return isAnotherWaiting && (block.kind !== 'tool_use' || block.arguments.isWhole);
}
