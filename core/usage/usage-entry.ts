/** One finished call as the usage log keeps it. Written once, never changed. */
import { z } from 'zod';
import { integer64 } from '../../infra/mongo/integer64.ts';

/** Text on its way through the outbox. */
const nano = z.union([
  integer64,
  z
    .string()
    .regex(/^-?\d{1,19}$/)
    .transform((text) => BigInt(text)),
]);

const count = z.number().int().min(0);

const fields = {
  requestId: z.string(),
  traceId: z.string().default(''),
  userId: z.number().int(),
  accessKeyId: z.number().int().nullable(),
  modelId: z.number().int().nullable(),
  modelIdentifier: z.string(),
  providerName: z.string().nullable().default(null),
  providerKeyId: z.number().int().nullable().default(null),
  attempts: count.default(1),
  promptTokens: count,
  cachedTokens: count.default(0),
  completionTokens: count,
  imageCount: count,
  estimated: z.boolean().default(false),
  latencyMs: z.number(),
  ttftMs: z.number().nullable(),
  isAsync: z.boolean(),
  isSuccess: z.boolean(),
  errorCode: z.number().int().nullable(),
  /** Local day of its charge (or of its failure's release), yyyy-MM-dd: that of its line in the statistics. */
  day: z.string(),
  /** What was charged, in nano-units. */
  cost: nano,
};

export const usageEntry = z.object({ ...fields, createTime: z.coerce.date() });
export type UsageEntry = z.output<typeof usageEntry>;
