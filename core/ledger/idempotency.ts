/** Keyed requests that hold no money: claim, run once, keep the answer for 24 hours. Earlier answers of those that do. */
import { createHash } from 'node:crypto';
import { keyedHash, type Vault } from '../../infra/crypto.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import type { Ledger } from './ledger.ts';
import {
  abandon,
  answer,
  type ClaimOutcome,
  type ClaimRequest,
  claim,
  look,
  type StoredAnswer,
} from './operations/claim.ts';

/** JSON text of an answer's data, kept for a repeated call. */
export interface KeptAnswer {
  readonly status: number;
  readonly dataText: string;
}

export interface AnsweredBefore {
  readonly kind: 'answered-before';
  readonly answer: StoredAnswer;
}

const CLAIM_WAIT_MS = 5_000;
const BODY_HASHES = 'bodies of keyed requests';

function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

/**
 * The claim of a request whose body holds no secret.
 * @param requestId made by the server for this call; only it may answer the key.
 */
export function claimRequest(scope: string, key: string, body: Uint8Array, requestId: string): ClaimRequest {
  return { scope, keyHash: sha256(key), bodyHash: sha256(body), requestId };
}

/** The refusal of a key that is not ours to answer. */
export function claimRefusal(outcome: Extract<ClaimOutcome, { kind: 'in-use' | 'other-body' | 'not-kept' }>): AppError {
  if (outcome.kind === 'other-body') {
    return new AppError('idempotencyMismatch', 'this Idempotency-Key was used with another body');
  }
  if (outcome.kind === 'not-kept') {
    const text = `the request with this Idempotency-Key was answered (call ${outcome.requestId}), but its answer was too large to be kept for a repetition`;
    return new AppError('illegalState', text);
  }
  return inUse();
}

function inUse(): AppError {
  const text = 'a request with this Idempotency-Key is still running';
  return new AppError('idempotencyInUse', text, { retryAfterSeconds: 1 });
}

function storedAnswer(kept: KeptAnswer): StoredAnswer {
  return { status: kept.status, body: Buffer.from(kept.dataText) };
}

function keptAnswer(stored: StoredAnswer): KeptAnswer {
  return { status: stored.status, dataText: stored.body.toString() };
}

export class IdempotentRequests {
  readonly #ledger: Pick<Ledger, 'run'>;
  readonly #bodySecrets: ReturnType<Vault['deriveKeys']>;

  constructor(ledger: Pick<Ledger, 'run'>, vault: Vault) {
    this.#ledger = ledger;
    this.#bodySecrets = vault.deriveKeys(BODY_HASHES);
  }

  /**
   * Runs `handler` unless the key was answered before; a handler that throws gives the key back. A process may die
   * between what `handler` does and its answer: it runs again then, with the same `operationId`.
   * @throws {AppError} idempotencyInUse, idempotencyMismatch, databaseUnavailable.
   */
  async run(
    scope: string,
    key: string,
    body: Uint8Array,
    handler: (operationId: string) => Promise<KeptAnswer>,
  ): Promise<KeptAnswer> {
    const request = this.#claimRequest(scope, key, body);
    const outcome = await this.#ledger.run(claim(request), CLAIM_WAIT_MS);
    if (outcome.kind === 'answered') return keptAnswer(outcome.answer);
    if (outcome.kind !== 'claimed') throw claimRefusal(outcome);
    let kept: KeptAnswer;
    try {
      kept = await handler(outcome.operationId);
    } catch (error) {
      await this.#ledger.run(abandon(request));
      throw error;
    }
    const stillOurs = await this.#ledger.run(answer(request, storedAnswer(kept)));
    if (!stillOurs) throw inUse();
    return kept;
  }

  /**
   * For a request that was refused: the answer that it got before under its key. That answer stays valid, whatever has
   * changed since. `claimed` undefined = the request has no key.
   * @throws `refusal` when there is no earlier answer; {AppError} idempotencyInUse, idempotencyMismatch,
   * databaseUnavailable.
   */
  async answeredBefore(claimed: ClaimRequest | undefined, refusal: unknown): Promise<AnsweredBefore> {
    const mayBeAnswered = refusal instanceof AppError && refusal.kind !== 'databaseUnavailable';
    if (!claimed || !mayBeAnswered) throw refusal;
    const outcome = await this.#ledger.run(look(claimed), CLAIM_WAIT_MS);
    if (outcome.kind === 'claimed') throw refusal;
    if (outcome.kind !== 'answered') throw claimRefusal(outcome);
    return { kind: 'answered-before', answer: outcome.answer };
  }

  /** These bodies may hold a password or a provider's key, so that their hash is a keyed one. */
  #claimRequest(scope: string, key: string, body: Uint8Array): ClaimRequest {
    const [newest, ...older] = this.#bodySecrets;
    const hashes = {
      bodyHash: keyedHash(newest, body),
      olderBodyHashes: older.map((secret) => keyedHash(secret, body)),
    };
    return { scope, keyHash: sha256(key), ...hashes, requestId: newId() };
  }
}
