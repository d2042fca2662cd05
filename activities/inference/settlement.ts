/** From a finished call to its charge: cost at the frozen price, the usage document, the capture. Pure. */

import { costOf, NO_USAGE, type Price, type Usage } from '../../core/ledger/money.ts';
import type { Capture } from '../../core/ledger/operations/capture.ts';
import type { Release } from '../../core/ledger/operations/release.ts';

/** Who called, and through which hold. */
export interface CallIdentity {
  readonly requestId: string;
  readonly userId: number;
  readonly accountId: number;
  readonly accessKeyId: number | null;
  /** True when the hold was taken from the access key's budget. */
  readonly budgeted: boolean;
  readonly traceId: string;
  readonly isAsync: boolean;
}

export interface ServedBy {
  readonly modelId: number;
  readonly modelIdentifier: string;
  readonly providerName: string;
  readonly price: Price;
}

export interface Timing {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Time to the first token of a stream, or null. */
  readonly ttftMs: number | null;
}

/** One call in the usage log. The ledger adds `day` and `cost`: nano-units as text, exact on its way through JSON. */
export interface UsageRecord extends Readonly<Record<string, unknown>> {
  readonly requestId: string;
  readonly traceId: string;
  readonly userId: number;
  readonly accessKeyId: number | null;
  readonly modelId: number | null;
  readonly modelIdentifier: string;
  readonly providerName: string | null;
  readonly providerKeyId: number | null;
  readonly attempts: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly imageCount: number;
  readonly estimated: boolean;
  readonly latencyMs: number;
  readonly ttftMs: number | null;
  readonly isAsync: boolean;
  readonly isSuccess: boolean;
  readonly errorCode: number | null;
  readonly createTime: string;
}

export interface Attempted {
  readonly attempts: number;
  readonly providerKeyId: number | null;
}

function usageRecord(
  identity: CallIdentity,
  served: ServedBy | undefined,
  usage: Usage,
  timing: Timing,
  attempted: Attempted,
  errorCode: number | null,
): UsageRecord {
  return {
    requestId: identity.requestId,
    traceId: identity.traceId,
    userId: identity.userId,
    accessKeyId: identity.accessKeyId,
    modelId: served?.modelId ?? null,
    modelIdentifier: served?.modelIdentifier ?? '',
    providerName: served?.providerName ?? null,
    providerKeyId: attempted.providerKeyId,
    attempts: attempted.attempts,
    promptTokens: usage.promptTokens,
    cachedTokens: usage.cachedTokens,
    completionTokens: usage.completionTokens,
    imageCount: usage.imageCount,
    estimated: usage.estimated,
    latencyMs: Math.round(timing.endedAtMs - timing.startedAtMs),
    ttftMs: timing.ttftMs === null ? null : Math.round(timing.ttftMs),
    isAsync: identity.isAsync,
    isSuccess: errorCode === null,
    errorCode,
    createTime: new Date(timing.startedAtMs).toISOString(),
  };
}

function holdReference(identity: CallIdentity) {
  return {
    holdId: identity.requestId,
    accountId: identity.accountId,
    budgetKeyId: identity.budgeted ? identity.accessKeyId : null,
  };
}

/** The charge of a call that was answered. */
export function captureOf(
  identity: CallIdentity,
  served: ServedBy,
  usage: Usage,
  timing: Timing,
  attempted: Attempted,
): Capture {
  const record = usageRecord(identity, served, usage, timing, attempted, null);
  return {
    ...holdReference(identity),
    accessKeyId: identity.accessKeyId,
    modelId: served.modelId,
    priceId: served.price.id,
    usage,
    cost: costOf(served.price, usage),
    usageDocument: { id: identity.requestId, record },
  };
}

/** The release of a call that failed: no charge, but a line in the statistics and the usage log. */
export function releaseOf(
  identity: CallIdentity,
  served: ServedBy | undefined,
  timing: Timing,
  attempted: Attempted,
  errorCode: number,
): Release {
  const record = usageRecord(identity, served, NO_USAGE, timing, attempted, errorCode);
  return {
    ...holdReference(identity),
    usageDocument: { id: identity.requestId, record },
    ...(served
      ? {
          statistics: {
            modelId: served.modelId,
            success: false,
            promptTokens: 0,
            completionTokens: 0,
            images: 0,
            cost: 0n,
          },
        }
      : {}),
  };
}
