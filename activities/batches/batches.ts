/** Batches and files as their owner sees them. */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { type FileFilter, type FileStore, newFileId, type StoredFile } from '../../core/files/file-store.ts';
import type { WorkflowStarter } from '../../core/outbox/starter.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { batchWorkflowId, TASK_QUEUES, type WorkflowStart } from '../../workflows/contracts.ts';
import { keptFor } from './batch-files.ts';
import type { BatchEndpoint } from './batch-lines.ts';
import type { Batch, BatchStore, LineCounts } from './batch-store.ts';

export interface BatchesDeps {
  readonly store: Pick<BatchStore, keyof BatchStore>;
  readonly files: Pick<FileStore, keyof FileStore>;
  readonly starter: Pick<WorkflowStarter, 'kick'>;
  /** What all files of one user may have. */
  readonly bytesPerUser: number;
  /** How long a file is kept. */
  readonly keptMs: number;
}

export interface BatchRequest {
  /** The same for every run of one keyed request: a run after a crash finds the batch of the first. */
  readonly operationId: string;
  readonly inputFileId: string;
  readonly endpoint: BatchEndpoint;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly traceId: string;
  /** How long its files are kept; undefined: as long as any. */
  readonly outputKeptSeconds?: number | undefined;
}

export interface Upload {
  /** The same for every run of one keyed request: a run after a crash finds the file of the first. */
  readonly operationId: string;
  readonly file: File;
  readonly purpose: string;
  /** How long it is kept; undefined: as long as any. */
  readonly keptSeconds?: number | undefined;
}

export type BatchView = Batch & LineCounts;

/** OpenAI's only window. */
const BATCH_LIFE_MS = 24 * 3_600_000;
const MOST_LIVE = 20;
const RETRY_SECONDS = 60;

export class Batches {
  readonly #deps: BatchesDeps;

  constructor(deps: BatchesDeps) {
    this.#deps = deps;
  }

  /** @throws {AppError} tooManyRequests when the user's files have no room for it. */
  async addFile(userId: number, { operationId, file, purpose, keptSeconds }: Upload): Promise<StoredFile> {
    const { files, bytesPerUser: most, keptMs } = this.#deps;
    const createdAt = new Date();
    const id = newFileId(operationId);
    const earlier = await files.find(id, userId);
    if (earlier) return earlier;
    // What is left of a run that died.
    await files.remove(id, userId);
    const meta = { id, userId, purpose, filename: file.name.slice(0, MOST_FILENAME) || 'file' };
    const times = { createdAt, expiresAt: new Date(createdAt.getTime() + keptFor(keptSeconds, keptMs)) };
    return files.put({ ...meta, ...times }, inPieces(file), { bytes: file.size, most });
  }

  /** @throws {AppError} notFound. */
  async file(id: string, userId: number): Promise<StoredFile> {
    const found = await this.#deps.files.find(id, userId);
    if (found === undefined) throw new AppError('notFound', `there is no file ${id}`);
    return found;
  }

  /** @throws {AppError} invalidParameter for an `after` that is no file of the user. */
  async listFiles(filter: FileFilter): Promise<StoredFile[]> {
    const { userId, after } = filter;
    if (after !== undefined && !(await this.#deps.files.find(after, userId))) throw noPlace(after, 'file');
    return this.#deps.files.list(filter);
  }

  contentOf(file: StoredFile): AsyncGenerator<Buffer, void> {
    return this.#deps.files.read(file);
  }

  /** @throws {AppError} notFound. */
  async removeFile(id: string, userId: number): Promise<void> {
    await this.file(id, userId);
    await this.#deps.files.remove(id, userId);
  }

  /**
   * Its file is read and its money is held when it begins. What comes of it is paid for and is written in any case, so that
   * a user whose files have no room begins no other.
   * @throws {AppError} for a file that is not the user's or not for batches; tooManyRequests.
   */
  async create(caller: AccessKeyCaller, request: BatchRequest): Promise<BatchView> {
    const { store, files, starter, bytesPerUser: most } = this.#deps;
    const { operationId: holdId, inputFileId, endpoint, metadata, traceId, outputKeptSeconds = null } = request;
    const { userId, accountId, accessKeyId } = caller;
    const id = `batch_${holdId.replaceAll('-', '')}`;
    const earlier = await store.find(id, userId);
    if (earlier) return this.#view(earlier);
    const file = await files.find(inputFileId, userId);
    if (file === undefined) throw invalid([{ path: 'input_file_id', message: `there is no file ${inputFileId}` }]);
    if (file.purpose !== 'batch') throw invalid([{ path: 'input_file_id', message: 'must be of the purpose batch' }]);
    await files.checkRoom(userId, { bytes: 1, most });
    await files.keepUntil(inputFileId, new Date(Date.now() + BATCH_LIFE_MS));
    const start = batchStart({ id, userId, endpoint, traceId });
    const owner = { userId, accountId, accessKeyId };
    const row = { id, holdId, ...owner, endpoint, inputFileId, metadata, traceId, outputKeptSeconds };
    if (!(await store.create({ ...row, lifeMs: BATCH_LIFE_MS }, start, MOST_LIVE))) {
      const message = `at most ${MOST_LIVE} batches of one user may run at once`;
      throw new AppError('tooManyRequests', message, { retryAfterSeconds: RETRY_SECONDS });
    }
    starter.kick(start);
    return this.get(id, userId);
  }

  /** @param userId whose it must be; without: of anyone, for ROOT. @throws {AppError} notFound. */
  async get(id: string, userId?: number): Promise<BatchView> {
    const found = await this.#deps.store.find(id, userId);
    if (found === undefined) throw new AppError('notFound', `there is no batch ${id}`);
    return this.#view(found);
  }

  /** @throws {AppError} invalidParameter for an `after` that is no batch of the user. */
  async list(userId: number, after: string | undefined, limit: number): Promise<BatchView[]> {
    if (after !== undefined && !(await this.#deps.store.find(after, userId))) throw noPlace(after, 'batch');
    const found = await this.#deps.store.list(userId, after, limit);
    return Promise.all(found.map((batch) => this.#view(batch)));
  }

  /** Lines that run end; the others are not run. Idempotent. @throws {AppError} notFound; illegalState once it has ended. */
  async cancel(id: string, userId: number): Promise<BatchView> {
    const cancelled = { cancelling_at: new Date() };
    const batch = await this.get(id, userId);
    const isMoved = await this.#deps.store.move(id, ['validating', 'in_progress'], 'cancelling', cancelled);
    const after = isMoved ? await this.get(id, userId) : batch;
    if (isMoved || after.status === 'cancelling' || after.status === 'cancelled') return after;
    throw new AppError('illegalState', `the batch is ${after.status} and cannot be cancelled`);
  }

  async #view(batch: Batch): Promise<BatchView> {
    const { id, completed, failed } = batch;
    if (completed !== null && failed !== null) return { ...batch, completed, failed };
    return { ...batch, ...(await this.#deps.store.counts(id)) };
  }
}

/** @param workflowId of a batch whose row has one. */
export function batchStart(
  { id, userId, endpoint, traceId }: Pick<Batch, 'id' | 'userId' | 'endpoint' | 'traceId'>,
  workflowId = batchWorkflowId(userId, id),
): WorkflowStart {
  return {
    workflow: 'batch',
    workflowId,
    taskQueue: TASK_QUEUES.jobs,
    input: { batchId: id, traceId },
    title: `batch · ${endpoint} · user ${userId}`,
    searchAttributes: { Modality: 'batch', UserId: userId },
    fairnessKey: `user-${userId}`,
  };
}

function noPlace(id: string, what: string): AppError {
  return invalid([{ path: 'after', message: `there is no ${what} ${id}` }]);
}

const MOST_FILENAME = 255;
const PIECE_BYTES = 1024 * 1024;

async function* inPieces(file: File): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    yield Buffer.from(await file.slice(at, at + PIECE_BYTES).arrayBuffer());
  }
}
