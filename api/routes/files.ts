/** Files of users in OpenAI's form: what batches read, and what they have written. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Batches, Upload } from '../../activities/batches/batches.ts';
import type { StoredFile } from '../../core/files/file-store.ts';
import { invalid } from '../../infra/errors.ts';
import { formData } from '../http/edit-form.ts';
import { integerInput, optionalText } from '../http/fields.ts';
import { OPENAI } from '../http/forms.ts';
import { isJsonType, parseJson } from '../http/json.ts';
import { ANSWERED, type Route, route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';
import { inputOf } from '../http/validation.ts';

const TAG = 'Batches';
/** A batch of 10,000 short requests; the bodies of all callers are in memory while they come. */
const FILE_BODY_BYTES = 26 * 1024 * 1024;
const PURPOSES = ['batch', 'user_data', 'assistants', 'vision', 'fine-tune', 'evals'] as const;
/** As at OpenAI. */
const MOST_FILES_LISTED = 10_000;
const SHORTEST_KEPT_SECONDS = 3_600;
const LONGEST_KEPT_SECONDS = 2_592_000;

/** How long a file is kept, in OpenAI's form. */
export const expiresAfter = z.object({
  anchor: z.literal('created_at').describe('Always created_at'),
  seconds: integerInput
    .pipe(z.number().min(SHORTEST_KEPT_SECONDS).max(LONGEST_KEPT_SECONDS))
    .describe('After that, at the latest after FILE_RETENTION'),
});

/** Columns of ids hold ASCII only. */
export const objectId = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w-]+$/, 'must be an id: letters, digits, _ and -');
const fileParams = z.object({ fileId: objectId.describe('Id of the file') });
const purpose = z.enum(PURPOSES).describe('batch for the input of a batch; the others are kept only');
const jsonFile = z
  .object({
    purpose,
    file: z.string().min(1).max(FILE_BODY_BYTES).describe('The text of the file'),
    filename: z.string().max(255).nullish().describe('Its name'),
    expires_after: expiresAfter.nullish().describe('When it is removed; after FILE_RETENTION unless set'),
  })
  .meta({ description: 'A file of text' });
const formFile = z.object({
  purpose,
  file: z.string().max(FILE_BODY_BYTES).meta({ format: 'binary' }).describe('The file'),
  'expires_after[anchor]': expiresAfter.shape.anchor.optional(),
  'expires_after[seconds]': expiresAfter.shape.seconds.optional(),
});
const formFields = inputOf(z.object({ purpose, expires_after: expiresAfter.optional() }), 'ignored');
const jsonInput = inputOf(jsonFile, 'ignored');

const fileSchema = z
  .object({
    id: z.string().describe('Id of the file'),
    object: z.literal('file').describe('Always file'),
    bytes: z.number().int().describe('Its size'),
    created_at: z.number().int().describe('When it was made, in seconds since 1970'),
    expires_at: z.number().int().describe('When it will be removed, in seconds since 1970'),
    filename: z.string().describe('Its name'),
    purpose: z.string().describe('What it is for; batch_output for what a batch has written'),
    status: z.literal('processed').describe('Always processed'),
  })
  .meta({ id: 'File' });

export interface BatchServices {
  readonly batches: Batches;
}

export function fileRoutes({ batches }: BatchServices): Route[] {
  const common = { tag: TAG, access: 'access-key', form: OPENAI, unknownFields: 'ignored' } as const;
  return [
    route({
      ...common,
      method: 'post',
      path: '/v1/files',
      operationId: 'createFile',
      summary: 'Keep a file, under OpenAI’s own path; a form or JSON',
      bodies: { 'multipart/form-data': formFile, 'application/json': jsonFile },
      bodyForm: 'bytes',
      bodyLimitBytes: FILE_BODY_BYTES,
      idempotent: true,
      success: fileSchema,
      handler: async ({ ctx, rawBody, caller, operationId }) => {
        const given = await fileOf(ctx, rawBody);
        return fileRecord(await batches.addFile(caller.userId, { ...given, operationId }));
      },
    }),
    route({
      ...common,
      method: 'get',
      path: '/v1/files',
      operationId: 'listFiles',
      summary: 'Own files, the newest first unless asked otherwise',
      query: z.object({
        purpose: optionalText(objectId).describe('Only files of this purpose'),
        order: optionalText(z.enum(['asc', 'desc'])).describe('By time of creation; desc unless set'),
        ...listQuery('file', MOST_FILES_LISTED, MOST_FILES_LISTED),
      }),
      success: listOf(fileSchema),
      handler: async ({ caller, query }) => {
        const found = await batches.listFiles({ ...query, userId: caller.userId, limit: query.limit + 1 });
        return listed(found.map(fileRecord), query.limit);
      },
    }),
    route({
      ...common,
      method: 'get',
      path: '/v1/files/{fileId}',
      operationId: 'getFile',
      summary: 'One file, without its content',
      params: fileParams,
      success: fileSchema,
      handler: async ({ caller, params }) => fileRecord(await batches.file(params.fileId, caller.userId)),
    }),
    route({
      ...common,
      method: 'get',
      path: '/v1/files/{fileId}/content',
      operationId: 'getFileContent',
      summary: 'What is in a file',
      params: fileParams,
      success: z.string().meta({ description: 'The file' }),
      mediaType: 'application/octet-stream',
      handler: async ({ ctx, caller, params }) => {
        const file = await batches.file(params.fileId, caller.userId);
        ctx.body = Readable.from(batches.contentOf(file));
        ctx.set('Content-Type', 'application/octet-stream');
        ctx.set('Content-Length', String(file.bytes));
        return ANSWERED;
      },
    }),
    route({
      ...common,
      method: 'delete',
      path: '/v1/files/{fileId}',
      operationId: 'deleteFile',
      summary: 'Remove a file; a batch that has begun needs it no longer',
      params: fileParams,
      success: z.object({
        id: z.string().describe('Id of the file'),
        object: z.literal('file').describe('Always file'),
        deleted: z.literal(true).describe('Always true'),
      }),
      handler: async ({ caller, params }) => {
        await batches.removeFile(params.fileId, caller.userId);
        return { id: params.fileId, object: 'file' as const, deleted: true as const };
      },
    }),
  ];
}

/** @throws {AppError} naming the field that is missing or wrong. */
async function fileOf(ctx: ApiContext, rawBody: Buffer): Promise<Omit<Upload, 'operationId'>> {
  const type = ctx.req.headers['content-type'];
  if (isJsonType(type)) {
    const {
      file,
      filename,
      purpose: of,
      expires_after: kept,
    } = jsonInput.parse(parseJson(rawBody, 'plain', 'repaired'));
    return { file: new File([file], filename ?? 'file.jsonl'), purpose: of, keptSeconds: kept?.seconds };
  }
  const form = await formData(type, rawBody);
  const file = form.get('file');
  const { purpose: of, expires_after: kept } = formFields.parse({
    purpose: form.get('purpose') ?? undefined,
    expires_after: expiryIn(form),
  });
  if (file instanceof File && file.size > 0) return { file, purpose: of, keptSeconds: kept?.seconds };
  const message = 'is required: as a file of multipart/form-data, or in JSON as text';
  throw invalid([{ path: 'file', message }], 'missingParameter');
}

/** Fields of an object stand by themselves in a form. */
function expiryIn(form: FormData): object | undefined {
  const anchor = form.get('expires_after[anchor]') ?? undefined;
  const after = form.get('expires_after[seconds]') ?? undefined;
  return anchor === undefined && after === undefined ? undefined : { anchor, seconds: after };
}

function fileRecord({
  id,
  bytes,
  filename,
  purpose: of,
  createdAt,
  expiresAt,
}: StoredFile): z.output<typeof fileSchema> {
  return {
    ...{ id, object: 'file', bytes, created_at: seconds(createdAt), expires_at: seconds(expiresAt) },
    ...{ filename, purpose: of, status: 'processed' },
  };
}

/** Since 1970. */
export function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

/** Of lists in OpenAI's form. */
export function listQuery(what: string, usual = 20, most = 100) {
  return {
    limit: optionalText(integerInput.pipe(z.number().min(1)))
      .transform((limit) => Math.min(limit ?? usual, most))
      .describe(`How many; ${usual} by default, at most ${most}`),
    after: optionalText(objectId).describe(`Id of a ${what}: only those after it in the list`),
  };
}

export function listOf<S extends z.ZodType>(record: S) {
  return z.object({
    object: z.literal('list').describe('Always list'),
    data: z.array(record).describe('In their order, the newest first unless asked otherwise'),
    first_id: z.string().nullable().describe('Id of the first of them'),
    last_id: z.string().nullable().describe('Id of the last of them, for `after`'),
    has_more: z.boolean().describe('Whether there are more after them'),
  });
}

/** @param found one more than are shown, where there are so many. */
export function listed<Item extends { readonly id: string }>(found: readonly Item[], limit: number) {
  const data = found.slice(0, limit);
  return {
    object: 'list' as const,
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: found.length > limit,
  };
}
