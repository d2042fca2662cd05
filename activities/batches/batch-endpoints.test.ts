import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimRequest } from '../../core/ledger/idempotency.ts';
import { AppError } from '../../infra/errors.ts';
import { createLogger } from '../../infra/logger.ts';
import { batchEndpoints } from './batch-endpoints.ts';
import { callerOf } from './memory-batch.fixture.ts';

test('vectors that are too many to be kept are refused before their call, which would be paid for and lost', async () => {
  const caller = await callerOf(1, 1);
  const asked: number[] = [];
  const endpoints = batchEndpoints({
    chat: { complete: () => assert.fail('no chat was asked for') },
    embeddings: {
      embed: ({ request: { input } }) => {
        asked.push(input.length);
        return Promise.reject(new AppError('upstreamError', 'asked'));
      },
    },
    costShown: undefined,
  });
  const refused = async (inputs: number, fields: object = {}) => {
    const body = { model: 'm', input: Array.from({ length: inputs }, () => 'text'), ...fields };
    const claim = claimRequest('b1', 'batch:0', Buffer.from('{}'), 'id');
    const from = { holdId: 'h', amount: 1n };
    const line = {
      caller,
      traceId: 't',
      batchId: 'b',
      requestId: 'id',
      body,
      claim,
      from,
      log: createLogger('silent'),
    };
    let error: unknown;
    try {
      await endpoints['/v1/embeddings'](line);
    } catch (reason) {
      error = reason;
    }
    assert.ok(error instanceof AppError);
    return error.kind === 'upstreamError' ? false : error.details.errors?.[0]?.path;
  };
  assert.deepEqual([await refused(14), await refused(15)], [false, 'input'], 'numbers as text, of the largest model');
  assert.deepEqual(
    [await refused(700, { dimensions: 256 }), await refused(711, { dimensions: 256 })],
    [false, 'input'],
  );
  const encoding = { encoding_format: 'base64' };
  assert.deepEqual([await refused(60, encoding), await refused(61, encoding)], [false, 'input']);
  assert.deepEqual(asked, [14, 700, 60]);
});
