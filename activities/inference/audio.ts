/** Speech made of text, charged by its characters, and text made of speech, charged by its seconds; or both by tokens. */
import { durationOf, longestOf } from '../../core/audio/duration.ts';
import type { PricedModel } from '../../core/catalog/model.ts';
import { NO_USAGE, type Usage } from '../../core/ledger/money.ts';
import { EVENTS, type SpeechRequest, type TranscriptionRequest } from '../../core/providers/provider.ts';
import { readUsage } from '../../core/providers/usage.ts';
import type { UsageDoubt } from '../../core/usage/usage-record.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../infra/json-object.ts';
import { estimateTokens } from '../../infra/tokens.ts';
import { type BytesCommand, type BytesReply, chargedBytes, type Received } from './byte-stream.ts';
import type { InferenceDeps, RequestContext } from './charge.ts';
import { isForModel, isPriced, type Plan, unclampablePlan } from './plan.ts';
import { pricedInChat } from './request-policy.ts';
import { allowingPriced, type ModelName, usableModels } from './routing.ts';
import { isFarBeyond, type NoteUsageDoubt, tierAsked } from './usage.ts';

export interface SpeechCommand extends BytesCommand {
  readonly model: ModelName;
  readonly request: SpeechRequest;
}

export interface TranscriptionCommand extends BytesCommand {
  readonly model: ModelName;
  readonly request: TranscriptionRequest;
}

export class AudioService {
  readonly #deps: InferenceDeps;

  constructor(deps: InferenceDeps) {
    this.#deps = deps;
  }

  /** @throws {AppError} what the caller may know. */
  speak(command: SpeechCommand, caller: RequestContext): Promise<BytesReply> {
    const { models, audioAdapters, noteUsageDoubt } = this.#deps;
    const { request } = command;
    const plan = planSpeech(usableModels(models, command, 'text-to-speech'), request);
    const work = {
      output: 'speech',
      call: (candidate, target, context) =>
        audioAdapters[candidate.kind].speak(target, countedFor(candidate, request), context),
      usage: (received, candidate) => speechUsage(request, candidate, noteUsageDoubt, reportedBy(received)),
      readsAll: false,
    } satisfies Parameters<typeof chargedBytes>[3];
    return chargedBytes(this.#deps, command, plan, work, caller);
  }

  /** @throws {AppError} what the caller may know. */
  async transcribe(command: TranscriptionCommand, caller: RequestContext): Promise<BytesReply> {
    const { models, audioAdapters, noteUsageDoubt } = this.#deps;
    const { request } = command;
    const recording = await measured(request.file);
    const plan = planTranscription(usableModels(models, command, 'speech-to-text'), request, recording);
    const work = {
      output: 'transcript',
      call: ({ kind }, target, context) => audioAdapters[kind].transcribe(target, request, context),
      usage: (received, candidate) => transcriptionUsage(received, recording, candidate, noteUsageDoubt),
      readsAll: true,
    } satisfies Parameters<typeof chargedBytes>[3];
    return chargedBytes(this.#deps, command, plan, work, caller);
  }
}

function charactersOf({ input }: Pick<SpeechRequest, 'input'>): number {
  let count = 0;
  for (const _ of input) count += 1;
  return count;
}

/** Of speech that a character makes: OpenAI counts 1,250 a minute, in which some 900 characters are spoken. */
const TOKENS_A_CHARACTER = 1.4;
/** Of a character of Chinese, slowly. */
const MOST_TOKENS_A_CHARACTER = 12;
/** Around the text. */
const TEMPLATE_TOKENS = 16;

export function planSpeech(models: readonly PricedModel[], request: SpeechRequest): Plan {
  const able = allowingPriced(models, pricedInChat(request.extra));
  const characters = charactersOf(request);
  const most = { characters, completionTokens: MOST_TOKENS_A_CHARACTER * characters };
  return unclampablePlan(able, () => promptBound(request), most);
}

function promptBound({ input, extra }: SpeechRequest): number {
  const forModel = Object.values(extra).filter(isForModel);
  const bytes = (text: string) => Buffer.byteLength(text);
  return forModel.reduce<number>((sum, value) => sum + bytes(JSON.stringify(value)), bytes(input) + TEMPLATE_TOKENS);
}

/** Where tokens have a price, the provider's count of them is asked for. */
export function countedFor({ price }: PricedModel, request: SpeechRequest): SpeechRequest {
  return { ...request, counted: isPriced(price, 'input') || isPriced(price, 'output') };
}

function reportedBy({ mediaType, body, reported }: Received): unknown {
  return mediaType === EVENTS ? lastUsage(body) : reported;
}

/**
 * Characters are ours to count; tokens are the provider's or else ours.
 * @param reported the provider's usage, which not every one gives.
 */
export function speechUsage(
  request: SpeechRequest,
  model: PricedModel,
  noteDoubt: NoteUsageDoubt,
  reported?: unknown,
): Usage {
  const characters = charactersOf(request);
  const said = readUsage(reported);
  const isCounted = said?.impossible === null && said.promptTokens + said.completionTokens > 0;
  const base = { ...NO_USAGE, characters, serviceTier: tierAsked(request.extra) };
  if (!countedFor(model, request).counted) return base;
  if (isCounted) {
    const { promptTokens, completionTokens } = said;
    const usage = { ...base, promptTokens, completionTokens };
    const most = { promptTokens: promptBound(request), completionTokens: MOST_TOKENS_A_CHARACTER * characters };
    if (!isFarBeyond(usage, most)) return usage;
    noteDoubt('too-large', model, said);
    return { ...usage, doubt: 'too-large' };
  }
  const { instructions } = request.extra;
  const counts = estimateTokens([request.input, ...(typeof instructions === 'string' ? [instructions] : [])]);
  return {
    ...base,
    promptTokens: counts.reduce((sum, count) => sum + count, 0),
    completionTokens: Math.ceil(characters * TOKENS_A_CHARACTER),
    estimated: true,
    doubt: 'missing',
  };
}

/** A recording as far as we can measure it. */
export interface Recording {
  /** What it is, in seconds; undefined where its head does not say. */
  readonly seconds: number | undefined;
  /** What its bytes can be at most, however they are read, in seconds; undefined where that is not known. */
  readonly longest: number | undefined;
  readonly bytes: number;
}

export async function measured(file: File): Promise<Recording> {
  return measuredBytes(new Uint8Array(await file.arrayBuffer()));
}

export function measuredBytes(bytes: Uint8Array): Recording {
  return { seconds: durationOf(bytes), longest: longestOf(bytes), bytes: bytes.length };
}

/** Of the thinnest speech that is sent (8 kbit/s), and of usual speech (32 kbit/s). */
const LEAST_BYTES_A_SECOND = 1_000;
const USUAL_BYTES_A_SECOND = 4_000;
/** Of audio: OpenAI counts 10. */
const MOST_TOKENS_A_SECOND = 40;
const USUAL_TOKENS_A_SECOND = 10;
/** Of text, with the times of words. */
const MOST_TEXT_TOKENS_A_SECOND = 16;

/** To hold for. */
function heldSeconds({ seconds, bytes }: Recording): number {
  return Math.ceil(seconds ?? bytes / LEAST_BYTES_A_SECOND) + 1;
}

/** That a provider may count: the head is the client's, so it takes nothing from what so many bytes can be. */
function mostSeconds(recording: Recording): number {
  const byBytes = heldSeconds({ ...recording, seconds: recording.longest });
  return recording.longest === undefined ? Math.max(heldSeconds(recording), byBytes) : byBytes;
}

/** Above what a provider may count it may be right: it may count each channel, and some charge 10 seconds at least. */
const BELIEVED_TIMES = 2;
const BELIEVED_SECONDS_MORE = 10;
/** The same of a recording whose length is a guess. */
const BELIEVED_SECONDS_MORE_OF_UNKNOWN = 60;

export function planTranscription(
  models: readonly PricedModel[],
  { fields }: Pick<TranscriptionRequest, 'fields'>,
  recording: Recording,
): Plan {
  const able = allowingPriced(models, pricedInChat(Object.fromEntries(fields)));
  const audioSeconds = heldSeconds(recording);
  const ofFields = fields.reduce((sum, [, value]) => sum + Buffer.byteLength(value), TEMPLATE_TOKENS);
  const most = { audioSeconds, completionTokens: MOST_TEXT_TOKENS_A_SECOND * audioSeconds };
  return unclampablePlan(able, () => ofFields + MOST_TOKENS_A_SECOND * audioSeconds, most);
}

/** The provider's count of seconds or tokens, or ours of what has a price. */
export function transcriptionUsage(
  received: Received,
  recording: Recording,
  model: PricedModel,
  noteDoubt: NoteUsageDoubt,
): Usage {
  const { price } = model;
  const { usage: said, seconds, text } = readIn(received);
  const counted = readUsage(said);
  const tokens = counted?.impossible === null ? counted : undefined;
  const usage = {
    ...NO_USAGE,
    audioSeconds: seconds ?? 0,
    promptTokens: tokens?.promptTokens ?? 0,
    completionTokens: tokens?.completionTokens ?? 0,
  };
  const isTokenPriced = isPriced(price, 'input') || isPriced(price, 'output');
  const doubtOf = (): UsageDoubt | null => {
    if (isPriced(price, 'perSecond') && seconds === undefined) return 'missing';
    if (!isTokenPriced || usage.promptTokens + usage.completionTokens > 0) return null;
    return counted && counted.impossible !== null ? 'impossible' : 'missing';
  };
  const doubt = doubtOf();
  if (doubt !== null) {
    noteDoubt(doubt, model, isJsonObject(said) ? said : {});
    const ours = Math.ceil(seconds ?? recording.seconds ?? recording.bytes / USUAL_BYTES_A_SECOND);
    const timed = { ...usage, audioSeconds: ours, estimated: true, doubt };
    if (!isTokenPriced) return timed;
    return {
      ...timed,
      promptTokens: usage.promptTokens || USUAL_TOKENS_A_SECOND * ours,
      completionTokens: usage.completionTokens || (estimateTokens([text])[0] ?? 0),
    };
  }
  const longest = mostSeconds(recording);
  const more = recording.longest === undefined ? BELIEVED_SECONDS_MORE_OF_UNKNOWN : BELIEVED_SECONDS_MORE;
  const isTooLong = usage.audioSeconds > BELIEVED_TIMES * longest + more;
  const most = { promptTokens: MOST_TOKENS_A_SECOND * longest, completionTokens: MOST_TEXT_TOKENS_A_SECOND * longest };
  if (!isTooLong && !isFarBeyond(usage, most)) return usage;
  noteDoubt('too-large', model, isJsonObject(said) ? said : {});
  return { ...usage, doubt: 'too-large' };
}

interface Told {
  readonly usage: unknown;
  readonly seconds: number | undefined;
  readonly text: string;
}

/** No recording that is taken is longer: a larger count is a mistake of the provider. */
const MOST_SECONDS = 1_000_000;

function readIn({ mediaType, body }: Received): Told {
  const text = body.toString('utf8');
  if (mediaType === EVENTS) {
    const usage = lastUsage(body);
    return { usage, seconds: secondsIn({ usage }), text: saidIn(text) };
  }
  const answer = parseJson(text);
  if (!isJsonObject(answer)) return { usage: undefined, seconds: undefined, text };
  return {
    usage: answer.usage,
    seconds: secondsIn(answer),
    text: typeof answer.text === 'string' ? answer.text : text,
  };
}

function saidIn(events: string): string {
  const deltas = events.split('\n').map((line) => {
    const event = line.startsWith('data:') ? parseJson(line.slice('data:'.length)) : undefined;
    return isJsonObject(event) && typeof event.delta === 'string' ? event.delta : '';
  });
  return deltas.join('');
}

/** OpenAI's `usage.seconds`, or the `duration` of a verbose answer, as number or text; begun ones count. */
function secondsIn({ usage, duration }: JsonObject): number | undefined {
  const said = isJsonObject(usage) ? (usage.seconds ?? duration) : duration;
  const seconds = typeof said === 'string' ? Number(said) : said;
  const isSpan = typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 && seconds <= MOST_SECONDS;
  return isSpan ? Math.ceil(seconds) : undefined;
}

/** Of the last event that has one. */
function lastUsage(body: Buffer): unknown {
  const lines = body.toString('utf8').split('\n');
  for (const line of lines.reverse()) {
    if (!line.startsWith('data:') || !line.includes('"usage"')) continue;
    const event = parseJson(line.slice('data:'.length));
    if (isJsonObject(event) && isJsonObject(event.usage)) return event.usage;
  }
  return undefined;
}
