/**
 * Calls of tools in the form that OpenAI's clients read: an id, a type, a name said once, arguments as text, and in a
 * stream an index. A call that is so already stays the same object.
 */
import { randomBytes } from 'node:crypto';
import { isJsonObject, type JsonObject as Json, parseJson } from '../../infra/json-object.ts';
import { textIn } from './message.ts';

/** A message of a whole answer: arguments that are missing are an empty object, which clients can parse. */
export function withReadableCalls(message: Json): Json {
  const { tool_calls: calls } = message;
  if (!Array.isArray(calls)) return message;
  const readable = calls.map((call: unknown) => (isJsonObject(call) ? begunCall(call, '{}') : call));
  return readable.every((call, at) => call === calls[at]) ? message : { ...message, tool_calls: readable };
}

/** A call's arguments as the object that they are, an empty one for none. @returns undefined where they are broken. */
export function argumentsOf(given: unknown): Json | undefined {
  const isNone = given === undefined || given === null || (typeof given === 'string' && given.trim() === '');
  if (isNone) return {};
  const read = typeof given === 'string' ? parseJson(given) : given;
  return isJsonObject(read) ? read : undefined;
}

/** Whether an answer with calls of tools says that it has ended for no reason of its own. */
export function isPlainStop(reason: string): boolean {
  return reason.toLowerCase() === 'stop';
}

/** A whole call, or the first piece of one. */
function begunCall(call: Json, noArguments: '' | '{}'): Json {
  const called = isJsonObject(call.function) ? withArguments(call.function, noArguments) : call.function;
  const isFunction = isJsonObject(called);
  const hasId = textIn(call.id) !== '';
  const hasType = textIn(call.type) !== '' || !isFunction;
  if (hasId && hasType && called === call.function) return call;
  return {
    ...call,
    ...(hasId ? {} : { id: newCallId() }),
    ...(hasType ? {} : { type: 'function' }),
    ...(isFunction ? { function: called } : {}),
  };
}

function withArguments(called: Json, noArguments: '' | '{}'): Json {
  const { arguments: given } = called;
  const isMissing = given === undefined || given === null || given === '';
  if (typeof given === 'string' && (given !== '' || noArguments === '')) return called;
  return { ...called, arguments: isMissing ? noArguments : JSON.stringify(given) };
}

/** OpenAI takes ids of at most 40 characters back. */
function newCallId(): string {
  return `call_${randomBytes(12).toString('hex')}`;
}

interface KnownCall {
  /** The provider's; empty while it has given none. */
  readonly id: string;
  /** Whether the client got an id of ours. */
  readonly hasOwnId: boolean;
  readonly name: string;
  /** As the provider numbers it, if it does. */
  readonly number: number | undefined;
}

/** The calls of one choice of a stream in their order. */
export class StreamedCalls {
  readonly #known: KnownCall[] = [];

  /** A piece of a call, with its index. */
  readable(call: Json): Json {
    const id = textIn(call.id);
    const name = isJsonObject(call.function) ? textIn(call.function.name) : '';
    const number = typeof call.index === 'number' ? call.index : undefined;
    const found = this.#find(id, name !== '', number);
    const index = found === -1 ? this.#known.length : found;
    const before = this.#known[index];
    const isRepeated = before !== undefined && name !== '' && name === before.name;
    this.#known[index] = {
      id: before?.id || id,
      hasOwnId: before?.hasOwnId ?? id === '',
      name: (before?.name ?? '') + (isRepeated ? '' : name),
      number: number ?? before?.number,
    };
    const piece = before === undefined ? begunCall(call, '') : laterPiece(call, before, isRepeated);
    return piece.index === index ? piece : { ...piece, index };
  }

  /** Where a piece belongs: by its number, else its id, else to the call before; a new id or name begins a call. */
  #find(id: string, named: boolean, number: number | undefined): number {
    const known = this.#known;
    // Some vendors number all calls 0.
    const isAnother = (one: KnownCall) => named && one.name !== '' && id !== '' && one.id !== '' && one.id !== id;
    if (number !== undefined) return known.findLastIndex((one) => one.number === number && !isAnother(one));
    if (id !== '') {
      const same = known.findIndex((one) => one.id === id);
      if (same !== -1) return same;
    }
    const begins = named || id !== '';
    return begins ? -1 : known.length - 1;
  }
}

/** Clients add the names of all pieces up, and some of them the ids. */
function laterPiece(call: Json, { hasOwnId }: KnownCall, isNameRepeated: boolean): Json {
  const { id, function: called, ...others } = call;
  const isIdLate = hasOwnId && textIn(id) !== '';
  const hasNull = isJsonObject(called) && called.arguments === null;
  if (!isIdLate && !isNameRepeated && !hasNull) return call;
  return {
    ...others,
    ...(isIdLate || id === undefined ? {} : { id }),
    ...(isJsonObject(called) ? { function: laterFunction(called, isNameRepeated) } : {}),
  };
}

function laterFunction({ name, ...others }: Json, isNameRepeated: boolean): Json {
  return {
    ...(isNameRepeated || name === undefined ? {} : { name }),
    ...others,
    ...(others.arguments === null ? { arguments: '' } : {}),
  };
}
