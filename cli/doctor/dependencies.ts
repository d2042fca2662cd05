/** The other servers, and where pictures are kept. */
import { access, constants, mkdir } from 'node:fs/promises';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import type { Config } from '../../infra/config.ts';
import { createStorage } from '../../infra/storage.ts';
import { connectTemporal } from '../../infra/temporal/client.ts';
import { type Finding, look } from './finding.ts';

const TIMEOUT_MS = 3_000;

export function lookAtRedis(config: Config): Promise<Finding[]> {
  const where = `${config.REDIS_HOST}:${config.REDIS_PORT}`;
  const advice = `Start Redis, or set REDIS_HOST, REDIS_PORT, REDIS_PASSWORD (now ${where}). Chats go on without it; limits then count in each process alone.`;
  return look('Redis', advice, async () => {
    const client = new Redis({
      host: config.REDIS_HOST,
      port: config.REDIS_PORT,
      db: config.REDIS_DATABASE,
      ...(config.REDIS_PASSWORD === '' ? {} : { password: config.REDIS_PASSWORD }),
      lazyConnect: true,
      connectTimeout: TIMEOUT_MS,
      commandTimeout: TIMEOUT_MS,
      retryStrategy: () => null,
    });
    // The rejected connect tells what is wrong; the event would only repeat it.
    client.on('error', () => undefined);
    try {
      await client.connect();
      const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'of unknown version';
      return [{ part: 'Redis', state: 'good', text: `${version} at ${where}` }];
    } finally {
      client.disconnect();
    }
  });
}

export function lookAtMongo(config: Config): Promise<Finding[]> {
  const where = config.MONGODB_URI.replace(/\/\/[^@/]*@/, '//').replace(/\?.*/, '');
  const advice = `Start MongoDB, or set MONGODB_URI (now ${where}). Chats go on without it; the usage log catches up later.`;
  return look('MongoDB', advice, async () => {
    const connection = mongoose.createConnection(config.MONGODB_URI, {
      serverSelectionTimeoutMS: TIMEOUT_MS,
      connectTimeoutMS: TIMEOUT_MS,
    });
    try {
      await connection.asPromise();
      await connection.collection('usage_log').findOne({});
      return [{ part: 'MongoDB', state: 'good', text: where }];
    } finally {
      await connection.destroy(true);
    }
  });
}

export function lookAtTemporal(config: Config): Promise<Finding[]> {
  const { TEMPORAL_ADDRESS: where, TEMPORAL_NAMESPACE: namespace } = config;
  const advice = `Start Temporal, or set TEMPORAL_ADDRESS (now ${where}); make its namespace: temporal operator namespace create -n ${namespace}. Jobs are accepted without it and run once it is back.`;
  return look('Temporal', advice, async () => {
    const temporal = connectTemporal(config);
    try {
      await temporal.ping();
      return [{ part: 'Temporal', state: 'good', text: `namespace ${namespace} at ${where}` }];
    } finally {
      await temporal.close();
    }
  });
}

export function lookAtStorage(config: Config): Promise<Finding[]> {
  const inBucket = config.S3_BUCKET !== '';
  const where = inBucket ? `bucket ${config.S3_BUCKET}` : `folder ${config.STORAGE_FOLDER}`;
  const advice = inBucket
    ? 'Check S3_ENDPOINT, S3_REGION and the keys, and that the bucket exists.'
    : 'Set STORAGE_FOLDER to a folder that API and workers share and may write, or set S3_BUCKET.';
  return look('Pictures', advice, async () => {
    if (!inBucket) {
      await mkdir(config.STORAGE_FOLDER, { recursive: true });
      await access(config.STORAGE_FOLDER, constants.W_OK);
      return [{ part: 'Pictures', state: 'good', text: `${where} can be written` }];
    }
    const storage = await createStorage(config);
    await storage.put('doctor', Buffer.from('looked'), 'text/plain');
    return [{ part: 'Pictures', state: 'good', text: `${where} can be written` }];
  });
}
