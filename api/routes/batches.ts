/** Batches in OpenAI's form: thousands of requests in a file, answered within a day. */
import { z } from 'zod';
import { BATCH_ENDPOINTS } from '../../activities/batches/batch-lines.ts';
import type { BatchView } from '../../activities/batches/batches.ts';
import { jsonObjectInput, optional } from '../http/fields.ts';
import { OPENAI } from '../http/forms.ts';
import { type Route, route } from '../http/route.ts';
import { type BatchServices, expiresAfter, listed, listOf, listQuery, objectId, seconds } from './files.ts';

const TAG = 'Batches';
const params = z.object({ batchId: objectId.describe('Id of the batch') });
/** As at OpenAI. */
const MOST_METADATA = 16;
const endpoint = z.enum(BATCH_ENDPOINTS).describe('What all of its lines ask');
const inputFile = objectId.describe('Id of a file of the purpose batch: one request a line');
const body = z.object({
  input_file_id: inputFile,
  endpoint,
  completion_window: z.literal('24h').nullish().describe('Always 24h'),
  output_expires_after: expiresAfter.nullish().describe('When the files of its answers and errors are removed'),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((given) => Object.keys(given).length <= MOST_METADATA, `must have at most ${MOST_METADATA} entries`)
    .meta({ maxProperties: MOST_METADATA })
    .nullish()
    .describe('Of the caller, given back as it is'),
});

const time = (description: string) =>
  z.number().int().nullable().describe(`${description}, in seconds since 1970; null before`);
const batchSchema = z
  .object({
    id: z.string().describe('Id of the batch'),
    object: z.literal('batch').describe('Always batch'),
    endpoint: z.string().describe('What all of its lines ask'),
    errors: z
      .object({
        object: z.literal('list').describe('Always list'),
        data: z
          .array(
            z.object({
              code: z.string().describe('What is wrong'),
              message: z.string().describe('The same in words'),
              line: z.number().int().nullable().describe('Line of the file, from 1'),
              param: z.string().nullable().describe('The wrong field'),
            }),
          )
          .describe('At most 20'),
      })
      .nullable()
      .describe('Why the batch failed or was stopped; null for any other'),
    input_file_id: z.string().describe('Id of the file with the requests'),
    completion_window: z.literal('24h').describe('Always 24h'),
    status: z
      .string()
      .describe('validating, failed, in_progress, finalizing, completed, expired, cancelling, cancelled'),
    output_file_id: z.string().nullable().describe('Id of the file with the answers, in the order of the requests'),
    error_file_id: z.string().nullable().describe('Id of the file with what failed or was not run'),
    created_at: z.number().int().describe('When it was made, in seconds since 1970'),
    in_progress_at: time('When it began'),
    expires_at: z.number().int().describe('When its time is over, in seconds since 1970'),
    finalizing_at: time('When all lines had been run'),
    completed_at: time('When it was completed'),
    failed_at: time('When it failed'),
    expired_at: time('When it expired'),
    cancelling_at: time('When it was cancelled'),
    cancelled_at: time('When the last line had ended after that'),
    request_counts: z
      .object({
        total: z.number().int().describe('Lines'),
        completed: z.number().int().describe('Lines with an answer'),
        failed: z.number().int().describe('Lines with an error'),
      })
      .describe('How far it is'),
    metadata: z.record(z.string(), z.unknown()).nullable().describe('As it was given'),
  })
  .meta({ id: 'Batch' });

export function batchRoutes({ batches }: BatchServices): Route[] {
  const common = { tag: TAG, access: 'access-key', form: OPENAI, unknownFields: 'ignored' } as const;
  return [
    route({
      ...common,
      method: 'post',
      path: '/v1/batches',
      operationId: 'createBatch',
      summary: 'Run the requests of a file, under OpenAI’s own path',
      body,
      idempotent: true,
      success: batchSchema,
      handler: async ({ body: asked, caller, traceId, operationId }) => {
        const { endpoint: of, input_file_id: inputFileId, metadata = null, output_expires_after: kept } = asked;
        const request = { operationId, inputFileId, endpoint: of, metadata, traceId };
        return batchRecord(await batches.create(caller, { ...request, outputKeptSeconds: kept?.seconds }));
      },
    }),
    route({
      ...common,
      method: 'get',
      path: '/v1/batches',
      operationId: 'listBatches',
      summary: 'Own batches, the newest first',
      query: z.object(listQuery('batch')),
      success: listOf(batchSchema),
      handler: async ({ caller, query: { limit, after } }) =>
        listed((await batches.list(caller.userId, after, limit + 1)).map(batchRecord), limit),
    }),
    route({
      ...common,
      method: 'get',
      path: '/v1/batches/{batchId}',
      operationId: 'getBatch',
      summary: 'How far a batch is',
      params,
      success: batchSchema,
      handler: async ({ caller, params: { batchId } }) => batchRecord(await batches.get(batchId, caller.userId)),
    }),
    route({
      ...common,
      method: 'post',
      path: '/v1/batches/{batchId}/cancel',
      operationId: 'cancelBatch',
      summary: 'Run no further lines; those that run end and are charged',
      params,
      success: batchSchema,
      handler: async ({ caller, params: { batchId } }) => batchRecord(await batches.cancel(batchId, caller.userId)),
    }),
    route({
      method: 'post',
      path: '/v1/async/batches',
      operationId: 'submitBatch',
      summary: 'Run the requests of a file; GET /v1/batches/{id} shows how far it is',
      tag: TAG,
      access: 'access-key',
      unknownFields: 'ignored',
      body: z.object({
        inputFileId: inputFile,
        endpoint,
        metadata: optional(jsonObjectInput).describe('Of the caller, given back as it is'),
      }),
      idempotent: true,
      status: 202,
      success: z.object({
        batchId: z.string().describe('Id of the batch'),
        status: z.string().describe('validating'),
        message: z.string().describe('The outcome in words'),
      }),
      handler: async ({ body: asked, caller, traceId, operationId }) => {
        const { inputFileId, endpoint: of, metadata = null } = asked;
        const request = { operationId, inputFileId, endpoint: of, metadata, traceId };
        const { id, status } = await batches.create(caller, request);
        return { batchId: id, status, message: 'accepted' };
      },
    }),
  ];
}

function batchRecord(batch: BatchView): z.output<typeof batchSchema> {
  const { id, endpoint: of, errors, inputFileId, status, outputFileId, errorFileId, metadata } = batch;
  const at = (moment: Date | null) => (moment === null ? null : seconds(moment));
  const endedAs = (as: string) => (status === as ? at(batch.endedAt) : null);
  return {
    ...{ id, object: 'batch', endpoint: of, errors: errors && { object: 'list', data: errors } },
    ...{ input_file_id: inputFileId, completion_window: '24h', status },
    ...{ output_file_id: outputFileId, error_file_id: errorFileId },
    ...{ created_at: seconds(batch.createdAt), in_progress_at: at(batch.inProgressAt) },
    ...{ expires_at: seconds(batch.expiresAt), finalizing_at: at(batch.finalizingAt) },
    ...{ completed_at: endedAs('completed'), failed_at: endedAs('failed'), expired_at: endedAs('expired') },
    ...{ cancelling_at: at(batch.cancellingAt), cancelled_at: endedAs('cancelled') },
    request_counts: { total: batch.lineCount, completed: batch.completed, failed: batch.failed },
    metadata,
  };
}
