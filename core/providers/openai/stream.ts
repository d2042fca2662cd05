/**
 * A provider's answer as chunks, whatever form it came in (event-reader.ts). It has ended when every choice has a finish
 * reason or the vendor's end mark came; otherwise it was cut. Errors are found in each of the vendors' forms. One look at
 * each chunk.
 */
import { isJsonObject, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import { refused, transportFailure, UpstreamFailure } from '../failure.ts';
import { finishReasonIn } from '../finish-reasons.ts';
import type { ChatChunk } from '../provider.ts';
import type { Call } from './client.ts';
import { isErrorBody, refusalOf } from './errors.ts';
import { END_MARK, EventReader } from './event-reader.ts';
import { type AnswerHead, ReadableChunks } from './readable-chunks.ts';
import { RepeatedForms } from './repeated-forms.ts';

/** After the last finish reason only the usage and an end mark can come, and they follow at once or never. */
const AFTER_FINISH_MS = 5_000;

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
): AsyncIterableIterator<ChatChunk, void> {
  return readStream(bytes, call.signal, new ChatReading(call, expected), discard);
}

class ChatReading implements StreamReading {
  readonly #judge: StreamJudge;
  readonly #readable: ReadableChunks;
  readonly #repeated = new RepeatedForms();

  constructor(call: Call, expected: ExpectedAnswer) {
    this.#judge = new StreamJudge(call, expected.choices);
    this.#readable = new ReadableChunks(expected.head);
  }

  get hasFinished(): boolean {
    return this.#judge.hasFinished;
  }

  take(event: string | undefined, data: string): ChatChunk | 'end' | undefined {
    // It tells judge and reader nothing that is new.
    const isPlain = event === undefined || event === 'message';
    const repeated = isPlain ? this.#repeated.read(data) : undefined;
    if (repeated) return repeated;
    if (END_MARK.test(data)) {
      this.#judge.endMark();
      return 'end';
    }
    const body = this.#judge.look(event, data);
    if (body === undefined) return undefined;
    const chunk = this.#readable.of(data, body);
    this.#repeated.learn(data, body, chunk);
    return chunk;
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
export function readStream(
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  reading: StreamReading,
  discard: () => void,
): AsyncIterableIterator<ChatChunk, void> {
  return new StreamChunks(new EventReader(bytes), signal, reading, discard);
}

const END: IteratorReturnResult<void> = { done: true, value: undefined };

/** By hand: a generator took three more turns of the microtask queue a chunk. There is one reader. */
class StreamChunks implements AsyncIterableIterator<ChatChunk, void> {
  readonly #events: EventReader;
  readonly #signal: AbortSignal;
  readonly #reading: StreamReading;
  readonly #discard: () => void;
  #hasEnded = false;

  constructor(events: EventReader, signal: AbortSignal, reading: StreamReading, discard: () => void) {
    this.#events = events;
    this.#signal = signal;
    this.#reading = reading;
    this.#discard = discard;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ChatChunk, void>> {
    if (this.#hasEnded) return END;
    try {
      for (;;) {
        const chunk = this.#take();
        if (chunk === 'end') break;
        if (chunk !== undefined) return { done: false, value: chunk };
        const more = this.#events.more();
        if (!(await (this.#reading.hasFinished ? withinMs(more, AFTER_FINISH_MS) : more))) break;
      }
    } catch (error) {
      this.#hasEnded = true;
      const failure = readFailure(error, this.#signal);
      // What breaks after the answer has taken nothing away.
      if (!this.#reading.hasFinished || failure.failure === 'cancelled') {
        await this.#events.leave();
        throw failure;
      }
    }
    this.#hasEnded = true;
    giveBack(this.#events, this.#discard);
    const end = this.#reading.end();
    return end === undefined ? END : { done: false, value: end };
  }

  /** The next chunk that has come. @returns undefined when more has to be read. @throws {UpstreamFailure} */
  #take(): ChatChunk | 'end' | undefined {
    for (let event = this.#events.take(); event !== undefined; event = this.#events.take()) {
      const chunk = this.#reading.take(event.event, event.data);
      if (chunk !== undefined) return chunk;
    }
    return undefined;
  }

  /** Nobody reads on. */
  async return(): Promise<IteratorReturnResult<void>> {
    if (!this.#hasEnded) {
      this.#hasEnded = true;
      await this.#events.leave();
    }
    return END;
  }
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
