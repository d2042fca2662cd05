/**
 * The bytes of images that callers name by address. Callers must never reach a private address through the gateway,
 * not even one that providers may have, so this client calls public addresses only; the one exception is the
 * simulator's own images, where there is a simulator.
 */
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import type { Room } from '../../infra/held-bytes.ts';
import { createOutbound, type Outbound, outboundFailure } from '../../infra/outbound.ts';
import { imageTypeOf } from './image-type.ts';

export interface ImageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mediaType: string;
}

export interface ImageAddress {
  /** http(s) or data URL. */
  readonly url: string;
  /** The field of the request that it comes from. */
  readonly path: string;
  readonly signal: AbortSignal;
  readonly maxBytes?: number;
  readonly room?: Room;
}

/** @throws {AppError} invalidParameter naming the field, for an address that gives no image; upstreamTimeout; what its room throws. */
export type ReadImage = (address: ImageAddress) => Promise<ImageFile>;

export interface ImageReaderDeps {
  /** A client for this address; undefined for one that must not be called. */
  readonly clientFor: (url: string) => Outbound;
  /** An image of ours behind a link of ours, so that what was made can be given back to be changed. */
  readonly stored: (url: string) => Promise<{ bytes: Uint8Array; mediaType: string } | undefined>;
}

const MEGABYTE = 1024 * 1024;
/** The largest image that the vendors take is 20 MB (docs/providers.md). */
export const MAX_IMAGE_BYTES = 20 * MEGABYTE;
const LIMITS = { firstByteMs: 10_000, idleMs: 10_000, totalMs: 10_000 };
const DATA_URL = /^data:(image\/[\w.+-]+);base64,/i;
const SIMULATED_IMAGES = '/pictures/';

export function createImageReader({ clientFor, stored }: ImageReaderDeps): ReadImage {
  return async (address) => {
    const { url, path, signal, room } = address;
    const maxBytes = Math.min(address.maxBytes ?? MAX_IMAGE_BYTES, MAX_IMAGE_BYTES);
    const match = DATA_URL.exec(url);
    const mediaType = match?.[1]?.toLowerCase();
    if (match && mediaType) return { bytes: Buffer.from(url.slice(match[0].length), 'base64'), mediaType };
    const own = await stored(url);
    if (own) {
      room?.take(own.bytes.length);
      return { bytes: new Uint8Array(own.bytes), mediaType: own.mediaType };
    }
    try {
      return await fetched(clientFor(url), { ...address, maxBytes });
    } catch (error) {
      if (error instanceof AppError && error.kind !== 'proxyFailed') throw error;
      if (signal.aborted)
        throw new AppError('upstreamTimeout', `${path}: no time was left to read it`, { cause: error });
      if (outboundFailure(error) === undefined) throw error;
      // One text for all causes: a caller must not learn what is inside our network.
      const reason = 'its address could not be read; it must be a public http or https one and answer within 10 s';
      throw unusable(path, reason, error);
    }
  };
}

/** Clients that reach public addresses only, and on the simulator nothing but its images. */
export function createImageClients(config: Pick<Config, 'SIMULATOR_URL'>) {
  const open = createOutbound({ OUTBOUND_PRIVATE_HOSTS: [], SIMULATOR_URL: '' });
  const { SIMULATOR_URL } = config;
  const simulated = SIMULATOR_URL === '' ? undefined : createOutbound({ OUTBOUND_PRIVATE_HOSTS: [], SIMULATOR_URL });
  return {
    clientFor: (url: string): Outbound => (simulated && isSimulatedImage(url, SIMULATOR_URL) ? simulated : open),
    close: async () => {
      await Promise.all([open.close(), simulated?.close()]);
    },
  };
}

function isSimulatedImage(text: string, simulatorUrl: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.origin === new URL(simulatorUrl).origin && url.pathname.startsWith(SIMULATED_IMAGES);
}

async function fetched(
  outbound: Outbound,
  { url, path, signal, maxBytes, room }: ImageAddress & { readonly maxBytes: number },
): Promise<ImageFile> {
  const answer = await outbound.request(url, { signal, limits: LIMITS });
  if (answer.status !== 200) {
    answer.discard();
    throw unusable(path, `its address answers ${answer.status}`);
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of answer.stream) {
    size += piece.length;
    if (size > maxBytes) throw unusable(path, `its address gives more than ${maxBytes / MEGABYTE} MB`);
    room?.take(piece.length);
    pieces.push(piece);
  }
  const bytes = new Uint8Array(Buffer.concat(pieces, size));
  const mediaType = imageTypeOf(bytes);
  if (mediaType === undefined) throw unusable(path, 'its address gives no PNG, JPEG, GIF, WebP or BMP image');
  return { bytes, mediaType };
}

function unusable(path: string, reason: string, cause?: unknown): AppError {
  return new AppError('invalidParameter', `${path}: ${reason}`, { param: path, cause });
}
