/** POST …/audio/speech and …/audio/transcriptions: tones for characters, and words for the seconds of a recording. */
import { z } from 'zod';
import { countTokens } from '../../infra/tokens.ts';
import { type Call, CallEnded, waitMs } from '../call.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import { replyJson } from '../reply.ts';

const SPEECH_MODEL = /speech|tts/i;
const HEARING_MODEL = /transcribe|whisper|asr/i;
const TOKEN_MODEL = /^gpt-/;
const MOST_CHARACTERS = 4_096;
const SAMPLE_RATE = 8_000;
/** A sixteenth of a second of silence for each character. */
const BYTES_A_CHARACTER = SAMPLE_RATE / 16;
const CHUNK_BYTES = 4_096;
const WAV_HEAD_BYTES = 44;
const NO_COUNT = { promptTokens: 0, completionTokens: 0, reasoningTokens: 0, cachedTokens: 0, images: 0 };

const speechSchema = z.object({
  input: z.string().min(1),
  voice: z.union([z.string(), z.object({})]),
  response_format: z.enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm']).default('mp3'),
  stream_format: z.enum(['audio', 'sse']).default('audio'),
});
const TYPES = {
  mp3: 'audio/mpeg',
  opus: 'audio/ogg',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};

export async function answerSpeech(call: Call): Promise<void> {
  const { vendor, model, faults } = call;
  if (!SPEECH_MODEL.test(model)) throw vendor.error('model_not_found', `The model '${model}' does not speak`, 'model');
  const { data: request, error } = speechSchema.safeParse(call.body);
  if (!request) {
    const field = String(error.issues[0]?.path[0] ?? 'input');
    throw vendor.error('bad_request', `'$.${field}' is invalid. Please check the API reference.`, field);
  }
  const characters = [...request.input].length;
  if (characters > MOST_CHARACTERS) {
    throw vendor.error(
      'bad_request',
      `[{'type': 'string_too_long', 'ctx': {'max_length': ${MOST_CHARACTERS}}}]`,
      'input',
    );
  }
  if (faults.has('empty')) {
    replyJson(call, {});
    return;
  }
  const promptTokens = countTokens(request.input);
  const completionTokens = 2 * characters;
  const byTokens = TOKEN_MODEL.test(model);
  const counted = byTokens ? { ...NO_COUNT, promptTokens, completionTokens } : { ...NO_COUNT, characters };
  const sound = wavOf(characters);
  const asEvents = request.stream_format === 'sse';
  const usage = {
    input_tokens: promptTokens,
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  const reported = reportedUsage(usage, counted, faults);
  const chunks = [...chunksOf(sound)];
  const parts = asEvents
    ? [
        ...chunks.map((chunk) => eventOf({ type: 'speech.audio.delta', audio: chunk.toString('base64') })),
        eventOf({ type: 'speech.audio.done', ...(reported ? { usage: reported } : {}) }),
      ]
    : chunks;
  await replyParts(call, asEvents ? 'text/event-stream' : TYPES[request.response_format], parts, counted);
}

const hearingSchema = z.object({
  file: z.instanceof(Blob),
  response_format: z.enum(['json', 'text', 'srt', 'verbose_json', 'vtt']).default('json'),
  stream: z.enum(['true', 'false']).default('false'),
});

export async function answerTranscription(call: Call): Promise<void> {
  const { vendor, model, faults } = call;
  if (!HEARING_MODEL.test(model)) throw vendor.error('model_not_found', `The model '${model}' does not hear`, 'model');
  const { data: request, error } = hearingSchema.safeParse(call.body);
  if (!request) {
    const field = String(error.issues[0]?.path[0] ?? 'file');
    throw vendor.error('bad_request', `'${field}' is missing or invalid`, field);
  }
  const bytes = Buffer.from(await request.file.arrayBuffer());
  const seconds = secondsOf(bytes);
  if (seconds === undefined) throw vendor.error('bad_request', 'Audio file might be corrupted or unsupported', 'file');
  const text = faults.has('empty') ? '' : textOf(seconds);
  const byTokens = TOKEN_MODEL.test(model);
  const completionTokens = countTokens(text);
  const promptTokens = 10 * Math.ceil(seconds);
  const counted = byTokens
    ? { ...NO_COUNT, promptTokens, completionTokens }
    : { ...NO_COUNT, audioSeconds: Math.ceil(seconds) };
  const written = byTokens
    ? {
        type: 'tokens',
        input_tokens: promptTokens,
        output_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
      }
    : { type: 'duration', seconds: Math.ceil(seconds) };
  const reported = reportedUsage(written, counted, faults);
  const usage = reported ? { usage: reported } : {};
  const { response_format: format, stream } = request;
  if (stream === 'true' && byTokens) {
    const deltas = text.split(/(?<= )/).map((delta) => eventOf({ type: 'transcript.text.delta', delta }));
    const done = eventOf({ type: 'transcript.text.done', text, ...usage });
    await replyParts(call, 'text/event-stream', [...deltas, done], counted);
    return;
  }
  const end = new Date(seconds * 1_000).toISOString().slice(11, 23);
  const plain = {
    text,
    srt: `1\n00:00:00,000 --> ${end.replace('.', ',')}\n${text}\n`,
    vtt: `WEBVTT\n\n00:00:00.000 --> ${end}\n${text}\n`,
  };
  if (format === 'text' || format === 'srt' || format === 'vtt') {
    await replyParts(
      call,
      format === 'vtt' ? 'text/vtt' : 'text/plain; charset=utf-8',
      [Buffer.from(plain[format])],
      counted,
    );
    return;
  }
  const verbose = {
    task: 'transcribe',
    language: 'english',
    duration: seconds,
    segments: [{ id: 0, start: 0, end: seconds, text }],
  };
  replyJson(
    call,
    { ...(format === 'verbose_json' ? verbose : {}), text, ...usage },
    { usage: counted, tokens: 0, images: 0 },
  );
}

/** Part after part, as fast as the client takes them; cut in half by the fault `cut`. */
async function replyParts(
  call: Call,
  mediaType: string,
  parts: readonly Buffer[],
  usage: NonNullable<Call['record']['usage']>,
): Promise<void> {
  const { record, response, faults } = call;
  record.usage = usage;
  record.status = 200;
  response.writeHead(200, { 'content-type': mediaType });
  const slowMs = faults.get('slow-chunks');
  for (const [index, part] of parts.entries()) {
    if (faults.has('cut') && index >= parts.length / 2) {
      call.cut();
      throw new CallEnded();
    }
    if (slowMs !== undefined) await waitMs(call, slowMs);
    // Handed over before a cut: the client has got what was sent.
    await new Promise((resolve) => response.write(part, resolve));
  }
  response.end();
}

function eventOf(event: object): Buffer {
  return Buffer.from(`data: ${JSON.stringify(event)}\n\n`);
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** Silence of 8 bits a sample, whatever format was asked for: nobody listens. */
function wavOf(characters: number): Buffer {
  const samples = Buffer.alloc(characters * BYTES_A_CHARACTER, 128);
  const head = Buffer.alloc(WAV_HEAD_BYTES);
  head.write('RIFF', 0);
  head.writeUInt32LE(WAV_HEAD_BYTES - 8 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(SAMPLE_RATE, 24);
  head.writeUInt32LE(SAMPLE_RATE, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}

/** Of a WAV file with the usual head, the only kind that is heard here. */
function secondsOf(bytes: Buffer): number | undefined {
  if (bytes.length <= WAV_HEAD_BYTES || bytes.toString('latin1', 0, 4) !== 'RIFF') return undefined;
  const bytesASecond = bytes.readUInt32LE(28);
  return bytesASecond === 0 ? undefined : (bytes.length - WAV_HEAD_BYTES) / bytesASecond;
}

const WORDS = ['the', 'light', 'of', 'the', 'house', 'at', 'sea', 'turns'];

/** Two words a second. */
function textOf(seconds: number): string {
  const count = Math.max(1, Math.round(2 * seconds));
  return Array.from({ length: count }, (_, index) => WORDS[index % WORDS.length]).join(' ');
}
