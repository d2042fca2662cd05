/** The two files of an ended batch: its answers and its errors, each in the order of the lines. */
import { type FileStore, newFileId } from '../../core/files/file-store.ts';
import { type Unrun, unrunLine } from './batch-lines.ts';
import type { Batch, BatchStore } from './batch-store.ts';

export interface BatchFilesDeps {
  readonly store: Pick<BatchStore, 'results'>;
  readonly files: Pick<FileStore, 'put' | 'remove'>;
  /** How long files are kept after the end of their batch. */
  readonly keptMs: number;
}

/** In milliseconds: as its owner wishes, at most as long as any file. */
export function keptFor(wishedSeconds: number | null | undefined, mostMs: number): number {
  return wishedSeconds == null ? mostMs : Math.min(wishedSeconds * 1_000, mostMs);
}

/** Their ids; null where no line is in one. */
export interface WrittenFiles {
  readonly output: string | null;
  readonly error: string | null;
}

const LINES_AT_ONCE = 100;
/** Of results that are in memory while they are written; one of them alone may be larger. */
const BYTES_AT_ONCE = 8 * 1024 * 1024;
const LINE_END = Buffer.from('\n');

export class BatchFiles {
  readonly #deps: BatchFilesDeps;

  constructor(deps: BatchFilesDeps) {
    this.#deps = deps;
  }

  /**
   * Each run writes files of its own: two at once do not write into one. @param unrun the error of a line without a result.
   * @throws Error when another process has ended the batch and removed its lines; no file is left then.
   */
  async write(batch: Batch, unrun: Unrun): Promise<WrittenFiles> {
    const output = await this.#write(batch, 'output', this.#lines(batch, true, unrun));
    try {
      return { output, error: await this.#write(batch, 'error', this.#lines(batch, false, unrun)) };
    } catch (error) {
      await this.remove(batch, { output, error: null });
      throw error;
    }
  }

  async remove({ userId }: Batch, { output, error }: WrittenFiles): Promise<void> {
    for (const file of [output, error]) if (file !== null) await this.#deps.files.remove(file, userId);
  }

  async #write(
    { id, userId, outputKeptSeconds }: Batch,
    name: string,
    lines: AsyncIterable<Buffer>,
  ): Promise<string | null> {
    const { files, keptMs } = this.#deps;
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + keptFor(outputKeptSeconds, keptMs));
    const meta = { id: newFileId(), userId, purpose: 'batch_output', filename: `${id}_${name}.jsonl` };
    const stored = await files.put({ ...meta, createdAt, expiresAt }, lines);
    if (stored.bytes > 0) return stored.id;
    await files.remove(stored.id, userId);
    return null;
  }

  async *#lines(batch: Batch, succeeded: boolean, unrun: Unrun): AsyncGenerator<Buffer, void> {
    let limit = LINES_AT_ONCE;
    for (let from = 0; from < batch.lineCount; ) {
      const portion = await this.#deps.store.results(batch.id, from, limit, BYTES_AT_ONCE);
      const next = from + portion.length;
      if (next === from || portion.at(-1)?.line !== next - 1) throw new Error(`${batch.id} has lost lines`);
      from = next;
      // The database reads a result to measure it: of a hundred large ones again and again for each two that fit.
      limit = Math.min(LINES_AT_ONCE, 2 * portion.length);
      for (const { line, customId, succeeded: has, result } of portion) {
        if ((has === true) !== succeeded) continue;
        yield result ?? Buffer.from(unrunLine(batch.id, line, customId, unrun));
        yield LINE_END;
      }
    }
  }
}
