/**
 * Images that providers made. Their links end after a day, so each is copied to storage of ours; where that fails,
 * the provider's own link is given, and never is a delivered image dropped.
 */
import type { Sequelize } from 'sequelize';
import { newId } from '../../infra/ids.ts';
import type { Logger } from '../../infra/logger.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import type { Outbound } from '../../infra/outbound.ts';
import type { Storage } from '../../infra/storage.ts';
import { inSpan } from '../../infra/telemetry/spans.ts';
import type { ImageLinks } from './image-links.ts';
import { imageTypeOf } from './image-type.ts';

const DOWNLOAD = { firstByteMs: 10_000, idleMs: 10_000, totalMs: 30_000, maxBytes: 40 * 1024 * 1024 };
const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/bmp': 'bmp',
};

/** An image of a provider's answer. */
export type DeliveredImage =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'base64'; readonly data: string; readonly mediaType: string };

/** An image as it is given on: our link, and its bytes where they are at hand. */
export interface KeptImage {
  /** In our storage; undefined when it could not be copied. */
  readonly id: string | undefined;
  readonly url: string;
  readonly bytes: Uint8Array | undefined;
}

const stored = rowOf({ storageKey: column.text, mediaType: column.text });
const place = rowOf({ id: column.text, storageKey: column.text });

export interface StoredImagesDeps {
  readonly sequelize: Sequelize;
  readonly storage: Storage;
  readonly outbound: Outbound;
  readonly links: ImageLinks;
}

/** The call or job that the images were made for; `log` is the one of its trace. */
export interface KeepingCall {
  readonly requestId: string;
  readonly log: () => Logger;
}

export class StoredImages {
  readonly #deps: StoredImagesDeps;

  constructor(deps: StoredImagesDeps) {
    this.#deps = deps;
  }

  /** Keeps all images of one call; the order stays. Never throws for an image that cannot be copied. */
  keep(delivered: readonly DeliveredImage[], userId: number, call: KeepingCall): Promise<KeptImage[]> {
    return Promise.all(delivered.map((image) => this.#keep(image, userId, call)));
  }

  /** The stored image behind a good link; undefined when it is gone. */
  async read(imageId: string): Promise<{ bytes: Uint8Array; mediaType: string } | undefined> {
    const sql = `SELECT ${stored.columns} FROM stored_images WHERE id=?`;
    const [found] = await select(this.#deps.sequelize, stored.read, sql, [imageId]);
    if (!found) return undefined;
    const bytes = await this.#deps.storage.get(found.storageKey);
    return bytes && { bytes, mediaType: found.mediaType };
  }

  /** The stored image that an address of ours leads to; undefined for any other address. */
  async behind(url: string): Promise<{ bytes: Uint8Array; mediaType: string } | undefined> {
    const imageId = this.#deps.links.imageIdOf(url, Date.now());
    return imageId === undefined ? undefined : this.read(imageId);
  }

  /** Removes the images that these calls or jobs made. Idempotent. @returns how many there were. */
  async removeOf(requestIds: readonly string[]): Promise<number> {
    if (requestIds.length === 0) return 0;
    return this.#remove('request_id IN (:requestIds)', { requestIds });
  }

  /** Removes at most `limit` images that were made so long ago. Idempotent. @returns how many. */
  removeOlderThan(seconds: number, limit: number): Promise<number> {
    return this.#remove('created_at < NOW(3) - INTERVAL :seconds SECOND ORDER BY created_at LIMIT :limit', {
      seconds,
      limit,
    });
  }

  /** The image goes before its row: a round that is cut short leaves nothing that no row names. */
  async #remove(where: string, replacements: Record<string, unknown>): Promise<number> {
    const { sequelize, storage } = this.#deps;
    const sql = `SELECT ${place.columns} FROM stored_images WHERE ${where}`;
    const places = await select(sequelize, place.read, sql, replacements);
    if (places.length === 0) return 0;
    for (const { storageKey } of places) await storage.remove(storageKey);
    await change(sequelize, 'DELETE FROM stored_images WHERE id IN (:ids)', { ids: places.map(({ id }) => id) });
    return places.length;
  }

  async #keep(image: DeliveredImage, userId: number, { requestId, log }: KeepingCall): Promise<KeptImage> {
    try {
      return await inSpan(
        'store picture',
        () => ({ 'gateway.picture.source': image.kind }),
        async (span) => {
          const { bytes, mediaType } = await this.#bytesOf(image);
          span.set({ 'gateway.picture.media_type': mediaType, 'gateway.picture.bytes': bytes.byteLength });
          const id = newId();
          const key = `${requestId}/${id}.${EXTENSIONS[mediaType] ?? 'bin'}`;
          // The row comes first: what retention removes is what rows name.
          await this.#remember({ id, requestId, userId, key, mediaType, bytes: bytes.byteLength, image });
          await this.#deps.storage.put(key, bytes, mediaType);
          return { id, url: this.#deps.links.make(id, Date.now()), bytes };
        },
      );
    } catch (err) {
      log().warn({ err, requestId }, 'an image was not copied; its own link is given');
      if (image.kind === 'url') return { id: undefined, url: image.url, bytes: undefined };
      const url = `data:${image.mediaType};base64,${image.data}`;
      return { id: undefined, url, bytes: Buffer.from(image.data, 'base64') };
    }
  }

  async #bytesOf(image: DeliveredImage): Promise<{ bytes: Uint8Array; mediaType: string }> {
    if (image.kind === 'base64') return { bytes: Buffer.from(image.data, 'base64'), mediaType: image.mediaType };
    const answer = await this.#deps.outbound.request(image.url, { limits: DOWNLOAD });
    if (answer.status !== 200) {
      answer.discard();
      throw new Error(`the image's link answered ${answer.status}`);
    }
    const bytes = await answer.bytes();
    const mediaType = imageTypeOf(bytes);
    if (mediaType === undefined) throw new Error('the link does not lead to an image');
    return { bytes, mediaType };
  }

  async #remember(picked: {
    id: string;
    requestId: string;
    userId: number;
    key: string;
    mediaType: string;
    bytes: number;
    image: DeliveredImage;
  }): Promise<void> {
    const { id, requestId, userId, key, mediaType, bytes, image } = picked;
    const source = image.kind === 'url' ? image.url : null;
    await change(
      this.#deps.sequelize,
      `INSERT INTO stored_images (id,request_id,user_id,source_url,storage_key,media_type,bytes,created_at)
       VALUES (?,?,?,?,?,?,?,NOW(3))`,
      [id, requestId, userId, source, key, mediaType, bytes],
    );
  }
}
