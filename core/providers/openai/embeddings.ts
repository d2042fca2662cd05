/**
 * Embeddings over OpenAI's interface. Many vectors are asked for in base64, because a provider is paid for an answer that is
 * too large to be read, too. Some servers ignore the encoding that was asked for; callers get theirs.
 */
import { isJsonObject, type JsonObject, parseJson, withoutMark } from '../../../infra/json-object.ts';
import type { OutboundAnswer } from '../../../infra/outbound.ts';
import { UpstreamFailure } from '../failure.ts';
import type { EmbeddingAdapter, EmbeddingInput, EmbeddingRequest } from '../provider.ts';
import { readUsage } from '../usage.ts';
import type { ChatDialect } from './chat.ts';
import { type Call, callFailure, type OpenAiClient } from './client.ts';
import { objectIn, readObject } from './whole-answers.ts';

const FLOAT_BYTES = 4;
/** Vectors that may come as text: of 8,192 numbers each, the most that is known, they have 46 MB. */
const MOST_AS_NUMBERS = 256;
/** 2,048 vectors of 8,192 numbers as base64, and what stands around them. */
const MOST_READ_CHARACTERS = 96 * 1024 * 1024;

export function createEmbeddingAdapter(client: OpenAiClient, { base, classify }: ChatDialect): EmbeddingAdapter {
  return {
    embed: async (target, request, { signal }) => {
      const { input, encoding, extra } = request;
      const call: Call = { urlBase: base(target.urlBase), apiKey: target.apiKey, signal, classify };
      // Numbers are what every server gives unasked; some refuse the field.
      const asBase64 = encoding === 'base64' || inputsOf(input).length > MOST_AS_NUMBERS;
      const wished = asBase64 ? { encoding_format: 'base64' } : {};
      const answer = await client.post(call, '/embeddings', { ...extra, model: target.model, input, ...wished });
      const body = asBase64 ? objectIn(await textInBase64(answer, call), answer, call) : await readObject(answer, call);
      return { list: listOf(body, request), usage: readUsage(body.usage, body.service_tier) };
    },
  };
}

const NUMBERS = /"embedding"\s*:\s*(\[[^[\]]*\])/g;

/**
 * The text of an answer in which no vector is written as numbers: those that come so all the same take four times the
 * room. @throws {UpstreamFailure}
 */
async function textInBase64(answer: OutboundAnswer, call: Call): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  // Behind the last list that has ended.
  let open = '';
  const read = (more: string) => {
    const end = more.lastIndexOf(']') + 1;
    if (end > 0) {
      text += (open + more.slice(0, end)).replace(NUMBERS, vectorInBase64);
      open = '';
    }
    open += more.slice(end);
    if (text.length + open.length <= MOST_READ_CHARACTERS) return;
    throw new UpstreamFailure('unusable', "the provider's answer is too large", { status: answer.status });
  };
  try {
    for await (const chunk of answer.stream) read(decoder.decode(chunk, { stream: true }));
  } catch (error) {
    throw callFailure(error, call);
  }
  return withoutMark(text + open + decoder.decode());
}

function vectorInBase64(member: string, list: string): string {
  const vector = parseJson(list);
  return isVector(vector) ? `"embedding":"${base64Of(vector)}"` : member;
}

/** How many vectors are due. */
export function inputsOf(input: EmbeddingInput): readonly (string | readonly number[])[] {
  if (typeof input === 'string') return [input];
  return isTokens(input) ? [input] : input;
}

function isTokens(input: Exclude<EmbeddingInput, string>): input is readonly number[] {
  return typeof input[0] === 'number';
}

/** @throws {UpstreamFailure} where a vector is missing or is none: the caller would store it under a wrong text. */
function listOf(body: JsonObject, { input, encoding }: EmbeddingRequest): JsonObject {
  const given = Array.isArray(body.data) ? body.data.filter(isJsonObject) : [];
  const due = inputsOf(input).length;
  const byIndex = new Map(given.map((one) => [one.index, one]));
  // Indexes that name each text are believed; others (all 0, counted from 1, none) say nothing that the order does not.
  const areIndexes = given.every((_, index) => byIndex.has(index));
  const vectors = areIndexes ? byIndex : new Map(given.map((one, at) => [at, one]));
  const data = Array.from({ length: due }, (_, index) => {
    const one = vectors.get(index);
    const embedding = one && encoded(one.embedding, encoding);
    if (embedding === undefined) {
      const message = `the provider gave ${given.length} vectors for ${due} texts`;
      throw new UpstreamFailure('transient', message, { status: 200 });
    }
    return { ...one, object: 'embedding', index, embedding };
  });
  return { ...body, object: 'list', data };
}

function encoded(embedding: unknown, encoding: EmbeddingRequest['encoding']): string | readonly number[] | undefined {
  if (typeof embedding === 'string') {
    const floats = floatsOf(embedding);
    return encoding === 'base64' && floats ? embedding : floats;
  }
  if (!isVector(embedding)) return undefined;
  return encoding === 'float' ? embedding : base64Of(embedding);
}

function isVector(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one === 'number' && Number.isFinite(Math.fround(one)))
  );
}

function floatsOf(base64: string): readonly number[] | undefined {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0 || bytes.length % FLOAT_BYTES !== 0 || bytes.toString('base64') !== base64) return undefined;
  const count = bytes.length / FLOAT_BYTES;
  const floats = Array.from({ length: count }, (_, index) => bytes.readFloatLE(index * FLOAT_BYTES));
  return floats.every(Number.isFinite) ? floats : undefined;
}

function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES);
  return bytes.toString('base64');
}
