/**
 * What the chunks of a chat stream make together: one chat.completion with everything that came. Calls that clients asked
 * for as a whole, jobs, and the end of a stream read it. Pure.
 */
import { isJsonObject, type JsonObject as Json } from '../../infra/json-object.ts';
import { UpstreamFailure } from './failure.ts';
import { explainsSilence, finishReasonIn } from './finish-reasons.ts';
import { listIn, reasoningIn, says, textIn, textsOf } from './message.ts';
import type { ChatChunk, RepeatedText, ReportedUsage } from './provider.ts';
import { withReadableCalls } from './tool-calls.ts';
import { UsageCollector } from './usage.ts';

type Fields = Record<string, unknown>;

/**
 * What is an answer, whole, streamed, native or of a job: one that says something, or whose end says why it does not.
 * @param sent the chat as it was sent, with its stop sequences.
 * @throws {UpstreamFailure} `empty` for anything else: another key or model may say more.
 */
export function requireAnswer(completion: Json, sent: Json): void {
  const choices = listIn(completion.choices).filter(isJsonObject);
  if (choices.some(({ message }) => isJsonObject(message) && says(message))) return;
  requireReason(
    choices.map((choice) => finishReasonIn(choice) ?? null),
    sent,
  );
}

function requireReason(finishReasons: readonly (string | null)[], { stop }: Json): void {
  const stops = Array.isArray(stop) ? stop.some((one) => textIn(one) !== '') : textIn(stop) !== '';
  if (finishReasons.some((reason) => reason !== null && explainsSilence(reason, stops))) return;
  throw new UpstreamFailure('empty', 'the provider delivered nothing', { status: 200 });
}

interface Choice {
  content: string;
  hasContent: boolean;
  reasoning: string;
  refusal: string;
  readonly toolCalls: Map<number, Fields>;
  /** The older form of a tool's call, of which there was one. */
  functionCall: Fields | undefined;
  parts: unknown[];
  /** Whatever else the message has: annotations, images, audio, fields of the vendor. */
  others: Fields;
  /** Beside the message: logprobs, filter results. */
  beside: Fields;
  finishReason: string | null;
}

/** Collects chunk after chunk; `completion()` is what they make together so far. */
export class CompletionAssembler {
  #head: Fields = {};
  #hasSaid = false;
  readonly #usage = new UsageCollector();
  readonly #choices = new Map<number, Choice>();

  addChunk(chunk: ChatChunk): void {
    if (chunk.repeated) this.#addRepeated(chunk.repeated);
    else this.add(chunk.body);
  }

  /** All else of its chunk was in one before. */
  #addRepeated({ form: { index, field }, text }: RepeatedText): void {
    const state = this.#choiceAt(index);
    if (field === 'content') state.content += text;
    else state.reasoning += text;
    this.#hasSaid = true;
    this.#usage.saidMore();
  }

  /** @param chunk a chat.completion.chunk in readable form. */
  add(chunk: Json): void {
    this.#addHead(chunk);
    let saysMore = false;
    for (const choice of listIn(chunk.choices)) if (isJsonObject(choice) && this.#addChoice(choice)) saysMore = true;
    this.#hasSaid ||= saysMore;
    this.#usage.add(chunk, saysMore);
  }

  /** Something was said: a text, a thought, a refusal, a call of a tool, an image, speech. */
  get hasSaid(): boolean {
    return this.#hasSaid;
  }

  /** @throws {UpstreamFailure} as `requireAnswer`. */
  requireAnswer(sent: Json): void {
    if (!this.#hasSaid)
      requireReason(
        [...this.#choices.values()].map(({ finishReason }) => finishReason),
        sent,
      );
  }

  /** Everything that was delivered as text, for counting. */
  texts(): string[] {
    return [...this.#choices.keys()].flatMap((index) => textsOf(this.#message(index)));
  }

  /** As the provider has counted so far. */
  usage(): ReportedUsage {
    return this.#usage.usage();
  }

  completion(): Json {
    const indexes = [...this.#choices.keys()].sort((a, b) => a - b);
    return {
      ...this.#head,
      id: textIn(this.#head.id),
      object: 'chat.completion',
      created: this.#head.created ?? 0,
      model: textIn(this.#head.model),
      choices: indexes.map((index) => this.#choice(index)),
    };
  }

  /** Fields beside the choices, such as sources of a search: the first id, and what was said last of the others. */
  #addHead(chunk: Json): void {
    for (const name in chunk) {
      if (name === 'choices' || name === 'usage' || name === 'object') continue;
      const value = chunk[name];
      if (value === undefined || value === null || (name === 'id' && textIn(this.#head.id) !== '')) continue;
      this.#head[name] = value;
    }
  }

  /** @returns whether it says something. */
  #addChoice(choice: Json): boolean {
    const state = this.#choiceAt(typeof choice.index === 'number' ? choice.index : 0);
    state.finishReason = finishReasonIn(choice) ?? state.finishReason;
    addBeside(state, choice);
    if (!isJsonObject(choice.delta)) return false;
    addDelta(state, choice.delta);
    return says(choice.delta);
  }

  #choiceAt(index: number): Choice {
    const known = this.#choices.get(index);
    if (known) return known;
    const state = newChoice();
    this.#choices.set(index, state);
    return state;
  }

  #choice(index: number): Json {
    const state = this.#choices.get(index);
    if (!state) return {};
    const message = withReadableCalls(this.#message(index));
    return { ...state.beside, index, message, finish_reason: state.finishReason };
  }

  #message(index: number): Json {
    const state = this.#choices.get(index);
    if (!state) return {};
    const calls = [...state.toolCalls.values()];
    const hasOther = calls.length > 0 || state.functionCall !== undefined || state.others.audio !== undefined;
    return {
      role: 'assistant',
      content: state.content === '' && (hasOther || !state.hasContent) ? null : state.content,
      ...(state.reasoning === '' ? {} : { reasoning_content: state.reasoning }),
      ...(state.refusal === '' ? {} : { refusal: state.refusal }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
      ...(state.functionCall === undefined ? {} : { function_call: state.functionCall }),
      ...(state.parts.length === 0 ? {} : { content_parts: state.parts }),
      ...state.others,
    };
  }
}

function newChoice(): Choice {
  return {
    ...{ content: '', hasContent: false, reasoning: '', refusal: '', finishReason: null },
    ...{ toolCalls: new Map(), functionCall: undefined, parts: [], others: {}, beside: {} },
  };
}

function addBeside(state: Choice, choice: Json): void {
  for (const name in choice) {
    if (name === 'index' || name === 'delta' || name === 'message' || name === 'finish_reason' || name === 'usage')
      continue;
    const value = choice[name];
    if (value !== undefined && value !== null) state.beside[name] = joined(state.beside[name], value);
  }
}

function addDelta(state: Choice, delta: Json): void {
  state.reasoning += reasoningIn(delta);
  for (const name in delta) {
    const value = delta[name];
    if (value === undefined || value === null) continue;
    switch (name) {
      case 'role':
      case 'reasoning_content':
      case 'reasoning':
      case 'thinking':
        break;
      case 'content':
        state.content += textIn(value);
        state.hasContent = true;
        break;
      case 'refusal':
        state.refusal += textIn(value);
        break;
      case 'tool_calls':
        for (const call of listIn(value)) if (isJsonObject(call)) addToolCall(state, call);
        break;
      case 'content_parts':
        state.parts = withParts(state.parts, listIn(value));
        break;
      case 'function_call':
        if (isJsonObject(value)) state.functionCall = withFunction(state.functionCall, value);
        break;
      default:
        state.others[name] = joined(state.others[name], value);
    }
  }
}

function addToolCall(state: Choice, { index, id, function: part, ...others }: Json): void {
  const at = typeof index === 'number' ? index : 0;
  const known = state.toolCalls.get(at) ?? { id: '', type: 'function', function: withFunction(undefined, {}) };
  const isFunction = isJsonObject(part) || others.type === undefined || others.type === 'function';
  state.toolCalls.set(at, {
    ...known,
    ...withoutNulls(others),
    id: textIn(id) || known.id,
    ...(isFunction ? { function: withFunction(known.function, isJsonObject(part) ? part : {}) } : {}),
  });
}

/** Name and arguments come in pieces; whatever else a function has comes whole. */
function withFunction(known: unknown, part: Json): Fields {
  const before = isJsonObject(known) ? known : {};
  return {
    ...before,
    ...withoutNulls(part),
    name: textIn(before.name) + textIn(part.name),
    arguments: textIn(before.arguments) + textIn(part.arguments),
  };
}

function withoutNulls(fields: Json): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}

/** Texts that grow from chunk to chunk, inside audio and logprobs; any other text is said anew. */
const GROWING = new Set(['data', 'transcript', 'text']);

/** Lists grow, objects are put together, and of anything else the last counts. `before` is changed. */
function joined(before: unknown, next: unknown): unknown {
  if (Array.isArray(next)) {
    const list: unknown[] = Array.isArray(before) ? before : [];
    for (const item of next) list.push(item);
    return list;
  }
  if (!isJsonObject(next)) return next;
  const fields: Fields = isJsonObject(before) ? { ...before } : {};
  for (const [name, value] of Object.entries(next)) {
    const old = fields[name];
    if (value === null && old !== undefined) continue;
    const grows = GROWING.has(name) && typeof old === 'string' && typeof value === 'string';
    fields[name] = grows ? old + value : joined(old, value);
  }
  return fields;
}

/** The pieces of a text that follow each other are one part. */
function withParts(parts: unknown[], next: readonly unknown[]): unknown[] {
  for (const part of next) {
    const last = parts.at(-1);
    const isText = isJsonObject(part) && part.type === 'text' && isJsonObject(last) && last.type === 'text';
    if (isText) parts[parts.length - 1] = { ...last, ...part, text: textIn(last.text) + textIn(part.text) };
    else parts.push(part);
  }
  return parts;
}
