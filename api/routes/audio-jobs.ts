/** Long speech and recordings as jobs: the requests of the synchronous routes, accepted at once, polled by the job's id. */
import { z } from 'zod';
import { measured, type Recording } from '../../activities/inference/audio.ts';
import type { JobFiles, StoredRecording } from '../../activities/jobs/job-files.ts';
import type { JobSubmission, JobSubmissions } from '../../activities/jobs/submissions.ts';
import type { StoredFile } from '../../core/files/file-store.ts';
import type { IdempotentRequests } from '../../core/ledger/idempotency.ts';
import type { TranscriptionRequest } from '../../core/providers/provider.ts';
import { invalid } from '../../infra/errors.ts';
import { HeldByRequest, heldByRequests } from '../../infra/held-bytes.ts';
import { newId } from '../../infra/ids.ts';
import { parseJson as jsonIn } from '../../infra/json-object.ts';
import { formData } from '../http/edit-form.ts';
import { isJsonType, parseJson } from '../http/json.ts';
import { type Route, route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';
import { inputOf } from '../http/validation.ts';
import {
  fileOf,
  noFile,
  passedOf,
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
  .extend({
    stream_format: z.null('cannot be set here: the speech is kept as a file').optional().describe('Not for jobs'),
    ...jobFields,
  })
  .meta({ description: 'The fields of POST /v1/audio/speech, without stream_format, and those of jobs.' });

const { stream: _stream, ...fieldsOfWhole } = recordingFields;
const recordingInputs = {
  ...fieldsOfWhole,
  file_id: objectId.nullish().describe('A file of POST /v1/files, in place of `file`'),
  request_id: openAiRequestIdInput,
};
const jsonSubmission = z
  .looseObject({
    file: z.string().max(RECORDING_BODY_BYTES).nullish().describe('The recording in base64, or as a data URL'),
    ...recordingInputs,
    ...jobFields,
  })
  .meta({ description: 'The fields of POST /v1/audio/transcriptions, without stream, and those of jobs.' });
const formSubmission = z.looseObject({
  file: z.string().max(RECORDING_BODY_BYTES).optional().meta({ format: 'binary' }).describe('The recording'),
  ...recordingInputs,
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
  const transcripts = { submissions, jobFiles };
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
        const { model: identifier, requestId, request } = speechOf(asked);
        const fields = { priority, metadata, webhookUrl };
        const submission = { ...submissionOf(input, requestId, fields), model: { identifier }, request };
        const send = async () => {
          await jobFiles.checkRoom(caller.userId, request);
          return submissions.submitSpeech(submission, request);
        };
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
        const { ctx, rawBody } = input;
        const { fields: ofJob, file, fileId, asked } = await transcriptOf(ctx, rawBody);
        const { model: identifier, fields } = passedOf(asked);
        const common = submissionOf(input, textIn(asked.request_id), ofJob);
        const submission = { ...common, model: { identifier }, fields };
        // Inside: a repeat gets the earlier job, whatever has become of the file and of the room for it.
        const send = async () => {
          if (fileId !== undefined) return submitGiven(transcripts, submission, fileId);
          if (file === undefined) throw noFile();
          return submitSent(transcripts, submission, file);
        };
        return acceptedJob(ctx, await submittedOnce(idempotency, common.keyed, send));
      },
    }),
  ];
}

interface Transcripts {
  readonly submissions: JobSubmissions;
  readonly jobFiles: JobFiles;
}

type TranscriptSubmission = Omit<JobSubmission, 'model' | 'request' | 'jobId'> &
  Pick<TranscriptionRequest, 'fields'> & { readonly model: { readonly identifier: string } };

/** A recording that came along is kept for its job. */
async function submitSent({ submissions, jobFiles }: Transcripts, asked: TranscriptSubmission, file: File) {
  const { userId } = asked.caller;
  const heard = await measured(file);
  await submissions.checkTranscript(asked, asked, heard);
  const jobId = newId();
  const recording = await jobFiles.keep(userId, jobId, file);
  let submitted: string | undefined;
  try {
    submitted = await submissions.submitTranscript(storing(asked, jobId, recording), asked, heard);
    return submitted;
  } finally {
    // Refused, or an earlier request with the same key has a job of its own.
    if (submitted !== jobId) await jobFiles.remove(userId, recording.fileId);
  }
}

/** A file of the user's is read only for a request that may be accepted: it is large, and the request is tiny. */
async function submitGiven({ submissions, jobFiles }: Transcripts, asked: TranscriptSubmission, fileId: string) {
  const { userId } = asked.caller;
  const { stored, recording } = await jobFiles.given(userId, fileId);
  const { bytes } = stored;
  const shortest: Recording = { seconds: 0, longest: undefined, bytes };
  await submissions.checkTranscript(asked, asked, shortest);
  const heard = await measuredWithin(new HeldByRequest(heldByRequests, userId), jobFiles, stored);
  const jobId = newId();
  const submitted = await submissions.submitTranscript(storing(asked, jobId, recording), asked, heard);
  if (submitted === jobId) await jobFiles.keepForRun(fileId);
  return submitted;
}

/** Its bytes count as those of bodies while they are in memory, also when the client has left. */
async function measuredWithin(held: HeldByRequest, jobFiles: JobFiles, stored: StoredFile): Promise<Recording> {
  try {
    held.take(stored.bytes);
    return await jobFiles.measured(stored);
  } finally {
    held.giveBack();
  }
}

function storing({ fields, model, ...asked }: TranscriptSubmission, jobId: string, recording: StoredRecording) {
  return { ...asked, jobId, model, request: { model: model.identifier, recording, fields } };
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
