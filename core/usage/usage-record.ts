/**
 * One finished call as the usage log keeps it, written once, never changed. The ledger's outbox, the documents in MongoDB,
 * the statistics and the API take their fields from here, so a new field goes here and into what fills it in.
 * Documents outlive versions: a new field needs a default for those that were written without it.
 */
import { z } from 'zod';
import { integer64 } from '../../infra/mongo/integer64.ts';

/** The API's document calls ids and counts numbers, here as everywhere. */
const integer = z.number().refine(Number.isSafeInteger, 'must be an integer');
const count = integer.refine((value) => value >= 0, 'must not be negative');

/** Text on its way through the outbox. */
const nano = z.union([
  integer64,
  z
    .string()
    .regex(/^-?\d{1,19}$/)
    .transform((text) => BigInt(text)),
]);

/** Why a provider's usage was not charged as it came, or was charged with a warning. */
export type UsageDoubt = 'missing' | 'impossible' | 'too-small' | 'too-large' | 'unexplained';

/** What the API shows of a call, in its order. */
export const shownFields = {
  requestId: z.string(),
  userId: integer,
  accessKeyId: integer.nullable(),
  modelId: integer.nullable(),
  /** Empty when it failed before a model was chosen. */
  modelIdentifier: z.string(),
  promptTokens: count,
  completionTokens: count,
  imageCount: count,
  /** What was charged, in nano-units. */
  cost: nano,
  latencyMs: z.number(),
  /** Time to the first token of a stream. */
  ttftMs: z.number().nullable(),
  isAsync: z.boolean(),
  isSuccess: z.boolean(),
  errorCode: integer.nullable(),
  /** When it began. */
  createTime: z.coerce.date(),
  /** The rule of its price by which it was charged; null: the price without a rule. */
  priceRule: z.string().nullable().default(null),
  /** A `UsageDoubt`, or null. Not bound to the ones of this version, so that a log of a later one can be read. */
  doubt: z.string().nullable().default(null),
};

/** What is kept for the operator. */
const internalFields = {
  traceId: z.string().default(''),
  providerName: z.string().nullable().default(null),
  providerKeyId: integer.nullable().default(null),
  attempts: count.default(1),
  cachedTokens: count.default(0),
  cacheWriteTokens: count.default(0),
  hourCacheWriteTokens: count.default(0),
  reasoningTokens: count.default(0),
  searches: count.default(0),
  serviceTier: z.string().nullable().default(null),
  estimated: z.boolean().default(false),
  /** Local day of its charge (or of its failure's release), yyyy-MM-dd: that of its line in the statistics. */
  day: z.string(),
};

export const usageRecord = z.object({ ...shownFields, ...internalFields });
export type UsageRecord = Readonly<z.output<typeof usageRecord>>;

/** Everything but what the commit queue decides. */
export type FinishedCall = Omit<UsageRecord, 'day' | 'cost'>;
