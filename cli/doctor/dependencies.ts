/** Redis, MongoDB, and the storage of images. */
import { access, constants, mkdir } from 'node:fs/promises';
import { z } from 'zod';
import type { Config } from '../../infra/config.ts';
import { mongoAdvice, openMongo } from '../../infra/mongo/connection.ts';
import { openRedis, redisAdvice } from '../../infra/redis/connection.ts';
import { createStorage } from '../../infra/storage.ts';
import { connectionText, type Finding, look, TIMEOUT_MS } from './finding.ts';

/** A busy server answers late. */

export function lookAtRedis(config: Config): Promise<Finding[]> {
  const sentinels = config.REDIS_SENTINELS.map(({ host, port }) => `${host}:${port}`).join(', ');
  const where = sentinels
    ? `master ${config.REDIS_SENTINEL_MASTER} of the Sentinels ${sentinels}`
    : `${config.REDIS_HOST}:${config.REDIS_PORT}`;
  const names = sentinels ? 'REDIS_SENTINELS, REDIS_SENTINEL_MASTER' : 'REDIS_HOST, REDIS_PORT';
  const advice = `Start Redis, or set ${names}, REDIS_USERNAME, REDIS_PASSWORD (now ${where}). Chats go on without it; limits then count in each process alone.`;
  const find = async (): Promise<Finding[]> => {
    const client = await openRedis(config, TIMEOUT_MS);
    try {
      const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'of unknown version';
      const user = config.REDIS_USERNAME || 'default';
      const text = `${version} at ${where}, ${connectionText(config.REDIS_TLS, user)}`;
      return [{ part: 'Redis', state: 'good', text }];
    } finally {
      client.disconnect();
    }
  };
  return look('Redis', advice, find, (error) => redisAdvice(error, config));
}

const connectionStatus = z.object({
  authInfo: z.object({ authenticatedUsers: z.array(z.object({ user: z.string(), db: z.string() })).nullish() }),
});

export function lookAtMongo(config: Config): Promise<Finding[]> {
  const where = config.MONGODB_URI.replace(/\/\/[^@/]*@/, '//').replace(/\?.*/, '');
  const advice = `Start MongoDB, or set MONGODB_URI (now ${where}). Chats go on without it; the usage log catches up later.`;
  const find = async (): Promise<Finding[]> => {
    const connection = await openMongo(config, TIMEOUT_MS);
    try {
      await connection.collection('usage_log').findOne({});
      const { authInfo } = connectionStatus.parse(await connection.db?.command({ connectionStatus: 1 }));
      const [user] = authInfo.authenticatedUsers ?? [];
      const encrypted = connection.getClient().options.tls;
      const as = user ? `${user.user} of ${user.db}` : 'nobody';
      return [{ part: 'MongoDB', state: 'good', text: `${where}, ${connectionText(encrypted, as)}` }];
    } finally {
      await connection.destroy(true);
    }
  };
  return look('MongoDB', advice, find, (error) => mongoAdvice(error, config));
}

export function lookAtStorage(config: Config): Promise<Finding[]> {
  const inBucket = config.S3_BUCKET !== '';
  const where = inBucket ? `bucket ${config.S3_BUCKET}` : `folder ${config.STORAGE_FOLDER}`;
  const advice = inBucket
    ? 'Check S3_ENDPOINT, S3_REGION and the keys, and that the bucket exists.'
    : 'Set STORAGE_FOLDER to a folder that API and workers share and may write, or set S3_BUCKET.';
  return look('Images', advice, async () => {
    if (!inBucket) {
      await mkdir(config.STORAGE_FOLDER, { recursive: true });
      await access(config.STORAGE_FOLDER, constants.W_OK);
      return [{ part: 'Images', state: 'good', text: `${where} can be written` }];
    }
    const storage = await createStorage(config);
    await storage.put('doctor', Buffer.from('looked'), 'text/plain');
    return [{ part: 'Images', state: 'good', text: `${where} can be written` }];
  });
}
