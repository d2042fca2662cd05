/** Where images are stored: a folder, or an S3-compatible bucket. */
import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config } from './config.ts';

export type StorageConfig = Pick<
  Config,
  'STORAGE_FOLDER' | 'S3_BUCKET' | 'S3_ENDPOINT' | 'S3_REGION' | 'S3_ACCESS_KEY_ID' | 'S3_SECRET_ACCESS_KEY'
>;

export interface Storage {
  /** Idempotent: the same key is written over. */
  put(key: string, bytes: Uint8Array, mediaType: string): Promise<void>;
  /** @returns undefined when there is nothing under the key. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Idempotent: a missing file counts as removed. */
  remove(key: string): Promise<void>;
}

/** @param key made by us: letters, digits, `/`, `-`, `_` and `.` */
function pathOf(folder: string, key: string): string {
  const path = resolve(folder, key);
  if (!path.startsWith(resolve(folder))) throw new Error('a storage key must stay in its folder');
  return path;
}

function folderStorage(folder: string): Storage {
  return {
    async put(key, bytes) {
      const path = pathOf(folder, key);
      await mkdir(dirname(path), { recursive: true });
      const partial = `${path}.${process.pid}.part`;
      await writeFile(partial, bytes);
      await rename(partial, path);
    },
    async get(key) {
      try {
        return await readFile(pathOf(folder, key));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async remove(key) {
      const path = pathOf(folder, key);
      await rm(path, { force: true });
      // The folder of its call may hold other images, or may not exist any more.
      await rmdir(dirname(path)).catch(() => undefined);
    },
  };
}

/** The SDK takes half a second to load, which only installations that use it need to wait for. */
async function bucketStorage(config: StorageConfig): Promise<Storage> {
  const { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } = await import(
    '@aws-sdk/client-s3'
  );
  const client = new S3Client({
    region: config.S3_REGION,
    ...(config.S3_ENDPOINT === '' ? {} : { endpoint: config.S3_ENDPOINT, forcePathStyle: true }),
    ...(config.S3_ACCESS_KEY_ID === ''
      ? {}
      : { credentials: { accessKeyId: config.S3_ACCESS_KEY_ID, secretAccessKey: config.S3_SECRET_ACCESS_KEY } }),
  });
  const Bucket = config.S3_BUCKET;
  return {
    async put(key, bytes, mediaType) {
      await client.send(new PutObjectCommand({ Bucket, Key: key, Body: bytes, ContentType: mediaType }));
    },
    async get(key) {
      try {
        const answer = await client.send(new GetObjectCommand({ Bucket, Key: key }));
        return await answer.Body?.transformToByteArray();
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async remove(key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key: key }));
    },
  };
}

export async function createStorage(config: StorageConfig): Promise<Storage> {
  if (config.S3_BUCKET !== '') return bucketStorage(config);
  return folderStorage(join(resolve(config.STORAGE_FOLDER), 'pictures'));
}
