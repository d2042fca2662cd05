/** The bytes of a picture that a caller gave as a data URL or an address. */
import { AppError } from '../../../../infra/errors.ts';
import { type Outbound, outboundFailure } from '../../../../infra/outbound.ts';
import { transportFailure } from '../transport-failure.ts';
import type { Picture } from './edit-form.ts';

/** OpenAI takes pictures up to 50 MB; addresses of callers get less (NOTES.md, "Measures"). */
const FETCH_LIMITS = { firstByteMs: 10_000, idleMs: 10_000, totalMs: 10_000, maxBytes: 20 * 1024 * 1024 };
const DATA_URL = /^data:(image\/[\w.+-]+);base64,/i;

export type ReadPicture = (url: string, signal: AbortSignal) => Promise<Picture>;

/** @throws {AppError} invalidParameter for an address that gives no picture. */
export function createPictureReader(outbound: Outbound): ReadPicture {
  return async (url, signal) => {
    const match = DATA_URL.exec(url);
    const mediaType = match?.[1]?.toLowerCase();
    if (match && mediaType) return { bytes: Buffer.from(url.slice(match[0].length), 'base64'), mediaType };
    try {
      return await fetchPicture(outbound, url, signal);
    } catch (error) {
      if (signal.aborted) throw transportFailure(error, signal);
      if (error instanceof AppError && error.kind !== 'proxyFailed') throw error;
      if (outboundFailure(error) === undefined) throw error;
      throw unfetched('could not be fetched', error);
    }
  };
}

async function fetchPicture(outbound: Outbound, url: string, signal: AbortSignal): Promise<Picture> {
  const answer = await outbound.request(url, { signal, limits: FETCH_LIMITS });
  const mediaType = answer.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (answer.status !== 200 || !mediaType.startsWith('image/')) {
    answer.discard();
    const found =
      answer.status === 200 ? `is ${mediaType || 'without a type'}, no picture` : `answers ${answer.status}`;
    throw unfetched(`its address ${found}`);
  }
  return { bytes: new Uint8Array(await answer.bytes()), mediaType };
}

function unfetched(reason: string, cause?: unknown): AppError {
  return new AppError('invalidParameter', `image: ${reason}`, { param: 'image', cause });
}
