/** Long speech and recordings as jobs: the requests of the synchronous routes, accepted at once, polled by the job's id. */
import { z } from 'zod';
import type { JobFiles } from '../../activities/jobs/job-files.ts';
import type { JobSubmissions } from '../../activities/jobs/submissions.ts';
import type { IdempotentRequests } from '../../core/ledger/idempotency.ts';
import { invalid } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { parseJson as jsonIn } from '../../infra/json-object.ts';
import { formData } from '../http/edit-form.ts';
import { isJsonType, parseJson } from '../http/json.ts';
import { type Route, route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';
import { inputOf } from '../http/validation.ts';
import {
  askedOf,
  fileOf,
  noFile,
  RECORDING_BODY_BYTES,
  recordingFields,
  SPEECH_BODY_BYTES,
  speechBody,
  speechOf,
  textsOf,
} from './audio.ts';
import { openAiRequestIdInput } from './chat.ts';
import { objectId } from './files.ts';
import { acceptedJob, type JobFields, jobFields, SUBMISSION, submissionOf, submittedOnce } from './job-submissions.ts';

const speechSubmission = speechBody
  .omit({ stream_format: true })
  .extend(jobFields)
  .meta({ description: 'The fields of POST /v1/audio/speech, without stream_format, and those of jobs.' });

const { stream: _stream, ...fieldsOfWhole } = recordingFields;
const recording = {
  ...fieldsOfWhole,
  file_id: objectId.nullish().describe('A file of POST /v1/files, in place of `file`'),
  request_id: openAiRequestIdInput,
};
const jsonSubmission = z
  .looseObject({
    file: z.string().max(RECORDING_BODY_BYTES).nullish().describe('The recording in base64, or as a data URL'),
    ...recording,
    ...jobFields,
  })
  .meta({ description: 'The fields of POST /v1/audio/transcriptions, without stream, and those of jobs.' });
const formSubmission = z.looseObject({
  file: z.string().max(RECORDING_BODY_BYTES).optional().meta({ format: 'binary' }).describe('The recording'),
  ...recording,
  ...jobFields,
  metadata: z.string().max(20_000).optional().describe('Anything of the caller as JSON, which the webhook brings back'),
});
const submissionInput = inputOf(jsonSubmission, 'ignored');

interface Services {
  readonly jobSubmissions: JobSubmissions;
  readonly jobFiles: JobFiles;
  readonly idempotency: Pick<IdempotentRequests, 'answeredBefore'>;
}

export function audioJobRoutes(services: Services): Route[] {
  const { jobSubmissions: submissions, jobFiles, idempotency } = services;
  return [
    route({
      ...SUBMISSION,
      path: '/v1/async/speech',
      operationId: 'submitSpeechJob',
      summary: 'Speech as a job: its result names a file of yours',
      body: speechSubmission,
      bodyLimitBytes: SPEECH_BODY_BYTES,
      handler: async (input) => {
        const { ctx, caller, body } = input;
        const { priority, metadata, webhookUrl, ...asked } = body;
        if (asked.stream_format !== undefined && asked.stream_format !== null) {
          throw invalid([{ path: 'stream_format', message: 'cannot be set here: the speech is kept as a file' }]);
        }
        const { model: identifier, requestId, request } = speechOf({ ...asked, stream_format: null });
        await jobFiles.checkRoom(caller.userId);
        const fields = { priority, metadata, webhookUrl };
        const submission = { ...submissionOf(input, requestId, fields), model: { identifier }, request };
        const send = () => submissions.submitSpeech(submission, request);
        return acceptedJob(ctx, await submittedOnce(idempotency, submission.keyed, send));
      },
    }),
    route({
      ...SUBMISSION,
      path: '/v1/async/transcriptions',
      operationId: 'submitTranscriptionJob',
      summary: 'A transcript as a job, of a recording in a form or in JSON, or of a file of yours',
      bodies: { 'multipart/form-data': formSubmission, 'application/json': jsonSubmission },
      bodyForm: 'bytes',
      bodyLimitBytes: RECORDING_BODY_BYTES,
      handler: async (input) => {
        const { ctx, caller, rawBody } = input;
        const { fields, file: sent, fileId, asked } = await transcriptOf(ctx, rawBody);
        const { userId } = caller;
        const given = fileId === undefined ? undefined : await jobFiles.given(userId, fileId);
        const file = given?.file ?? sent;
        if (file === undefined) throw noFile();
        const { model: identifier, requestId, request } = askedOf(asked, file, textIn(asked.request_id));
        const submission = submissionOf(input, requestId, fields);
        const jobId = newId();
        const send = async () => {
          const recording = given?.recording ?? (await jobFiles.keep(userId, jobId, file));
          let submitted: string | undefined;
          try {
            const stored = { model: identifier, recording, fields: request.fields };
            const whole = { ...submission, jobId, model: { identifier }, request: stored };
            submitted = await submissions.submitTranscript(whole, request);
            return submitted;
          } finally {
            // Refused, or an earlier request with the same key has a job of its own.
            if (recording.ofJob && submitted !== jobId) await jobFiles.remove(userId, recording.fileId);
          }
        };
        return acceptedJob(ctx, await submittedOnce(idempotency, submission.keyed, send));
      },
    }),
  ];
}

interface TranscriptAsked {
  readonly fields: JobFields;
  readonly file: File | undefined;
  readonly fileId: string | undefined;
  /** What remains of the request. */
  readonly asked: Record<string, unknown>;
}

/** @throws {AppError} naming the field that is wrong. */
async function transcriptOf(ctx: ApiContext, rawBody: Buffer): Promise<TranscriptAsked> {
  const type = ctx.req.headers['content-type'];
  const isJson = isJsonType(type);
  const form = isJson ? undefined : await formData(type, rawBody);
  const { file: text, ...rest } = submissionInput.parse(
    form ? fieldsOf(form) : parseJson(rawBody, 'plain', 'repaired'),
  );
  const { priority, metadata, webhookUrl, file_id: fileId, stream, ...asked } = rest;
  if (stream !== undefined && stream !== null && stream !== false && stream !== 'false') {
    throw invalid([{ path: 'stream', message: 'cannot be set here: a job is followed by its events' }]);
  }
  const sent = form?.get('file');
  const file = sent instanceof File && sent.size > 0 ? sent : text ? fileOf(text) : undefined;
  if (file !== undefined && fileId) throw invalid([{ path: 'file_id', message: 'cannot be given together with file' }]);
  return { fields: { priority, metadata, webhookUrl }, file, fileId: fileId ?? undefined, asked };
}

function fieldsOf(form: FormData): Record<string, unknown> {
  const fields = textsOf(form);
  if (typeof fields.metadata !== 'string') return fields;
  return { ...fields, metadata: jsonIn(fields.metadata) ?? fields.metadata };
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
