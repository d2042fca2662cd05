/**
 * Answers of the Messages interface read as chat completions, whole and event by event: what was said, why it ended and
 * what it used. A stream that passes to its client as it is, is read along with it; one for a client of OpenAI's
 * interface is written anew from this. Pure.
 */
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { listIn, textIn } from '../message.ts';
import type { AnswerHead } from '../openai/readable-chunks.ts';

/** How OpenRouter names thoughts with what is needed to give them back, which its clients know. */
const FORMAT = 'anthropic-claude-v1';

/** A whole answer. Its usage stays as the provider wrote it. */
export function completionOf(message: Json, head: AnswerHead): Json {
  const blocks = listIn(message.content).filter(isJsonObject);
  const calls = blocks.filter(({ type }) => type === 'tool_use').map(callOf);
  const thoughts = blocks.flatMap(thoughtOf);
  const others = blocks.filter(({ type }) => !isRead(type));
  const text = textOf(blocks, 'text');
  const reasoning = textOf(blocks, 'thinking');
  return {
    id: textIn(message.id) || head.id,
    object: 'chat.completion',
    created: head.created,
    model: textIn(message.model) || head.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && calls.length > 0 ? null : text,
          ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
          ...(thoughts.length === 0 ? {} : { reasoning_details: thoughts }),
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
          ...(others.length === 0 ? {} : { content_parts: others }),
        },
        finish_reason: textIn(message.stop_reason) || 'end_turn',
      },
    ],
    ...(message.usage === undefined ? {} : { usage: message.usage }),
  };
}

function isRead(type: unknown): boolean {
  return type === 'text' || type === 'thinking' || type === 'redacted_thinking' || type === 'tool_use';
}

function textOf(blocks: readonly Json[], type: 'text' | 'thinking'): string {
  return blocks.map((block) => (block.type === type ? textIn(block[type]) : '')).join('');
}

function callOf({ id, name, input }: Json): Json {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } };
}

function thoughtOf({ type, thinking, signature, data }: Json, index: number): Json[] {
  if (type === 'redacted_thinking') return [{ type: 'reasoning.encrypted', data, format: FORMAT, index }];
  if (type !== 'thinking') return [];
  return [{ type: 'reasoning.text', text: thinking, signature: signature ?? null, format: FORMAT, index }];
}

interface OpenBlock {
  readonly type: string;
  /** Of a call of a tool. */
  readonly call: number;
  /** What a vendor that sends no pieces of it gives at the start. */
  readonly input: string;
  hasPieces: boolean;
  thinking: string;
  signature: string;
}

/** The events of one stream in turn. */
export class MessagesReader {
  readonly #tellsThoughts: boolean;
  #head: AnswerHead;
  readonly #blocks = new Map<unknown, OpenBlock>();
  #calls = 0;

  /** @param tellsThoughts whether thoughts are sent with their signatures, too, for whoever gives them back. */
  constructor(head: AnswerHead, tellsThoughts: boolean) {
    this.#head = head;
    this.#tellsThoughts = tellsThoughts;
  }

  /** @returns a chat.completion.chunk; one without choices for an event that says nothing. */
  chunkOf(event: Json): Json {
    switch (event.type) {
      case 'message_start':
        return this.#begin(isJsonObject(event.message) ? event.message : {});
      case 'content_block_start':
        return this.#start(event.index, isJsonObject(event.content_block) ? event.content_block : {});
      case 'content_block_delta':
        return this.#piece(event.index, isJsonObject(event.delta) ? event.delta : {});
      case 'content_block_stop':
        return this.#stop(event.index);
      case 'message_delta': {
        const { stop_reason: reason } = isJsonObject(event.delta) ? event.delta : {};
        const ending = typeof reason === 'string' ? this.#chunk({}, reason) : this.#nothing();
        return event.usage === undefined ? ending : { ...ending, usage: event.usage };
      }
      default:
        return this.#nothing();
    }
  }

  #begin({ id, model, usage }: Json): Json {
    this.#head = { ...this.#head, id: textIn(id) || this.#head.id, model: textIn(model) || this.#head.model };
    const chunk = this.#chunk({ role: 'assistant', content: '' });
    return usage === undefined ? chunk : { ...chunk, usage };
  }

  #start(index: unknown, block: Json): Json {
    const type = textIn(block.type);
    const isCall = type === 'tool_use';
    const input = isCall && isJsonObject(block.input) && Object.keys(block.input).length > 0 ? block.input : undefined;
    const open: OpenBlock = {
      type,
      call: isCall ? this.#calls++ : -1,
      input: input === undefined ? '' : JSON.stringify(input),
      hasPieces: false,
      thinking: textIn(block.thinking),
      signature: textIn(block.signature),
    };
    this.#blocks.set(index, open);
    if (isCall) {
      const called = { name: textIn(block.name), arguments: '' };
      return this.#chunk({ tool_calls: [{ index: open.call, id: block.id, type: 'function', function: called }] });
    }
    if (type === 'text' && textIn(block.text) !== '') return this.#chunk({ content: block.text });
    if (open.thinking !== '') return this.#chunk({ reasoning_content: open.thinking });
    if (type === 'redacted_thinking') {
      return this.#chunk({ reasoning_details: thoughtOf(block, this.#blocks.size - 1) });
    }
    return isRead(type) ? this.#nothing() : this.#chunk({ content_parts: [block] });
  }

  #piece(index: unknown, delta: Json): Json {
    const open = this.#blocks.get(index);
    switch (delta.type) {
      case 'text_delta':
        return this.#chunk({ content: textIn(delta.text) });
      case 'thinking_delta':
        if (open) open.hasPieces ||= textIn(delta.thinking) !== '';
        if (open && this.#tellsThoughts) open.thinking += textIn(delta.thinking);
        return this.#chunk({ reasoning_content: textIn(delta.thinking) });
      case 'signature_delta':
        if (open) open.signature += textIn(delta.signature);
        return this.#nothing();
      case 'input_json_delta':
        if (open?.type !== 'tool_use') return this.#nothing();
        open.hasPieces ||= textIn(delta.partial_json) !== '';
        return this.#arguments(open, textIn(delta.partial_json));
      default:
        return this.#nothing();
    }
  }

  #stop(index: unknown): Json {
    const open = this.#blocks.get(index);
    if (open?.type === 'tool_use' && !open.hasPieces) return this.#arguments(open, open.input || '{}');
    // One whose text is withheld is a thought all the same.
    if (open?.type !== 'thinking' || (open.hasPieces && !this.#tellsThoughts)) return this.#nothing();
    return this.#chunk({ reasoning_details: thoughtOf({ ...open }, [...this.#blocks.keys()].indexOf(index)) });
  }

  #arguments({ call }: OpenBlock, piece: string): Json {
    return this.#chunk({ tool_calls: [{ index: call, function: { arguments: piece } }] });
  }

  #chunk(delta: Json, finishReason: string | null = null): Json {
    return { ...this.#nothing(), choices: [{ index: 0, delta, finish_reason: finishReason }] };
  }

  #nothing(): Json {
    const { id, created, model } = this.#head;
    return { id, object: 'chat.completion.chunk', created, model, choices: [] };
  }
}

const COUNTS = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens', 'output_tokens'] as const;

/**
 * A usage in OpenAI's names, where the cache is a part of the prompt. What is not a usage of counts stays as it is: it
 * is for the reader of usages to judge.
 */
export function chatUsage(usage: unknown): unknown {
  if (!isJsonObject(usage)) return usage;
  const { input_tokens: input, output_tokens: output } = usage;
  const [, cached = 0, written = 0] = COUNTS.map((name) => usage[name] ?? 0);
  if (!isCount(input) || !isCount(output) || !isCount(cached) || !isCount(written)) return usage;
  const details = isJsonObject(usage.output_tokens_details) ? usage.output_tokens_details : {};
  const promptTokens = input + cached + written;
  const others = Object.entries(usage).filter(([name]) => !isCounted(name));
  return {
    prompt_tokens: promptTokens,
    completion_tokens: output,
    total_tokens: promptTokens + output,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: isCount(details.thinking_tokens) ? details.thinking_tokens : 0 },
    ...Object.fromEntries(others),
  };
}

function isCounted(name: string): boolean {
  return name === 'output_tokens_details' || COUNTS.some((count) => count === name);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
