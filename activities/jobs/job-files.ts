/**
 * Files of audio jobs: recordings that wait for their job, and speech that a job has made. A recording that nobody removes,
 * because a process died, expires soon after the deadline of its job. No bytes pass through Temporal.
 */

import { z } from 'zod';
import { type FileStore, type NewFile, newFileId, oneFileIdOf, type StoredFile } from '../../core/files/file-store.ts';
import { UpstreamFailure } from '../../core/providers/failure.ts';
import type { ByteAnswer, SpeechRequest } from '../../core/providers/provider.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { parseJson } from '../../infra/json-object.ts';
import { measuredBytes, type Recording } from '../inference/audio.ts';
import type { HeldByRuns } from './held-by-runs.ts';
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
  readonly held: HeldByRuns;
}

/** A recording as the request of a job names it. */
export const recordingSchema = z.object({
  fileId: z.string(),
  filename: z.string(),
  mediaType: z.string(),
});
export type StoredRecording = z.infer<typeof recordingSchema>;

/** Longer than the job, so that a run which ends it can still read the file. */
const NEEDED_MS = JOB_DEADLINE_MS + 3_600_000;
/** A job reads a recording into memory; more than this is no recording of a call. */
const MOST_RECORDING_BYTES = 26 * 1024 * 1024;
const MOST_FILENAME = 255;
/** Of a text that is spoken for a second: 15 characters, of Chinese 5, which have three bytes each. */
const TEXT_BYTES_A_SECOND = 15;
const LOSSLESS_BYTES_A_SECOND = 48_000;
const LOSSY_BYTES_A_SECOND = 16_000;
const LOSSLESS: ReadonlySet<string> = new Set(['wav', 'pcm', 'flac']);
const EXTENSIONS: Readonly<Record<string, string>> = {
  ...{ 'audio/mpeg': 'mp3', 'audio/wav': 'wav', 'audio/x-wav': 'wav', 'audio/wave': 'wav', 'audio/flac': 'flac' },
  ...{ 'audio/ogg': 'ogg', 'audio/opus': 'opus', 'audio/aac': 'aac', 'audio/mp4': 'm4a' },
};

const resultSchema = z.looseObject({ fileId: z.string() });

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
    return { fileId, filename, mediaType: file.type };
  }

  /**
   * One of the user's files, without its bytes, and its name in a request.
   * @throws {AppError} naming the field for one that is not there.
   */
  async given(
    userId: number,
    fileId: string,
  ): Promise<{ readonly stored: StoredFile; readonly recording: StoredRecording }> {
    const stored = await this.#deps.files.find(fileId, userId);
    if (stored === undefined) throw invalid([{ path: 'file_id', message: `there is no file ${fileId}` }]);
    if (stored.bytes > MOST_RECORDING_BYTES) {
      throw invalid([{ path: 'file_id', message: `must be a file of at most ${MOST_RECORDING_BYTES} bytes` }]);
    }
    return { stored, recording: { fileId, filename: stored.filename, mediaType: '' } };
  }

  /** Takes as much memory as it has bytes. @throws {AppError} notFound when it is removed meanwhile. */
  async measured(stored: StoredFile): Promise<Recording> {
    const bytes = Buffer.allocUnsafeSlow(stored.bytes);
    let at = 0;
    for await (const piece of this.#deps.files.read(stored)) at += piece.copy(bytes, at);
    return measuredBytes(bytes);
  }

  /** What an accepted job has yet to read does not expire before it. */
  async keepForRun(fileId: string): Promise<void> {
    await this.#deps.files.keepUntil(fileId, new Date(Date.now() + NEEDED_MS));
  }

  /**
   * Reads a recording and holds it while `use` runs.
   * @throws {AppError} notFound when its owner has removed it; {RunMustWait} while others hold as much as may be.
   */
  async withRecording<Result>(
    { userId }: Pick<JobWork, 'userId'>,
    recording: StoredRecording,
    use: (file: File) => Promise<Result>,
  ): Promise<Result> {
    const { files, held } = this.#deps;
    const stored = await files.find(recording.fileId, userId);
    if (stored === undefined) throw new AppError('notFound', `the recording ${recording.fileId} was removed`);
    return held.during(async (room) => {
      room.take(stored.bytes);
      return use(await this.#read(stored, recording));
    });
  }

  async #read(stored: StoredFile, { filename, mediaType }: StoredRecording): Promise<File> {
    const pieces: Buffer<ArrayBuffer>[] = [];
    for await (const piece of this.#deps.files.read(stored)) pieces.push(Buffer.from(piece));
    return new File(pieces, filename, { type: mediaType });
  }

  /** Whether the files of a user have room for this speech now. @throws {AppError} tooManyRequests. */
  checkRoom(userId: number, request: SpeechRequest): Promise<void> {
    return this.#deps.files.checkRoom(userId, this.#roomFor(request));
  }

  /**
   * Speech is paid for once it is called for, and is then written however large it is: so its room is taken before, by
   * an estimate. Each call writes a file of its own: two runs at once do not write into one.
   * @param speak calls the provider. @throws {AppError} tooManyRequests before that; what `speak` and its sound throw.
   */
  async keepSpeech(
    { id, userId }: Pick<JobWork, 'id' | 'userId'>,
    request: SpeechRequest,
    speak: () => Promise<ByteAnswer>,
  ): Promise<{ readonly file: StoredFile; readonly mediaType: string }> {
    const { files, keptMs } = this.#deps;
    const filename = `speech-${id}`;
    const meta: NewFile = { id: oneFileIdOf(id), userId, purpose: 'speech', filename, ...fromNow(keptMs) };
    await files.reserve(meta, this.#roomFor(request));
    try {
      const { mediaType, bytes } = await speak();
      const named = { ...meta, filename: `${filename}.${EXTENSIONS[mediaType] ?? 'bin'}` };
      const file = await files.fill(named, asBuffers(bytes));
      if (file.bytes === 0) throw new UpstreamFailure('empty', 'the provider gave nothing', { status: 200 });
      return { file, mediaType };
    } catch (error) {
      // What stays is removed at the end of the job.
      await files.remove(meta.id, userId).catch(() => undefined);
      throw error;
    }
  }

  #roomFor({ input, extra }: SpeechRequest) {
    const isLossless = LOSSLESS.has(String(extra.response_format));
    const aSecond = isLossless ? LOSSLESS_BYTES_A_SECOND : LOSSY_BYTES_A_SECOND;
    const bytes = Math.ceil((Buffer.byteLength(input) * aSecond) / TEXT_BYTES_A_SECOND);
    return { bytes, most: this.#deps.bytesPerUser };
  }

  addressOf(fileId: string): string {
    return `${this.#deps.publicUrl}/v1/files/${fileId}/content`;
  }

  remove(userId: number, fileId: string): Promise<boolean> {
    return this.#deps.files.remove(fileId, userId);
  }

  /**
   * After the end of a job, however it ended, by whoever sees that: the recording that came along with it goes, and all
   * speech but that which its result names. Safe to repeat.
   */
  async settle({ id, type, userId }: Pick<JobWork, 'id' | 'type' | 'userId'>): Promise<void> {
    const { files, store } = this.#deps;
    // By its id: the request of a cancelled job is gone already.
    if (type === 'transcript') await files.remove(newFileId(id), userId);
    if (type !== 'speech') return;
    const { result = null } = (await store.announced(id)) ?? {};
    const named = result === null ? undefined : resultSchema.safeParse(parseJson(result)).data?.fileId;
    await files.removeOthers(id, userId, named);
  }

  /** The speech of an ended job goes with its result. */
  removeOf(jobId: string, userId: number): Promise<void> {
    return this.#deps.files.removeOthers(jobId, userId);
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
