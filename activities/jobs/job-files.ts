/**
 * Files of audio jobs: recordings that wait for their job, and speech that a job has made. A recording that nobody removes,
 * because a process died, expires soon after the deadline of its job. No bytes pass through Temporal.
 */
import { z } from 'zod';
import { type FileStore, newFileId, type StoredFile } from '../../core/files/file-store.ts';
import type { ByteAnswer } from '../../core/providers/provider.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { parseJson } from '../../infra/json-object.ts';
import { JOB_DEADLINE_MS } from './job.ts';
import type { JobStore, JobWork } from './store.ts';

export interface JobFilesDeps {
  readonly files: Pick<FileStore, keyof FileStore>;
  readonly store: Pick<JobStore, 'announced'>;
  /** What all files of one user may have. */
  readonly bytesPerUser: number;
  /** How long speech is kept after its job, in milliseconds. */
  readonly keptMs: number;
  readonly publicUrl: string;
}

/** A recording as the request of a job names it. */
export const recordingSchema = z.object({
  fileId: z.string(),
  filename: z.string(),
  mediaType: z.string(),
  /** Kept for the job alone, and removed after it. */
  ofJob: z.boolean(),
});
export type StoredRecording = z.infer<typeof recordingSchema>;

/** Longer than the job, so that a run which ends it can still read the file. */
const NEEDED_MS = JOB_DEADLINE_MS + 3_600_000;
/** A job reads a recording into memory; more than this is no recording of a call. */
const MOST_RECORDING_BYTES = 26 * 1024 * 1024;
const MOST_FILENAME = 255;
const EXTENSIONS: Readonly<Record<string, string>> = {
  ...{ 'audio/mpeg': 'mp3', 'audio/wav': 'wav', 'audio/x-wav': 'wav', 'audio/wave': 'wav', 'audio/flac': 'flac' },
  ...{ 'audio/ogg': 'ogg', 'audio/opus': 'opus', 'audio/aac': 'aac', 'audio/mp4': 'm4a' },
};

const resultSchema = z.looseObject({ fileId: z.string() });
const requestSchema = z.looseObject({ recording: recordingSchema });

export class JobFiles {
  readonly #deps: JobFilesDeps;

  constructor(deps: JobFilesDeps) {
    this.#deps = deps;
  }

  /** Keeps a recording for the job. @throws {AppError} tooManyRequests when the user's files have no room for it. */
  async keep(userId: number, jobId: string, file: File): Promise<StoredRecording> {
    const { files, bytesPerUser: most } = this.#deps;
    const filename = file.name.slice(0, MOST_FILENAME) || 'recording';
    const meta = { id: newFileId(jobId), userId, purpose: 'job_input', filename, ...fromNow(NEEDED_MS) };
    const { id: fileId } = await files.put(meta, onePiece(file), { bytes: file.size, most });
    return { fileId, filename, mediaType: file.type, ofJob: true };
  }

  /** One of the user's files, and its name in a request. @throws {AppError} naming the field for one that is not there. */
  async given(userId: number, fileId: string): Promise<{ readonly file: File; readonly recording: StoredRecording }> {
    const stored = await this.#deps.files.find(fileId, userId);
    if (stored === undefined) throw invalid([{ path: 'file_id', message: `there is no file ${fileId}` }]);
    if (stored.bytes > MOST_RECORDING_BYTES) {
      throw invalid([{ path: 'file_id', message: `must be a file of at most ${MOST_RECORDING_BYTES} bytes` }]);
    }
    await this.#deps.files.keepUntil(fileId, new Date(Date.now() + NEEDED_MS));
    const recording = { fileId, filename: stored.filename, mediaType: '', ofJob: false };
    return { file: await this.#read(stored, recording), recording };
  }

  /** @throws {AppError} notFound when its owner has removed it. */
  async recordingOf({ userId }: Pick<JobWork, 'userId'>, recording: StoredRecording): Promise<File> {
    const stored = await this.#deps.files.find(recording.fileId, userId);
    if (stored === undefined) throw new AppError('notFound', `the recording ${recording.fileId} was removed`);
    return this.#read(stored, recording);
  }

  async #read(stored: StoredFile, { filename, mediaType }: StoredRecording): Promise<File> {
    const pieces: Buffer<ArrayBuffer>[] = [];
    for await (const piece of this.#deps.files.read(stored)) pieces.push(Buffer.from(piece));
    return new File(pieces, filename, { type: mediaType });
  }

  /** What comes of a job is paid for and is written in any case, so a user whose files have no room submits no other. */
  checkRoom(userId: number): Promise<void> {
    return this.#deps.files.checkRoom(userId, { bytes: 1, most: this.#deps.bytesPerUser });
  }

  /** Each run writes a file of its own: two at once do not write into one. @throws what the sound throws. */
  keepSpeech({ id, userId }: Pick<JobWork, 'id' | 'userId'>, { mediaType, bytes }: ByteAnswer): Promise<StoredFile> {
    const filename = `speech-${id}.${EXTENSIONS[mediaType] ?? 'bin'}`;
    const meta = { id: newFileId(), userId, purpose: 'speech', filename, ...fromNow(this.#deps.keptMs) };
    return this.#deps.files.put(meta, asBuffers(bytes));
  }

  addressOf(fileId: string): string {
    return `${this.#deps.publicUrl}/v1/files/${fileId}/content`;
  }

  remove(userId: number, fileId: string): Promise<boolean> {
    return this.#deps.files.remove(fileId, userId);
  }

  /** After the end of a job, by whichever run sees it. Safe to repeat. */
  async settle(work: JobWork): Promise<void> {
    if (work.type !== 'transcript') return;
    const { recording } = requestSchema.safeParse(await work.request()).data ?? {};
    if (recording?.ofJob) await this.remove(work.userId, recording.fileId);
  }

  /** The speech of an ended job goes with its result. */
  async removeOf(jobId: string, userId: number): Promise<void> {
    const fileId = await this.#speechOf(jobId);
    if (fileId) await this.remove(userId, fileId);
  }

  async #speechOf(jobId: string): Promise<string | undefined> {
    const job = await this.#deps.store.announced(jobId);
    if (job?.type !== 'speech' || job.result === null) return undefined;
    return resultSchema.safeParse(parseJson(job.result)).data?.fileId;
  }
}

function fromNow(ms: number) {
  const createdAt = new Date();
  return { createdAt, expiresAt: new Date(createdAt.getTime() + ms) };
}

async function* onePiece(file: File): AsyncGenerator<Buffer, void> {
  yield Buffer.from(await file.arrayBuffer());
}

async function* asBuffers(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  for await (const piece of bytes) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}
