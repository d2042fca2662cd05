/** Official archives, where the internet answers within seconds. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import type { Fetchable, WorkContext } from './sources.ts';

const ANSWER_WITHIN_MS = 4_000;
const DOWNLOAD_WITHIN_MS = 10 * 60_000;

export interface Archive {
  readonly url: string;
  /** Path of the program inside the archive, without `topFolder`. */
  readonly file: string;
  /** Whether everything in the archive lies in one folder. */
  readonly topFolder: boolean;
  /** Where the SHA-256 of the archive is published, if it is. */
  readonly checksumUrl?: string;
}

async function get(url: string, signal: AbortSignal, withinMs: number): Promise<Response> {
  const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer;
}

/** Why the address does not answer, in a few words. */
function unreachable(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : error.message;
  return error.name === 'TimeoutError' ? `no answer within ${ANSWER_WITHIN_MS / 1000} s` : cause;
}

async function save(url: string, file: string, context: WorkContext): Promise<void> {
  const answer = await get(url, context.signal, DOWNLOAD_WITHIN_MS);
  if (!answer.body) throw new Error(`${url} has no content`);
  const total = Number(answer.headers.get('content-length') ?? 0);
  let received = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      const megabytes = (bytes: number) => Math.round(bytes / 1e6);
      context.tick(`fetched ${megabytes(received)} of ${total ? megabytes(total) : '?'} MB`);
      done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(answer.body), count, createWriteStream(file), { signal: context.signal });
}

async function check(file: string, checksumUrl: string, signal: AbortSignal): Promise<void> {
  const published = (await (await get(checksumUrl, signal, 20_000)).text()).trim().split(/\s+/)[0];
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  if (hash.digest('hex') !== published) throw new Error(`the archive's SHA-256 is not the one in ${checksumUrl}`);
}

export function officialDownload(options: {
  name: string;
  version: string;
  size: string;
  time: string;
  /** The archive for this machine; undefined when there is none. */
  archive: Archive | undefined;
}): Fetchable {
  const program = (folder: string) => join(folder, options.name);
  return {
    label: `the official archive of ${options.name} ${options.version}`,
    entry: { name: options.name, version: `${options.version}-${process.platform}-${process.arch}` },
    size: options.size,
    time: options.time,
    obstacle: async (signal) => {
      try {
        if (!options.archive) return `none for ${process.platform} ${process.arch}`;
        await fetch(options.archive.url, {
          method: 'HEAD',
          signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
        });
        return undefined;
      } catch (error) {
        signal.throwIfAborted();
        return unreachable(error);
      }
    },
    build: async (folder, context) => {
      const { archive } = options;
      if (!archive) throw new Error(`none for ${process.platform} ${process.arch}`);
      const file = join(folder, 'archive.tgz');
      await save(archive.url, file, context);
      if (archive.checksumUrl) await check(file, archive.checksumUrl, context.signal);
      context.report('unpacking');
      const strip = archive.topFolder ? ['--strip-components=1'] : [];
      await execa('tar', ['-xzf', file, '-C', folder, ...strip], { cancelSignal: context.signal });
      rmSync(file);
      if (archive.file !== options.name) renameSync(join(folder, archive.file), program(folder));
      await execa(program(folder), ['--version'], { timeout: 20_000 });
    },
    installation: (folder) => ({
      origin: `official archive, in ${folder}`,
      programs: { [options.name]: program(folder) },
      environment: {},
    }),
  };
}
