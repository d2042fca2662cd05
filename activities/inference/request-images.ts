/**
 * Images that a request names by address: fetched by us and given to the provider as data URLs, or passed on as
 * addresses by setting. A request without such an image is given back as it is.
 */
import { MAX_IMAGE_BYTES, type ReadImage } from '../../core/images/image-reader.ts';
import type { ChatBody, ImageRequest } from '../../core/providers/provider.ts';
import type { Config } from '../../infra/config.ts';
import { invalid } from '../../infra/errors.ts';
import type { Room } from '../../infra/held-bytes.ts';

export interface RequestImages {
  /** @throws {AppError} invalidParameter for an address that gives no image; what the room throws. */
  ofChat(body: ChatBody, signal: AbortSignal, room: Room): Promise<ChatBody>;
  /** @throws {AppError} as of a chat. */
  ofImage(request: ImageRequest, signal: AbortSignal, room: Room): Promise<ImageRequest>;
}

/** Bounds what one request may have fetched and held in memory. */
const MOST_ADDRESSES = 16;
const MOST_BYTES_TOGETHER = 2 * MAX_IMAGE_BYTES;
const ADDRESS = /^https?:\/\//i;

export function createRequestImages(readImage: ReadImage, mode: Config['IMAGE_URLS']): RequestImages {
  if (mode === 'pass') return { ofChat: async (body) => body, ofImage: async (request) => request };
  return {
    async ofChat(body, signal, room) {
      const addresses = addressesIn(body);
      if (addresses.length === 0) return body;
      const dataUrls = await fetchAll(readImage, addresses, { signal, room });
      return { ...body, messages: withDataUrls(body.messages, dataUrls) };
    },
    async ofImage(request, signal, room) {
      const urls = request.mask === undefined ? request.images : [...request.images, request.mask];
      const addresses = urls.filter((url) => ADDRESS.test(url)).map((url) => ({ url, path: 'image' }));
      if (addresses.length === 0) return request;
      const dataUrls = await fetchAll(readImage, addresses, { signal, room });
      const given = (url: string) => dataUrls.get(url) ?? url;
      const mask = request.mask === undefined ? {} : { mask: given(request.mask) };
      return { ...request, images: request.images.map(given), ...mask };
    },
  };
}

interface Address {
  readonly url: string;
  readonly path: string;
}

/** @returns the data URL of each address; one that is named twice is fetched once. */
async function fetchAll(
  readImage: ReadImage,
  addresses: readonly Address[],
  held: { readonly signal: AbortSignal; readonly room: Room },
): Promise<Map<string, string>> {
  const different = new Map(addresses.map((address) => [address.url, address]));
  if (different.size > MOST_ADDRESSES) {
    const path = addresses.at(-1)?.path ?? 'image';
    throw invalid([{ path, message: `at most ${MOST_ADDRESSES} images may be given by address` }]);
  }
  const maxBytes = Math.min(MAX_IMAGE_BYTES, Math.floor(MOST_BYTES_TOGETHER / different.size));
  const read = await Promise.all(
    Array.from(different.values(), async ({ url, path }) => {
      const { bytes, mediaType } = await readImage({ url, path, maxBytes, ...held });
      return [url, `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`] as const;
    }),
  );
  return new Map(read);
}

function addressesIn({ messages }: ChatBody): Address[] {
  return messages.flatMap((message, index) =>
    partsOf(message).flatMap((part, place) => {
      const url = urlOfPart(part);
      if (url === undefined || !ADDRESS.test(url)) return [];
      return [{ url, path: `messages[${index}].content[${place}].image_url` }];
    }),
  );
}

function withDataUrls(messages: readonly unknown[], dataUrls: ReadonlyMap<string, string>): unknown[] {
  return messages.map((message) => {
    const parts = partsOf(message);
    if (parts.length === 0 || typeof message !== 'object') return message;
    const content = parts.map((part) => {
      const dataUrl = dataUrls.get(urlOfPart(part) ?? '');
      return dataUrl === undefined ? part : { ...asObject(part), image_url: { ...imageOf(part), url: dataUrl } };
    });
    return { ...message, content };
  });
}

function partsOf(message: unknown): readonly unknown[] {
  const { content } = asObject(message);
  return Array.isArray(content) ? content : [];
}

function imageOf(part: unknown): Record<string, unknown> {
  return asObject(asObject(part).image_url);
}

function urlOfPart(part: unknown): string | undefined {
  const { url } = imageOf(part);
  return typeof url === 'string' ? url : undefined;
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
