/** Speech made of text and text made of speech, over OpenAI's interface: bytes are given on as they come. */
import type { OutboundAnswer } from '../../../infra/outbound.ts';
import { type Classify, headerIn, UpstreamFailure } from '../failure.ts';
import type { AudioAdapter, ByteAnswer, TranscriptionRequest } from '../provider.ts';
import { type Call, callFailure, type OpenAiClient } from './client.ts';
import { isErrorBody } from './errors.ts';
import { pageInstead } from './stream.ts';
import { readObject } from './whole-answers.ts';

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
    speak: async (target, { input, extra }, { signal }) => {
      const call = callOf(target, signal);
      const answer = await client.post(call, '/audio/speech', { ...extra, model: target.model, input });
      const speech = bytesOf(answer, call);
      if (speech.mediaType === JSON_TYPE) throw await noSpeech(answer, call);
      return speech;
    },
    transcribe: async (target, request, { signal }) => {
      const call = callOf(target, signal);
      return bytesOf(await client.post(call, '/audio/transcriptions', formOf(target.model, request)), call);
    },
  };
}

const JSON_TYPE = 'application/json';

/** @throws {UpstreamFailure} for a page in place of an answer. */
function bytesOf(answer: OutboundAnswer, call: Call): ByteAnswer {
  const mediaType = headerIn(answer.headers, 'content-type') ?? 'application/octet-stream';
  if (/^text\/html/i.test(mediaType)) throw pageInstead();
  return { mediaType: mediaType.split(';')[0]?.trim().toLowerCase() ?? '', bytes: read(answer.stream, call) };
}

async function* read(body: AsyncIterable<Uint8Array>, call: Call): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (error) {
    throw callFailure(error, call);
  }
}

/** JSON in place of speech is an error under a good status. */
async function noSpeech(answer: OutboundAnswer, call: Call): Promise<UpstreamFailure> {
  const body = await readObject(answer, call);
  const what = isErrorBody(body) ? '' : ', but JSON';
  return new UpstreamFailure('transient', `the provider gave no speech${what}`, { status: answer.status });
}

function formOf(model: string, { file, fields }: TranscriptionRequest): FormData {
  const form = new FormData();
  form.append('model', model);
  for (const [name, value] of fields) form.append(name, value);
  form.append('file', file, file.name);
  return form;
}
