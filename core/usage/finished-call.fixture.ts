/** For tests: a chat of a model that was answered. */
import type { FinishedCall } from './usage-record.ts';

export function finishedCall(requestId: string, change: Partial<FinishedCall> = {}): FinishedCall {
  return {
    requestId,
    traceId: 'trace',
    userId: 2,
    accessKeyId: 7,
    modelId: 5,
    modelIdentifier: 'model-5',
    providerId: 4,
    providerName: 'vendor',
    providerKeyId: 3,
    attempts: 1,
    promptTokens: 3,
    cachedTokens: 0,
    completionTokens: 4,
    imageCount: 0,
    cacheWriteTokens: 0,
    hourCacheWriteTokens: 0,
    reasoningTokens: 0,
    searches: 0,
    serviceTier: null,
    estimated: false,
    doubt: null,
    fits: [],
    tags: {},
    priceRule: null,
    latencyMs: 250,
    ttftMs: null,
    isAsync: false,
    isSuccess: true,
    errorCode: null,
    errorText: null,
    createTime: new Date('2026-11-24T03:00:00Z'),
    ...change,
  };
}
