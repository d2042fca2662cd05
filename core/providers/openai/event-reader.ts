/**
 * The events of a provider's answer as its bytes come: server-sent events, one object a line, or one whole object. The
 * first bytes show the form, because headers and requests do not.
 */
import { isAscii } from 'node:buffer';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { parseJson, withoutMark } from '../../../infra/json-object.ts';
import { UpstreamFailure } from '../failure.ts';

export const END_MARK = /^\s*\[done\]\s*$/i;

/** No event is longer; one may hold an image as base64. */
const LONGEST_EVENT = 32 * 1024 * 1024;

/** Takes text as it comes; what is ready is put into the list. */
interface Reader {
  feed(text: string): void;
  end(): void;
}

/** Events that say something, in order. */
export class EventReader {
  readonly #bytes: AsyncIterator<Uint8Array>;
  readonly #ready: EventSourceMessage[] = [];
  // It does not see every byte, so it cannot know where the stream begins: the mark there is taken off by #feed.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #reader: Reader | undefined;
  #lead = '';
  #reading: Promise<boolean> | undefined;
  #hasEnded = false;
  #lastByte = 0;

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
        else this.#feed(this.#textOf(value));
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

  /**
   * Most events are ASCII, for which the decoder takes several times as long. After a non-ASCII byte the decoder may be
   * in the middle of a character.
   */
  #textOf(bytes: Uint8Array): string {
    const isBetween = this.#lastByte < 0x80;
    this.#lastByte = bytes.at(-1) ?? this.#lastByte;
    if (!isBetween || !isAscii(bytes)) return this.#decoder.decode(bytes, STREAMED);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }

  #feed(text: string): void {
    if (this.#reader) {
      this.#reader.feed(text);
      return;
    }
    this.#lead += text;
    this.#reader = readerOf(this.#lead, this.#ready);
    this.#reader?.feed(withoutMark(this.#lead));
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
