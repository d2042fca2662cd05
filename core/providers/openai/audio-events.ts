/** Events of speech and of transcripts: OpenAI's own, and vLLM's, which are like chunks of a chat. */
import { isJsonObject, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import { refused, UpstreamFailure } from '../failure.ts';
import { finishReasonIn } from '../finish-reasons.ts';
import { listIn, textIn } from '../message.ts';
import type { ChatChunk } from '../provider.ts';
import type { Call } from './client.ts';
import { isErrorBody, refusalOf } from './errors.ts';
import { END_MARK } from './event-reader.ts';
import { isKeepAlive, type StreamReading } from './stream.ts';

const LAST_EVENTS: ReadonlySet<string | undefined> = new Set(['transcript.text.done', 'speech.audio.done']);

/** Finds errors and cut streams; what is given on are whole events. */
export class AudioEvents implements StreamReading {
  readonly #call: Call;
  /** In a form whose end is known. */
  #hasBegun = false;
  /** A part of the recording has been heard; others may follow. */
  #hasReason = false;
  hasSaid = false;
  hasFinished = false;

  constructor(call: Call) {
    this.#call = call;
  }

  /** @throws {UpstreamFailure} for an error. */
  take(event: string | undefined, data: string): ChatChunk | undefined {
    if (END_MARK.test(data)) {
      this.hasFinished = true;
      return chunkOf(event, data, {});
    }
    const body = parseJson(data);
    if (isKeepAlive(event, body)) return undefined;
    if (event === 'error' || isErrorBody(body)) {
      if (this.hasFinished) return undefined;
      throw refused(refusalOf(200, body, undefined, data), this.#call.classify, this.#call.apiKey);
    }
    if (!isJsonObject(body)) {
      if (this.hasFinished || !data.trimStart().startsWith('{')) return undefined;
      throw new UpstreamFailure('transient', 'the provider sent an event that is no JSON object', { status: 200 });
    }
    const name = textIn(body.type) || event;
    const choices = listIn(body.choices).filter(isJsonObject);
    this.hasFinished ||= LAST_EVENTS.has(name);
    this.#hasReason ||= choices.some((choice) => finishReasonIn(choice) !== undefined);
    this.#hasBegun ||= choices.length > 0 || /^(transcript|speech)\./.test(name ?? '');
    this.hasSaid ||= this.hasFinished || this.#hasReason || says(body, choices);
    return chunkOf(event, data, body);
  }

  end(): undefined {
    if (!this.#hasBegun || this.hasFinished || this.#hasReason) return;
    throw new UpstreamFailure('transient', "the provider's stream was cut off", { status: 200 });
  }
}

function says({ delta, text, audio }: Json, choices: readonly Json[]): boolean {
  const contents = choices.map((choice) => (isJsonObject(choice.delta) ? choice.delta.content : undefined));
  return [delta, text, audio, ...contents].some((said) => textIn(said) !== '');
}

function chunkOf(event: string | undefined, data: string, body: Json): ChatChunk {
  const name = event === undefined ? '' : `event: ${event}\n`;
  return { data: `${name}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`, body };
}
