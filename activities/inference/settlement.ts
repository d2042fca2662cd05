/** From a finished call to its charge: cost at the frozen price, the usage record, the capture. Pure. */
import { NO_USAGE, type Usage } from '../../core/ledger/money.ts';
import type { Capture } from '../../core/ledger/operations/capture.ts';
import type { Release } from '../../core/ledger/operations/close-hold.ts';
import { costOf, type Price, type PriceRule, ruleOf } from '../../core/ledger/price.ts';
import type { FinishedCall, Tags } from '../../core/usage/usage-record.ts';
import { AppError } from '../../infra/errors.ts';
import { scrub } from '../../infra/secrets.ts';

/** Who called, and through which hold. */
export interface CallIdentity {
  readonly requestId: string;
  readonly userId: number;
  readonly accountId: number;
  readonly accessKeyId: number | null;
  /** True when the hold was taken from the access key's budget. */
  readonly budgeted: boolean;
  readonly traceId: string;
  readonly tags: Tags;
  readonly isAsync: boolean;
  /** Of a line of a batch. */
  readonly batchId: string | null;
}

export interface ServedBy {
  readonly modelId: number;
  readonly modelIdentifier: string;
  readonly providerId: number;
  readonly providerName: string;
  readonly price: Price;
}

/** What only those who read the provider's answer know. */
export type Measured = Pick<FinishedCall, 'ttftMs'>;
export const NOTHING_MEASURED: Measured = { ttftMs: null };

export interface Timing extends Measured {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** How its provider was called. */
export type Attempted = Pick<FinishedCall, 'attempts' | 'providerKeyId' | 'fits'>;

/** Why a call failed, for the usage log. */
export type CallFailure = Pick<FinishedCall, 'errorCode' | 'errorText'> & { readonly errorCode: number };

/** A provider may say much. */
const MOST_ERROR_TEXT = 300;

/** The failure in the caller's words, as far as it is kept. */
export function failureOf(error: unknown): CallFailure {
  if (!(error instanceof AppError)) return { errorCode: 500, errorText: 'internal error' };
  return { errorCode: error.code, errorText: scrub(error.message).slice(0, MOST_ERROR_TEXT) };
}

function finishedCall(
  identity: CallIdentity,
  served: ServedBy | undefined,
  usage: Usage,
  timing: Timing,
  attempted: Attempted,
  failure: CallFailure | undefined,
  rule?: PriceRule,
): FinishedCall {
  return {
    requestId: identity.requestId,
    traceId: identity.traceId,
    tags: identity.tags,
    userId: identity.userId,
    accessKeyId: identity.accessKeyId,
    modelId: served?.modelId ?? null,
    modelIdentifier: served?.modelIdentifier ?? '',
    providerId: served?.providerId ?? null,
    providerName: served?.providerName ?? null,
    ...attempted,
    ...usage,
    priceRule: rule?.name ?? null,
    latencyMs: Math.round(timing.endedAtMs - timing.startedAtMs),
    ttftMs: timing.ttftMs === null ? null : Math.round(timing.ttftMs),
    isAsync: identity.isAsync,
    batchId: identity.batchId,
    isSuccess: failure === undefined,
    errorCode: failure?.errorCode ?? null,
    errorText: failure?.errorText ?? null,
    createTime: new Date(timing.startedAtMs),
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
  const rule = ruleOf(served.price, usage, timing.endedAtMs);
  return {
    ...holdReference(identity),
    priceId: served.price.id,
    cost: costOf(served.price, usage, rule),
    call: finishedCall(identity, served, usage, timing, attempted, undefined, rule),
  };
}

/** The release of a call that failed: no charge, but a line in the statistics and the usage log. */
export function releaseOf(
  identity: CallIdentity,
  served: ServedBy | undefined,
  timing: Timing,
  attempted: Attempted,
  failure: CallFailure,
): Release {
  return {
    ...holdReference(identity),
    call: finishedCall(identity, served, NO_USAGE, timing, attempted, failure),
  };
}
