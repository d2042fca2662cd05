/**
 * A provider's answer as chunks, whatever form it came in: server-sent events, one object a line, or one whole object. It
 * has ended when every choice has a finish reason or the vendor's end mark came; otherwise it was cut. Errors are found in
 * each of the vendors' forms. One look at each chunk.
 */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { isJsonObject, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import { refused, transportFailure, UpstreamFailure } from '../failure.ts';
import { finishReasonIn } from '../message.ts';
import type { ChatChunk } from '../provider.ts';
import type { Call } from './client.ts';
import { isErrorBody, refusalOf } from './errors.ts';
import { type AnswerHead, ReadableChunks } from './readable-chunks.ts';

/** After the last finish reason only the usage and an end mark can come, and they follow at once or never. */
const AFTER_FINISH_MS = 5_000;

export const END_MARK = /^\s*\[done\]\s*$/i;

export interface ExpectedAnswer {
  /** How many were asked for. */
  readonly choices: number;
  /** For what the provider leaves out. */
  readonly head: AnswerHead;
}

/** Reads the events of one form of stream. */
export interface StreamReading {
  /** The answer has come to its end; at most a usage and an end mark follow. */
  readonly hasFinished: boolean;
  /**
   * @returns the chunk of an event, undefined for one that says nothing, or 'end' where nothing follows.
   * @throws {UpstreamFailure} for an error.
   */
  take(event: string | undefined, data: string): ChatChunk | 'end' | undefined;
  /** @returns what is still to be said at the end. @throws {UpstreamFailure} where the stream was cut. */
  end(): ChatChunk | undefined;
}

export function readChunks(
  bytes: AsyncIterable<Uint8Array>,
  call: Call,
  expected: ExpectedAnswer,
  discard: () => void = () => undefined,
): AsyncGenerator<ChatChunk, void> {
  return readStream(bytes, call.signal, new ChatReading(call, expected), discard);
}

class ChatReading implements StreamReading {
  readonly #judge: StreamJudge;
  readonly #readable: ReadableChunks;

  constructor(call: Call, expected: ExpectedAnswer) {
    this.#judge = new StreamJudge(call, expected.choices);
    this.#readable = new ReadableChunks(expected.head);
  }

  get hasFinished(): boolean {
    return this.#judge.hasFinished;
  }

  take(event: string | undefined, data: string): ChatChunk | 'end' | undefined {
    if (END_MARK.test(data)) {
      this.#judge.endMark();
      return 'end';
    }
    const body = this.#judge.look(event, data);
    return body === undefined ? undefined : this.#readable.of(data, body);
  }

  end(): ChatChunk | undefined {
    this.#judge.checkEnd();
    return this.#readable.end();
  }
}

/**
 * What came before a failure stands.
 * @param discard gives the rest of a body up that does not end.
 * @throws {UpstreamFailure}
 */
export async function* readStream(
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  reading: StreamReading,
  discard: () => void,
): AsyncGenerator<ChatChunk, void> {
  const events = new EventReader(bytes);
  let abandoned = true;
  try {
    for (;;) {
      const next = events.take();
      if (next === undefined) {
        const more = events.more();
        if (await (reading.hasFinished ? withinMs(more, AFTER_FINISH_MS) : more)) continue;
        break;
      }
      const chunk = reading.take(next.event, next.data);
      if (chunk === 'end') break;
      if (chunk !== undefined) yield chunk;
    }
    abandoned = false;
  } catch (error) {
    const failure = readFailure(error, signal);
    // What breaks after the answer has taken nothing away.
    if (!reading.hasFinished || failure.failure === 'cancelled') throw failure;
    abandoned = false;
  } finally {
    if (abandoned) await events.leave();
  }
  giveBack(events, discard);
  const end = reading.end();
  if (end !== undefined) yield end;
}

function readFailure(error: unknown, signal: AbortSignal): UpstreamFailure {
  return error instanceof UpstreamFailure ? error : transportFailure(error, signal);
}

/** Reads the rest, so that the connection can be used again; a body that does not end is given up. */
function giveBack(events: EventReader, discard: () => void): void {
  if (events.hasEnded) return;
  const timer = setTimeout(discard, AFTER_FINISH_MS).unref();
  const done = () => clearTimeout(timer);
  events.readToEnd().then(done, done);
}

/** @returns undefined when it takes longer. */
async function withinMs<Value>(pending: Promise<Value>, ms: number): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([pending, late]);
  } finally {
    clearTimeout(timer);
    // It may fail when nobody waits for it any more.
    pending.catch(() => undefined);
  }
}

/** Whether a stream has ended, was cut or has failed. */
class StreamJudge {
  readonly #call: Call;
  readonly #asked: number;
  readonly #seen = new Set<number>();
  readonly #finished = new Set<number>();
  #chunks = 0;
  #marked = false;

  constructor(call: Call, asked: number) {
    this.#call = call;
    this.#asked = asked;
  }

  /**
   * @returns the chunk as JSON, or undefined for what is none and does no harm.
   * @throws {UpstreamFailure} for an error or a broken chunk, unless the answer has come to its end before.
   */
  look(event: string | undefined, data: string): Json | undefined {
    const body = parseJson(data);
    if (isKeepAlive(event, body)) return undefined;
    if (event === 'error' || isErrorBody(body)) {
      if (this.hasFinished) return undefined;
      throw refused(refusalOf(200, body, undefined, data), this.#call.classify, this.#call.apiKey);
    }
    if (!isJsonObject(body)) {
      if (this.hasFinished || !isCutObject(body, data)) return undefined;
      throw new UpstreamFailure('transient', 'the provider sent a chunk that is no JSON object', { status: 200 });
    }
    this.#chunks += 1;
    const { choices } = body;
    if (Array.isArray(choices)) for (let at = 0; at < choices.length; at += 1) this.#lookAt(choices[at], at);
    return body;
  }

  #lookAt(choice: unknown, at: number): void {
    if (!isJsonObject(choice)) return;
    const index = typeof choice.index === 'number' ? choice.index : at;
    this.#seen.add(index);
    // A whole message says all that there is.
    const isWhole = choice.delta === undefined && isJsonObject(choice.message);
    if (isWhole || finishReasonIn(choice) !== undefined) this.#finished.add(index);
  }

  endMark(): void {
    this.#marked = true;
  }

  get hasFinished(): boolean {
    const { size } = this.#finished;
    return size >= this.#asked && size >= this.#seen.size;
  }

  checkEnd(): void {
    if (this.#chunks === 0) throw new UpstreamFailure('transient', "the provider's stream is empty", { status: 200 });
    if (!this.#marked && !this.hasFinished) {
      throw new UpstreamFailure('transient', "the provider's stream was cut off", { status: 200 });
    }
    checkChoices(this.#seen.size, this.#asked);
  }
}

const KEEP_ALIVE_EVENT = /^(ping|comment|heartbeat|keep[-_]?alive)$/i;

/** `event: ping` with any data, `{"type":"ping"}`, `{}`. */
export function isKeepAlive(event: string | undefined, body: unknown): boolean {
  if (isJsonObject(body) && body.choices !== undefined) return false;
  if (event !== undefined && KEEP_ALIVE_EVENT.test(event)) return true;
  return event !== 'error' && isJsonObject(body) && (body.type === 'ping' || Object.keys(body).length === 0);
}

function isCutObject(body: unknown, data: string): boolean {
  return body === undefined && data.trimStart().startsWith('{');
}

/** @throws {UpstreamFailure} for an answer with fewer choices than were asked for; none at all is another matter. */
export function checkChoices(given: number, asked: number): void {
  if (given === 0 || given >= asked) return;
  throw new UpstreamFailure('unusable', `the provider gave ${given} of the ${asked} choices asked for`, {
    status: 200,
  });
}

/** No event is longer; one may hold an image as base64. */
const LONGEST_EVENT = 32 * 1024 * 1024;

/** Takes text as it comes; what is ready is put into the list. */
interface Reader {
  feed(text: string): void;
  end(): void;
}

/** Events that say something, in order. The first bytes show the form, because headers and requests do not. */
class EventReader {
  readonly #bytes: AsyncIterator<Uint8Array>;
  readonly #ready: EventSourceMessage[] = [];
  // It leaves a byte order mark out.
  readonly #decoder = new TextDecoder();
  #reader: Reader | undefined;
  #lead = '';
  #reading: Promise<boolean> | undefined;
  #hasEnded = false;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes[Symbol.asyncIterator]();
  }

  /** The next event that has come. */
  take(): EventSourceMessage | undefined {
    return this.#ready.shift();
  }

  /** Reads until there is an event. @returns false when none follows. A read that is under way is waited for. */
  more(): Promise<boolean> {
    if (this.#ready.length > 0 || this.#hasEnded) return Promise.resolve(this.#ready.length > 0);
    this.#reading ??= this.#read();
    return this.#reading;
  }

  async #read(): Promise<boolean> {
    try {
      do {
        const { done, value } = await this.#bytes.next();
        if (done) this.#end();
        else this.#feed(this.#decoder.decode(value, STREAMED));
      } while (this.#ready.length === 0 && !this.#hasEnded);
      return this.#ready.length > 0;
    } catch (error) {
      this.#hasEnded = true;
      await this.leave();
      throw error;
    } finally {
      this.#reading = undefined;
    }
  }

  #feed(text: string): void {
    if (this.#reader) {
      this.#reader.feed(text);
      return;
    }
    this.#lead += text;
    this.#reader = readerOf(this.#lead, this.#ready);
    this.#reader?.feed(this.#lead);
  }

  #end(): void {
    this.#hasEnded = true;
    this.#reader?.feed(this.#decoder.decode());
    this.#reader?.end();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Nobody reads on. */
  async leave(): Promise<void> {
    await this.#bytes.return?.();
  }

  async readToEnd(): Promise<void> {
    while (await this.more()) this.#ready.length = 0;
  }
}

const STREAMED = { stream: true };

/** @returns undefined while there is nothing but white space. @throws {UpstreamFailure} for a page. */
function readerOf(lead: string, ready: EventSourceMessage[]): Reader | undefined {
  const [first] = lead.trimStart();
  if (first === undefined) return undefined;
  if (first === '<') throw pageInstead();
  return first === '{' || first === '[' ? objectReader(ready) : eventReader(ready);
}

export function pageInstead(): UpstreamFailure {
  const message = 'the provider answered with a page and not with JSON or events: its base URL may be wrong';
  return new UpstreamFailure('unusable', message, { status: 200 });
}

/**
 * A last event without its blank line counts when it is whole: some proxies drop the line, while a cut stream ends in
 * half an object.
 */
function eventReader(ready: EventSourceMessage[]): Reader {
  const state: { problem?: Error } = {};
  const parser = createParser({
    onEvent: (event) => {
      if (event.data !== '') for (const one of eventsIn(event)) ready.push(one);
    },
    onError: (error) => {
      // Unknown fields are no concern of ours.
      if (error.type === 'max-buffer-size-exceeded') state.problem = error;
    },
    maxBufferSize: LONGEST_EVENT,
  });
  const feed = (text: string) => {
    parser.feed(text);
    if (state.problem) throw state.problem;
  };
  return {
    feed,
    end: () => {
      const before = ready.length;
      feed('\n\n');
      const last = ready.splice(before);
      ready.push(...last.filter(({ data }) => END_MARK.test(data) || parseJson(data) !== undefined));
    },
  };
}

/** Some servers leave out the blank lines between events: then each line is one. */
function eventsIn(event: EventSourceMessage): EventSourceMessage[] {
  const { data } = event;
  if (!data.includes('\n') || event.event === 'error' || parseJson(data) !== undefined) return [event];
  const lines = data.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => ({ ...event, data: line }));
}

/** One object a line; or one whole object over several lines, which is ready at its end. */
function objectReader(ready: EventSourceMessage[]): Reader {
  let text = '';
  let overLines = false;
  const event = (data: string): EventSourceMessage => ({ data, event: undefined, id: undefined });
  return {
    feed: (more) => {
      text += more;
      if (text.length > LONGEST_EVENT) throw new Error('an object is too long');
      for (let end = text.indexOf('\n'); end !== -1 && !overLines; end = text.indexOf('\n')) {
        const line = text.slice(0, end).trim();
        overLines = line !== '' && !END_MARK.test(line) && parseJson(line) === undefined;
        if (overLines) break;
        if (line !== '') ready.push(event(line));
        text = text.slice(end + 1);
      }
    },
    end: () => {
      if (END_MARK.test(text) || parseJson(text) !== undefined) ready.push(event(text.trim()));
    },
  };
}
