/**
 * Speech made of text and text made of speech, over OpenAI's interface. Sound and events are given on as they come, a whole
 * transcript when it has been read; an error in place of any of them is a failure, whatever its status says.
 */
import { isJsonObject, parseJson, withoutMark } from '../../../infra/json-object.ts';
import type { OutboundAnswer } from '../../../infra/outbound.ts';
import { type Classify, headerIn, refused, UpstreamFailure } from '../failure.ts';
import { type AudioAdapter, type ByteAnswer, EVENTS, type TranscriptionRequest } from '../provider.ts';
import { AudioEvents } from './audio-events.ts';
import { type Call, callFailure, type OpenAiClient } from './client.ts';
import { isErrorBody, refusalOf } from './errors.ts';
import { pageInstead } from './event-reader.ts';
import { readStream } from './stream.ts';

export interface AudioDialect {
  /** The base that has /audio/speech, from the provider's base. */
  readonly base: (urlBase: string) => string;
  readonly classify: Classify;
}

export function createAudioAdapter(client: OpenAiClient, { base, classify }: AudioDialect): AudioAdapter {
  const callOf = (target: { urlBase: string; apiKey: string }, signal: AbortSignal): Call => ({
    ...{ urlBase: base(target.urlBase), apiKey: target.apiKey, signal, classify },
  });
  return {
    speak: async (target, { input, extra, counted = false }, { signal }) => {
      const call = callOf(target, signal);
      const post = (fields: object) =>
        client.post(call, '/audio/speech', { ...extra, model: target.model, input, ...fields });
      const forUsage = counted && extra.stream_format !== 'sse';
      const answer = await (forUsage ? post(AS_EVENTS).catch(withoutEvents(post)) : post({}));
      const mediaType = mediaTypeOf(answer);
      if (mediaType === EVENTS && forUsage) return soundIn(answer, call, extra.response_format);
      if (mediaType === EVENTS && extra.stream_format === 'sse') return { mediaType, bytes: eventsOf(answer, call) };
      if (SOUND.test(mediaType)) return { mediaType, bytes: soundOf(answer, call) };
      const text = textOf(await readWhole(answer, call));
      throw errorIn(text, answer, call) ?? noAnswer('no speech, but text', answer);
    },
    transcribe: async (target, request, { signal }) => {
      const call = callOf(target, signal);
      const answer = await client.post(call, '/audio/transcriptions', formOf(target.model, request));
      const mediaType = mediaTypeOf(answer);
      const isStreamed = fieldIn(request, 'stream') === 'true';
      if (isStreamed && mediaType === EVENTS) return { mediaType, bytes: eventsOf(answer, call) };
      const bytes = await readWhole(answer, call);
      const text = textOf(bytes);
      const error = errorIn(text, answer, call);
      if (error) throw error;
      if (isStreamed && EVENT_LINES.test(text)) {
        return { mediaType: EVENTS, bytes: eventsOf({ ...answer, stream: inOnePiece(bytes) }, call) };
      }
      const isJson = mediaType === 'application/json' || !TEXT_FORMATS.has(fieldIn(request, 'response_format') ?? '');
      if (!isTranscript(text, isJson)) throw noAnswer('no transcript', answer);
      return { mediaType, bytes: inOnePiece(bytes) };
    },
  };
}

const AS_EVENTS = { stream_format: 'sse' };

/** Not every server takes the field; what is refused costs nothing. */
function withoutEvents(post: (fields: object) => Promise<OutboundAnswer>) {
  return (error: unknown): Promise<OutboundAnswer> => {
    if (error instanceof UpstreamFailure && error.failure === 'bad-request') return post({});
    throw error;
  };
}

const SOUND_TYPES: Readonly<Record<string, string>> = {
  ...{ mp3: 'audio/mpeg', opus: 'audio/ogg', aac: 'audio/aac', flac: 'audio/flac', wav: 'audio/wav', pcm: 'audio/pcm' },
};

/** The sound of events that were asked for only because they have the usage. */
function soundIn({ stream, discard }: OutboundAnswer, call: Call, format: unknown): ByteAnswer {
  let usage: unknown;
  const sound = async function* (): AsyncGenerator<Uint8Array, void> {
    let hasSound = false;
    for await (const { body } of readStream(stream, call.signal, new AudioEvents(call), discard)) {
      if (isJsonObject(body.usage)) usage = body.usage;
      const bytes = typeof body.audio === 'string' ? Buffer.from(body.audio, 'base64') : undefined;
      if (!bytes?.length) continue;
      hasSound = true;
      yield bytes;
    }
    if (!hasSound) throw new UpstreamFailure('empty', 'the provider gave nothing', { status: 200 });
  };
  const mediaType = SOUND_TYPES[String(format ?? 'mp3')] ?? 'application/octet-stream';
  return { mediaType, bytes: sound(), reported: () => usage };
}

const EVENT_LINES = /^\s*(data|event|id|retry)?:/;
const SOUND = /^(audio\/|application\/octet-stream$)/;
const TEXT_FORMATS: ReadonlySet<string> = new Set(['text', 'srt', 'vtt']);
/** Of a transcript, which waits in memory for its end: that of days. */
const MOST_WHOLE_BYTES = 32 * 1024 * 1024;

function mediaTypeOf({ headers }: OutboundAnswer): string {
  const [type = ''] = (headerIn(headers, 'content-type') ?? '').split(';');
  return type.trim().toLowerCase() || 'application/octet-stream';
}

/** An error under a good status, or a page. */
function errorIn(text: string, { status, headers }: OutboundAnswer, call: Call): UpstreamFailure | undefined {
  const body = parseJson(text);
  if (isErrorBody(body)) return refused(refusalOf(status, body, headers), call.classify, call.apiKey);
  return /^\s*<(!doctype|html)\b/i.test(text) ? pageInstead() : undefined;
}

function noAnswer(what: string, { status }: OutboundAnswer): UpstreamFailure {
  return new UpstreamFailure('transient', `the provider gave ${what}`, { status });
}

/** An object is none without its text, and where one was asked for nothing else is. */
function isTranscript(text: string, isJson: boolean): boolean {
  const body = parseJson(text);
  return isJsonObject(body) ? typeof body.text === 'string' : !isJson;
}

/** Nothing says of some errors that they are no sound, but their own first bytes. */
async function* soundOf(answer: OutboundAnswer, call: Call): AsyncGenerator<Uint8Array, void> {
  let isFirst = true;
  for await (const chunk of read(answer.stream, call)) {
    const error = isFirst ? errorIn(textOf(chunk), answer, call) : undefined;
    if (error) throw error;
    isFirst = false;
    yield chunk;
  }
}

/** From the first event on that says something. @throws {UpstreamFailure} */
async function* eventsOf({ stream, discard }: OutboundAnswer, call: Call): AsyncGenerator<Uint8Array, void> {
  const reading = new AudioEvents(call);
  let lead = '';
  for await (const { data } of readStream(stream, call.signal, reading, discard)) {
    lead += data;
    if (!reading.hasSaid) continue;
    yield Buffer.from(lead);
    lead = '';
  }
  if (!reading.hasSaid) throw new UpstreamFailure('empty', 'the provider gave nothing', { status: 200 });
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (bytes.length > 0) yield bytes;
}

/** @throws {UpstreamFailure} */
async function readWhole(answer: OutboundAnswer, call: Call): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of read(answer.stream, call)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size <= MOST_WHOLE_BYTES) continue;
    throw new UpstreamFailure('unusable', "the provider's answer is too large", { status: answer.status });
  }
  return Buffer.concat(chunks);
}

async function* read(body: AsyncIterable<Uint8Array>, call: Call): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (error) {
    throw callFailure(error, call);
  }
}

function textOf(bytes: Uint8Array): string {
  return withoutMark(new TextDecoder().decode(bytes));
}

function fieldIn({ fields }: TranscriptionRequest, wanted: string): string | undefined {
  return fields.findLast(([name]) => name === wanted)?.[1];
}

function formOf(model: string, { file, fields }: TranscriptionRequest): FormData {
  const form = new FormData();
  form.append('model', model);
  for (const [name, value] of fields) form.append(name, value);
  form.append('file', file, file.name);
  return form;
}
