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
export const USAGE_DOUBTS = ['missing', 'impossible', 'too-small', 'too-large', 'unexplained'] as const;
export type UsageDoubt = (typeof USAGE_DOUBTS)[number];

/** What a client says of who asks (api/http/attribution.ts), by its name. */
export type Tags = Readonly<Record<string, string>>;

/** What the API shows of a call, in its order. */
export const shownFields = {
  requestId: z.string().describe('Id of the call'),
  userId: integer.describe('Who called'),
  accessKeyId: integer.nullable().describe('With which access key'),
  modelId: integer.nullable().describe('Id of the model; null when it failed before one was chosen'),
  modelIdentifier: z.string().describe('The name that callers use for the model; empty when none was chosen'),
  promptTokens: count.describe('Tokens that were sent, cached ones included'),
  completionTokens: count.describe('Tokens that were generated'),
  imageCount: count.describe('Images that were made'),
  characters: count.default(0).describe('Characters of a text that was spoken'),
  audioSeconds: count.default(0).describe('Seconds of speech that were written down'),
  /** What was charged, in nano-units. */
  cost: nano,
  latencyMs: z.number().describe('How long it took, in milliseconds'),
  ttftMs: z.number().nullable().describe('Milliseconds to the first token of a stream; null without a stream'),
  isAsync: z.boolean().describe('Whether it was a job'),
  isSuccess: z.boolean().describe('Whether it succeeded'),
  errorCode: integer.nullable().describe('Code of its failure; null when it succeeded'),
  /** When it began. */
  createTime: z.coerce.date(),
  priceRule: z
    .string()
    .nullable()
    .default(null)
    .describe('The rule of its price by which it was charged; null for the price without a rule'),
  /** A `UsageDoubt`, or null. Not bound to the ones of this version, so that a log of a later one can be read. */
  doubt: z
    .string()
    .nullable()
    .default(null)
    .describe("Why the provider's count is in doubt; null when nothing speaks against it"),
  /** Each a `Fit`; not bound to the ones of this version, either. */
  fits: z.array(z.string()).readonly().default([]).describe('What was changed in the request for its model'),
  tags: z.record(z.string(), z.string()).readonly().default({}).describe('What the client said of who asks'),
  errorText: z.string().nullable().default(null).describe('The failure as its caller read it; null when it succeeded'),
  traceId: z.string().default('').describe('Trace id of its request'),
  providerName: z
    .string()
    .nullable()
    .default(null)
    .describe('Name of the provider that was called last; null for none'),
  attempts: count.default(1).describe('How often providers were called for it'),
  batchId: z.string().nullable().default(null).describe('Id of the batch that it is a line of; null for any other'),
};

/** What is kept for the operator. */
const internalFields = {
  providerId: integer.nullable().default(null),
  providerKeyId: integer.nullable().default(null),
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
