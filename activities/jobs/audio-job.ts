/**
 * Speech and transcripts as jobs: one provider call, by the same adapters, plans and counts as the synchronous routes. A
 * cancel never cuts a call that was made, because its provider is paid for it: what it answers is kept and charged.
 */
import { z } from 'zod';
import { moneyJson } from '../../core/ledger/money.ts';
import type { ByteAnswer, CallContext } from '../../core/providers/provider.ts';
import { isJsonObject, type JsonObject as Json, parseJson } from '../../infra/json-object.ts';
import { countedFor, measured, speechUsage, transcriptionUsage } from '../inference/audio.ts';
import type { Received } from '../inference/byte-stream.ts';
import { type InferenceDeps, targetOf } from '../inference/charge.ts';
import { NOTHING_MEASURED } from '../inference/settlement.ts';
import { type JobFiles, recordingSchema } from './job-files.ts';
import type { JobCalls, JobHandler, RunContext } from './job-handler.ts';
import { MAX_RESULT_BYTES, resultText } from './result-bound.ts';
import type { JobWork } from './store.ts';

/** The request as POST /v1/async/speech has checked and stored it. */
const storedSpeech = z.object({ input: z.string(), extra: z.record(z.string(), z.unknown()) });
/** The same of POST /v1/async/transcriptions. */
const storedTranscription = z.object({
  recording: recordingSchema,
  fields: z.array(z.tuple([z.string(), z.string()])),
});

export function createSpeechJobHandler(deps: InferenceDeps, files: JobFiles): JobHandler {
  return async (work, charge, context) => {
    const { input, extra } = storedSpeech.parse(await work.request());
    const request = { input, extra };
    let reported: ByteAnswer['reported'];
    const { mediaType, file } = await charge.attempts(
      await charge.candidates(),
      { output: 'speech' },
      async (candidate, apiKey) => {
        const adapter = deps.audioAdapters[candidate.kind];
        return await files.keepSpeech(work, request, async () => {
          const asked = countedFor(candidate, request);
          const sound = await adapter.speak(targetOf(candidate, apiKey), asked, lasting(context));
          ({ reported } = sound);
          context.heartbeat(`receiving speech from ${candidate.modelIdentifier}`);
          return sound;
        });
      },
    );
    const { candidate: served } = lastCallOf(charge);
    const usage = speechUsage(request, served, deps.noteUsageDoubt, reported?.());
    const { id: fileId, bytes } = file;
    const said = { fileId, contentUrl: files.addressOf(fileId), mediaType, bytes, characters: usage.characters };
    return {
      ...{ usage, measured: NOTHING_MEASURED, cut: context.isCancelled() },
      result: (cost, priceRule) => resultText(replyOf(said, work, served.modelIdentifier, cost, priceRule)),
    };
  };
}

export function createTranscriptJobHandler(deps: InferenceDeps, files: JobFiles): JobHandler {
  return async (work, charge, context) => {
    const { recording, fields } = storedTranscription.parse(await work.request());
    const { received, heard } = await files.withRecording(work, recording, async (file) => {
      const request = { file, fields };
      const received = await charge.attempts(
        await charge.candidates(),
        { output: 'transcript' },
        async (candidate, apiKey) => {
          const adapter = deps.audioAdapters[candidate.kind];
          return await whole(await adapter.transcribe(targetOf(candidate, apiKey), request, lasting(context)));
        },
      );
      return { received, heard: await measured(file) };
    });
    const { candidate: served } = lastCallOf(charge);
    const usage = transcriptionUsage(received, heard, served, deps.noteUsageDoubt);
    const said = transcriptIn(received);
    return {
      ...{ usage, measured: NOTHING_MEASURED, cut: context.isCancelled() },
      result: (cost, priceRule) => {
        const reply = (fields: Json) => resultText(replyOf(fields, work, served.modelIdentifier, cost, priceRule));
        const all = reply(said);
        // The times of words may be too many for the row; the text stays.
        if (Buffer.byteLength(all) <= MAX_RESULT_BYTES) return all;
        return reply({ text: said.text, usage: said.usage, truncated: true });
      },
    };
  };
}

function lasting(context: RunContext): CallContext {
  return { ...context, signal: context.stopped };
}

function lastCallOf({ lastCall }: JobCalls) {
  if (lastCall === undefined) throw new Error('audio was answered by nobody');
  return lastCall;
}

async function whole({ mediaType, bytes }: ByteAnswer): Promise<Received> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return { mediaType, body: Buffer.concat(pieces) };
}

/** OpenAI's object; of subtitles and the like the text as it came. */
function transcriptIn({ body }: Received): Json {
  const text = body.toString('utf8');
  const answer = parseJson(text);
  return isJsonObject(answer) ? answer : { text };
}

function replyOf(
  said: Json,
  { id }: JobWork,
  usedModelIdentifier: string,
  cost: bigint,
  priceRule: string | null,
): Json {
  const rule = priceRule === null ? {} : { priceRule };
  return { ...said, usedModelIdentifier, cost: moneyJson(cost), ...rule, requestId: id };
}
