/** Speech made of text and text made of speech, as OpenAI's clients ask for them. */
import { z } from 'zod';
import type { AudioService } from '../../activities/inference/audio.ts';
import { costInWords } from '../../activities/inference/openai-words.ts';
import { passedFields } from '../../activities/inference/request-policy.ts';
import type { SpeechRequest, TranscriptionRequest } from '../../core/providers/provider.ts';
import { type FieldError, invalid } from '../../infra/errors.ts';
import { isInheritedName, isJsonObject, parseJson as jsonIn } from '../../infra/json-object.ts';
import { formData } from '../http/edit-form.ts';
import { OPENAI } from '../http/forms.ts';
import { MAX_REQUEST_ID } from '../http/idempotency.ts';
import type { InferenceServices } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import { isJsonType, parseJson } from '../http/json.ts';
import type { Route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';
import { inputOf } from '../http/validation.ts';
import { modelNameInput, openAiRequestIdInput } from './chat.ts';

/** OpenAI takes 4,096; others more. */
const MOST_SPOKEN_CHARACTERS = 100_000;
/** A character in JSON as \u6d77, or half of one of four bytes, and the other fields. */
export const SPEECH_BODY_BYTES = 1024 * 1024;
/** OpenAI takes 25 MB. */
export const RECORDING_BODY_BYTES = 26 * 1024 * 1024;
const MOST_FIELD_CHARACTERS = 20_000;
const MOST_FIELDS = 100;

export const speechBody = z
  .looseObject({
    model: modelNameInput.describe('Identifier of the model'),
    input: z.string().min(1).max(MOST_SPOKEN_CHARACTERS).describe('What is to be said'),
    voice: z
      .union([z.string().max(200), z.looseObject({})])
      .nullish()
      .describe('Whose voice, in the words of the provider'),
    stream_format: z
      .enum(['audio', 'sse'])
      .nullish()
      .describe('sse: as server-sent events, where the model can; its usage is charged then'),
    request_id: openAiRequestIdInput,
  })
  .meta({ description: 'OpenAI speech; fields that are not listed (response_format, speed …) pass to the provider.' });

const stringsInput = z.union([z.string(), z.array(z.string())]);
export const recordingFields = {
  model: modelNameInput.describe('Identifier of the model'),
  response_format: z
    .enum(['json', 'text', 'srt', 'verbose_json', 'vtt', 'diarized_json'])
    .nullish()
    .describe('json unless set; not every model has all'),
  language: z.string().max(20).nullish().describe('Of the recording, as de or en'),
  prompt: z.string().max(MOST_FIELD_CHARACTERS).nullish().describe('What goes before, or names that are hard to hear'),
  stream: z
    .union([z.boolean(), z.enum(['true', 'false'])])
    .nullish()
    .describe('Answer as server-sent events'),
};
const file = z.string().max(RECORDING_BODY_BYTES).meta({ format: 'binary' });
const formRecording = z.looseObject({ file: file.describe('The recording'), ...recordingFields });
const jsonRecording = z
  .looseObject({
    file: z.string().min(1).max(RECORDING_BODY_BYTES).describe('The recording in base64, or as a data URL'),
    ...recordingFields,
    request_id: openAiRequestIdInput,
  })
  .meta({ description: 'The same fields as in the form; those that are not listed pass to the provider.' });
const fieldsInput = inputOf(z.looseObject(recordingFields), 'ignored');
const jsonInput = inputOf(jsonRecording, 'ignored');

const transcription = z
  .looseObject({
    text: z.string().optional().describe('What was said'),
    usage: z.looseObject({}).optional().describe('What the provider counted, with the cost of the call'),
  })
  .meta({ description: 'OpenAI transcription; with response_format text, srt or vtt the text itself' });

const events = {
  status: 200 as const,
  mediaType: 'text/event-stream',
  schema: z.string().meta({ description: 'OpenAI’s events, as the provider gives them' }),
};
const plainText = z.string().meta({ description: 'The text' });

interface SpeechAsked {
  readonly model: string;
  readonly requestId: string | undefined;
  readonly request: SpeechRequest;
}

interface TranscriptionAsked {
  readonly model: string;
  readonly requestId: string | undefined;
  readonly streamed: boolean;
  readonly request: TranscriptionRequest;
}

interface Services extends InferenceServices {
  readonly audio: AudioService;
}

export function audioRoutes(services: Services): Route[] {
  return [
    inferenceRoute(services, {
      path: '/v1/audio/speech',
      operationId: 'createSpeech',
      summary: 'Speech made of text, under OpenAI’s own path',
      body: speechBody,
      success: z.string().meta({ description: 'The sound', format: 'binary' }),
      mediaType: 'audio/*',
      otherAnswers: [
        { ...events, description: 'With stream_format: sse' },
        { ...events, description: 'Sound of a type that is not named', mediaType: 'application/octet-stream' },
      ],
      form: OPENAI,
      parse: ({ body }) => speechOf(body),
      requestId: ({ requestId }) => requestId,
      bytes: {
        run: ({ model, request: asked }, { request, context }) =>
          services.audio.speak({ ...request, model: { identifier: model }, request: asked }, context),
        isWhole: () => false,
      },
    }),
    inferenceRoute(services, {
      path: '/v1/audio/transcriptions',
      operationId: 'createTranscription',
      summary: 'Text made of speech, under OpenAI’s own path; a form or JSON',
      bodies: { 'multipart/form-data': formRecording, 'application/json': jsonRecording },
      bodyLimitBytes: RECORDING_BODY_BYTES,
      success: transcription,
      otherAnswers: [
        { ...events, description: 'With stream: true' },
        ...['text/plain', 'text/vtt', 'application/x-subrip', 'application/octet-stream'].map((mediaType) => ({
          ...{
            status: 200 as const,
            description: 'With response_format text, srt or vtt',
            mediaType,
            schema: plainText,
          },
        })),
      ],
      form: OPENAI,
      parse: ({ ctx, rawBody }) => transcriptionOf(ctx, rawBody),
      requestId: ({ requestId }) => requestId,
      bytes: {
        run: ({ model, request: asked }, { request, context }) =>
          services.audio.transcribe({ ...request, model: { identifier: model }, request: asked }, context),
        isWhole: ({ streamed }) => !streamed,
        finish: (body, mediaType, end) => {
          const answer = mediaType === 'application/json' ? jsonIn(body.toString('utf8')) : undefined;
          if (!isJsonObject(answer)) return body;
          const said = isJsonObject(answer.usage) ? answer.usage : {};
          const usage = { ...said, ...costInWords(end, services.costShown) };
          return Buffer.from(JSON.stringify({ ...answer, usage }));
        },
      },
    }),
  ];
}

/** @throws {AppError} naming each field that a caller may not set. */
export function speechOf({ model, input, request_id: requestId, ...rest }: z.output<typeof speechBody>): SpeechAsked {
  return { model, requestId: requestId ?? undefined, request: { input, extra: passedFields(rest) } };
}

/** @throws {AppError} naming the field that is missing or wrong. */
async function transcriptionOf(ctx: ApiContext, rawBody: Buffer): Promise<TranscriptionAsked> {
  const type = ctx.req.headers['content-type'];
  if (isJsonType(type)) {
    const { file: text, request_id: requestId, ...rest } = jsonInput.parse(parseJson(rawBody, 'plain', 'repaired'));
    return askedOf(rest, fileOf(text), requestId ?? undefined);
  }
  const form = await formData(type, rawBody);
  const given = form.get('file');
  if (!(given instanceof File) || given.size === 0) throw noFile();
  const fields = textsOf(form);
  const { request_id: requestId, ...rest } = fields;
  if (typeof requestId === 'string' && requestId.length > MAX_REQUEST_ID) {
    throw invalid([{ path: 'request_id', message: `must have at most ${MAX_REQUEST_ID} characters` }]);
  }
  return askedOf(fieldsInput.parse(rest), given, typeof requestId === 'string' ? requestId : undefined);
}

/** All but the file. @throws {AppError} naming the field that is wrong. */
export function textsOf(form: FormData): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  for (const name of new Set(form.keys())) {
    if (name === 'file') continue;
    const values = form.getAll(name);
    const problem = problemOf(name, values);
    if (problem !== undefined) throw invalid([{ path: name, message: problem }]);
    const texts = values.filter((value) => typeof value === 'string');
    fields[name] = texts.length === 1 && texts[0] !== undefined ? texts[0] : texts;
  }
  return fields;
}

function problemOf(name: string, values: readonly unknown[]): string | undefined {
  if (isInheritedName(name)) return 'is not an allowed name';
  if (values.some((value) => typeof value !== 'string')) return 'must be a text, not a file';
  return values.some((value) => String(value).length > MOST_FIELD_CHARACTERS)
    ? `must have at most ${MOST_FIELD_CHARACTERS} characters`
    : undefined;
}

function askedOf(given: Record<string, unknown>, recording: File, requestId: string | undefined): TranscriptionAsked {
  const { model, streamed, fields } = passedOf(given);
  return { model, requestId, streamed, request: { file: recording, fields } };
}

/** What a request says beside its recording. @throws {AppError} naming each field that is wrong. */
export function passedOf(
  given: Record<string, unknown>,
): Pick<TranscriptionAsked, 'model' | 'streamed'> & Pick<TranscriptionRequest, 'fields'> {
  const { model, stream, ...rest } = given;
  const streamed = stream === true || stream === 'true';
  const errors: FieldError[] = [];
  const passed = Object.entries(passedFields(rest)).flatMap(([name, value]): [string, string][] => {
    const values = stringsInput.safeParse(
      typeof value === 'number' || typeof value === 'boolean' ? String(value) : value,
    );
    if (values.success) return [values.data].flat().map((text) => [name, text]);
    if (isJsonObject(value)) return [[name, JSON.stringify(value)]];
    errors.push({ path: name, message: 'must be a text or a list of texts' });
    return [];
  });
  if (passed.length > MOST_FIELDS) errors.push({ path: '', message: `at most ${MOST_FIELDS} fields` });
  if (errors.length > 0) throw invalid(errors);
  const fields = [...passed, ...(streamed ? [['stream', 'true'] as const] : [])];
  return { model: String(model), streamed, fields };
}

const DATA_URL = /^data:([\w./+-]{0,100})(?:;[\w=.-]{1,100})*;base64,/;

/** @throws {AppError} for what is no base64. */
export function fileOf(text: string): File {
  const head = DATA_URL.exec(text);
  const base64 = head ? text.slice(head[0].length) : text;
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0 || !/^[A-Za-z0-9+/_=\s-]*$/.test(base64)) throw noFile();
  const type = head?.[1] || 'audio/wav';
  return new File([bytes], `recording.${type.replace(/^.*\//, '').replace(/^x-/, '')}`, { type });
}

export function noFile() {
  const message = 'is required: a recording as a file of multipart/form-data, or in JSON as base64 or a data URL';
  return invalid([{ path: 'file', message }], 'missingParameter');
}
