/** Reading the bytes of a request: bounded in size, in time, and in what all requests together hold. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../infra/errors.ts';
import { heldByRequests } from '../../infra/held-bytes.ts';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;

/**
 * In each stretch of this time so much must come or the body end: 4 KB a second, less than the slowest mobile network.
 * So a small body is there within one stretch, and an image may take its time.
 */
const STRETCH_MS = 15_000;
const BYTES_A_STRETCH = 60 * KILOBYTE;
/** Five minutes for a whole body; the largest one needs 70 KB a second then. */
const MOST_STRETCHES = 20;
/** How long a client may go on sending a body that nobody reads; closing at once would reset it before it reads why. */
const LINGER_MS = 5_000;

export const EMPTY_BODY: Buffer = Buffer.alloc(0);

export interface BodyLimits {
  /** Of this body. */
  readonly bytes: number;
  readonly togetherBytes?: number;
  /** Who sends it; undefined = nobody has signed in, which only small bodies do. */
  readonly userId?: number | undefined;
}

/**
 * The whole body. One that is too large is refused before it is read where its length is announced.
 * @throws {AppError} tooLarge; malformedBody for one that is cut off or comes too slowly; unsupportedMediaType for a
 * compressed one; unavailable while the bodies of all requests take too much memory, tooManyRequests while
 * those of one user do.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits,
): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits.bytes) throw tooLarge(limits.bytes);
  if (announced === 0 && request.headers['transfer-encoding'] === undefined) return EMPTY_BODY;
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new AppError('unsupportedMediaType', 'a compressed body is not supported: send it as it is');
  }
  if (response.destroyed) throw cutOff();
  return collect(request, response, limits);
}

/** Throws away what still comes of a body that nobody reads, for a while; then the connection ends. */
export function discardRest(request: IncomingMessage): void {
  if (request.complete) return;
  const cut = setTimeout(() => request.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(cut));
  request.resume();
}

/** "20 MB", "16 KB". */
export function sizeText(bytes: number): string {
  return bytes >= MEGABYTE ? `${bytes / MEGABYTE} MB` : `${bytes / KILOBYTE} KB`;
}

function tooLarge(limitBytes: number): AppError {
  return new AppError(
    'tooLarge',
    `the request body is larger than ${sizeText(limitBytes)}, the most that is taken here`,
  );
}

function collect(request: IncomingMessage, response: ServerResponse, limits: BodyLimits): Promise<Buffer> {
  const { bytes: limitBytes, togetherBytes, userId } = limits;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let sizeBefore = 0;
    let stretches = 0;
    const pace = setInterval(() => {
      stretches += 1;
      const isSlow = size - sizeBefore < BYTES_A_STRETCH || stretches >= MOST_STRETCHES;
      if (isSlow) stop(new AppError('malformedBody', 'the request body comes too slowly'));
      sizeBefore = size;
    }, STRETCH_MS);
    const stop = (error: AppError): void => {
      clearInterval(pace);
      request.off('data', onData);
      chunks.length = 0;
      request.resume();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      const refusal = heldByRequests.take(userId, chunk.length, togetherBytes);
      if (size > limitBytes) stop(tooLarge(limitBytes));
      else if (refusal) stop(refusal);
      else chunks.push(chunk);
    };
    request.on('data', onData);
    response.once('close', () => {
      heldByRequests.giveBack(userId, size);
    });
    request.once('end', () => {
      clearInterval(pace);
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size));
    });
    request.once('error', (cause) => stop(cutOff(cause)));
  });
}

function cutOff(cause?: Error): AppError {
  return new AppError('malformedBody', 'the request body was cut off', { cause });
}
