/** The servers of the local stack: their settings, and that they come back with their data after a kill -9. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { createConnection } from 'mysql2/promise';
import { testStack } from '../../devstack/test-stack.ts';

const stack = testStack();
const { environment } = stack;

async function query(sql: string): Promise<unknown> {
  const connection = await createConnection({
    host: environment.DB_HOST ?? '',
    port: Number(environment.DB_PORT),
    user: environment.DB_USER ?? '',
    password: environment.DB_PASSWORD ?? '',
    database: environment.DB_NAME ?? '',
  });
  try {
    const [rows] = await connection.query(sql);
    return rows;
  } finally {
    await connection.end();
  }
}

async function withRedis<T>(use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ host: environment.REDIS_HOST ?? '', port: Number(environment.REDIS_PORT) });
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

async function withMongo<T>(use: (connection: mongoose.Connection) => Promise<T>): Promise<T> {
  const connection = await mongoose.createConnection(environment.MONGODB_URI ?? '').asPromise();
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

async function describeNamespace() {
  const connection = await Connection.connect({ address: environment.TEMPORAL_ADDRESS ?? '' });
  try {
    const namespace = environment.TEMPORAL_NAMESPACE ?? '';
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return { retentionSeconds: Number(config?.workflowExecutionRetentionTtl?.seconds), customAttributes };
  } finally {
    await connection.close();
  }
}

test('MySQL has every commit on disk, keeps UTC and is strict', async () => {
  const settings = await query(
    'SELECT @@innodb_flush_log_at_trx_commit AS flush, @@innodb_doublewrite AS doublewrite, @@time_zone AS zone, ' +
      "INSTR(@@sql_mode, 'STRICT_TRANS_TABLES') > 0 AS strict",
  );
  // MariaDB says 1 where MySQL says ON.
  const [row] = settings as [{ flush: number; doublewrite: unknown; zone: string; strict: number }];
  assert.deepEqual(
    { ...row, doublewrite: [1, 'ON'].includes(row.doublewrite as never) },
    {
      flush: 1,
      doublewrite: true,
      zone: '+00:00',
      strict: 1,
    },
  );
});

test('Temporal keeps ended workflows for 30 days and knows the search attributes', async () => {
  const { retentionSeconds, customAttributes } = await describeNamespace();
  assert.equal(retentionSeconds, 30 * 24 * 3_600);
  for (const name of ['Modality', 'UserId', 'Model', 'Provider', 'OrderNo']) assert.ok(name in customAttributes, name);
});

test('MySQL comes back with its data after a kill -9', async () => {
  await query('CREATE TABLE IF NOT EXISTS survives_a_kill (id BIGINT PRIMARY KEY)');
  await query('REPLACE INTO survives_a_kill VALUES (42)');
  await stack.part('mysql').kill('SIGKILL');
  // What a killed MySQL leaves, when its pid has gone to another process since: here, to Redis.
  writeFileSync(join(stack.dataFolder, 'mysql/data/server.sock.lock'), `${stack.part('redis').pid}\n`);
  // Refused or reset: the kernel may still be taking its socket down.
  await assert.rejects(query('SELECT 1'));
  await stack.part('mysql').start();
  assert.deepEqual(await query('SELECT id FROM survives_a_kill'), [{ id: 42 }]);
  await query('DROP TABLE survives_a_kill');
});

test('Redis comes back with its data after an orderly stop', async () => {
  await withRedis((client) => client.set('test:survives', 'yes'));
  await stack.part('redis').stop();
  assert.equal(stack.part('redis').pid, undefined);
  await stack.part('redis').start();
  assert.equal(await withRedis((client) => client.get('test:survives')), 'yes');
  await withRedis((client) => client.del('test:survives'));
});

test('the MongoDB wire comes back with its documents after a kill -9', async () => {
  await withMongo((connection) => connection.collection('survives').insertOne({ requestId: 'r1', costNano: 7 }));
  await stack.part('mongo').kill('SIGKILL');
  await stack.part('mongo').start();
  const found = await withMongo((connection) => connection.collection('survives').findOne({ requestId: 'r1' }));
  assert.equal(found?.costNano, 7);
  await withMongo((connection) => connection.collection('survives').drop());
});

test('Temporal comes back with its settings after a kill -9', async () => {
  await stack.part('temporal').kill('SIGKILL');
  await stack.part('temporal').start();
  assert.equal((await describeNamespace()).retentionSeconds, 30 * 24 * 3_600);
});
