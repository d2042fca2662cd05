/** Reading the bytes of a request, bounded in size. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../infra/errors.ts';

const MEGABYTE = 1024 * 1024;
/** Bytes of a request body; a base64 picture of the largest accepted size fits. */
const BODY_LIMIT_BYTES = 20 * MEGABYTE;

export const EMPTY_BODY: Buffer = Buffer.alloc(0);

function tooLarge(): AppError {
  return new AppError('tooLarge', `the request body is larger than ${BODY_LIMIT_BYTES / MEGABYTE} MB`);
}

/** How long a client may go on sending a body that was refused; closing at once would reset it before it reads why. */
const LINGER_MS = 5_000;

/** Throws away what still comes of a refused body, for a while; then the connection ends. */
export function discardRest(request: IncomingMessage): void {
  const cut = setTimeout(() => request.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(cut));
  request.resume();
}

/** The whole body. A body that is too large is refused before it is read where its length is announced. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > BODY_LIMIT_BYTES) throw tooLarge();
  if (announced === 0 && request.headers['transfer-encoding'] === undefined) return EMPTY_BODY;
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new AppError('unsupportedMediaType', `Content-Encoding ${encoding} is not supported: send the body as it is`);
  }
  return collect(request);
}

function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (error: AppError): void => {
      request.off('data', onData);
      request.resume();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > BODY_LIMIT_BYTES) stop(tooLarge());
      else chunks.push(chunk);
    };
    request.on('data', onData);
    request.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)));
    request.once('error', (cause) => stop(new AppError('malformedBody', 'the request body was cut off', { cause })));
  });
}
