/** Claims of idempotency keys: who answers a keyed request. Pure. */
import type { Operation } from '../commit-queue/operation.ts';
import { read } from '../commit-queue/operation.ts';
import type { Rows } from '../commit-queue/unit-of-work.ts';
import { type Claim, claimKey, claims } from '../tables/claims.ts';

/** A keyed request: who asks under which key, with which body. */
export interface ClaimRequest {
  readonly scope: string;
  readonly keyHash: Buffer;
  readonly bodyHash: Buffer;
  /** The same body under older secrets: a claim that was made before a rotation is known again. */
  readonly olderBodyHashes?: readonly Buffer[];
  /** Made by the server for this call; it is what may answer the key. */
  readonly requestId: string;
}

export interface StoredAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** A packet holds twice as many bytes (hexadecimal), and a server accepts 16 MB by default. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Stored as the status of an answer that was too large to keep. */
const NOT_KEPT = 0;

export type ClaimOutcome =
  /** `operationId`: id of what the request does; it stays the same when another process takes the claim over. */
  | { readonly kind: 'claimed'; readonly operationId: string }
  | { readonly kind: 'answered'; readonly requestId: string; readonly answer: StoredAnswer }
  /** Answered before by the call of this id, but the answer was too large to be kept. */
  | { readonly kind: 'not-kept'; readonly requestId: string }
  | { readonly kind: 'in-use' }
  | { readonly kind: 'other-body' };

/** How long an answer is kept for its key. */
export const CLAIM_LIFE_MS = 24 * 3_600_000;

/**
 * Decides a claim. New, expired, or left by a dead process (its writer has a newer epoch): ours. Answered: the stored
 * answer. Otherwise another call is still running.
 */
export function decideClaim(rows: Rows, request: ClaimRequest): ClaimOutcome {
  const key = claimKey(request);
  const stored = rows.get(claims, key);
  const { scope, keyHash, bodyHash, requestId } = request;
  const mine: Claim = {
    ...{ scope, keyHash, bodyHash, requestId, operationId: requestId },
    slot: rows.writer.slot,
    epoch: rows.writer.epoch,
    writerEpoch: rows.writer.epoch,
    answerStatus: null,
    answer: null,
    expiresAtMs: rows.nowMs + CLAIM_LIFE_MS,
  };
  if (!stored || stored.expiresAtMs <= rows.nowMs) {
    rows.put(claims, key, mine);
    return { kind: 'claimed', operationId: requestId };
  }
  if (![bodyHash, ...(request.olderBodyHashes ?? [])].some((hash) => hash.equals(stored.bodyHash))) {
    return { kind: 'other-body' };
  }
  if (stored.answerStatus === NOT_KEPT) return { kind: 'not-kept', requestId: stored.requestId };
  if (stored.answerStatus !== null) {
    const answer = { status: stored.answerStatus, body: stored.answer ?? Buffer.alloc(0) };
    return { kind: 'answered', requestId: stored.requestId, answer };
  }
  const { operationId } = stored;
  if (stored.requestId === requestId) return { kind: 'claimed', operationId };
  if (stored.writerEpoch !== null && stored.writerEpoch <= stored.epoch) return { kind: 'in-use' };
  rows.put(claims, key, { ...mine, operationId });
  return { kind: 'claimed', operationId };
}

/** How a claim would be decided, without making it. */
export function lookAtClaim(rows: Rows, request: ClaimRequest): ClaimOutcome {
  return decideClaim(readOnly(rows), request);
}

/** The same rows, but nothing is written. */
function readOnly(rows: Rows): Rows {
  return {
    nowMs: rows.nowMs,
    today: rows.today,
    writer: rows.writer,
    get: (table, id) => rows.get(table, id),
    put: () => undefined,
    append: () => undefined,
  };
}

/** True while the claim is still answered by this request. */
export function ownsClaim(rows: Rows, request: ClaimRequest): boolean {
  return rows.get(claims, claimKey(request))?.requestId === request.requestId;
}

/** Stores the answer; the claim must be our own (see `ownsClaim`). */
export function storeAnswer(rows: Rows, request: ClaimRequest, answer: StoredAnswer): void {
  const key = claimKey(request);
  const stored = rows.get(claims, key);
  if (!stored) return;
  const isKept = answer.body.byteLength <= MAX_KEPT_BYTES;
  const kept = isKept ? { answerStatus: answer.status, answer: answer.body } : { answerStatus: NOT_KEPT, answer: null };
  rows.put(claims, key, { ...stored, ...kept });
}

/** Gives the key back: the call failed and may be tried again under the same key. */
export function dropClaim(rows: Rows, request: ClaimRequest): void {
  const key = claimKey(request);
  const stored = rows.get(claims, key);
  if (stored) rows.put(claims, key, { ...stored, expiresAtMs: rows.nowMs });
}

/** Gives the key back if it is still ours to answer; an answer stays. */
export function dropUnanswered(rows: Rows, request: ClaimRequest): void {
  const stored = rows.get(claims, claimKey(request));
  if (stored?.requestId === request.requestId && stored.answerStatus === null) dropClaim(rows, request);
}

export function claimReads(request: ClaimRequest | undefined) {
  return request ? [read(claims, claimKey(request))] : [];
}

/** Claims a key for work that holds no money. */
export function claim(request: ClaimRequest): Operation<ClaimOutcome> {
  return {
    reads: claimReads(request),
    decide: (rows) => decideClaim(rows, request),
    compensate: (outcome) => (outcome.kind === 'claimed' ? abandon(request) : undefined),
  };
}

/** Finds how a claim would be decided, and changes nothing. */
export function look(request: ClaimRequest): Operation<ClaimOutcome> {
  return {
    reads: claimReads(request),
    decide: (rows) => lookAtClaim(rows, request),
  };
}

/** Stores the answer of a claimed key; a claim that was taken over is left alone. Idempotent. */
export function answer(request: ClaimRequest, stored: StoredAnswer): Operation<boolean> {
  return {
    reads: claimReads(request),
    bytes: stored.body.byteLength,
    decide: (rows) => {
      if (!ownsClaim(rows, request)) return false;
      storeAnswer(rows, request, stored);
      return true;
    },
  };
}

/** Gives a claimed key back unanswered. Idempotent. */
export function abandon(request: ClaimRequest): Operation<void> {
  return {
    reads: claimReads(request),
    decide: (rows) => dropUnanswered(rows, request),
  };
}
