/** One call that is held for: attempts, then the capture; a failure gives the hold back. Errors are never charged. */
import { AppError } from '../../infra/errors.ts';
import type { Usage } from '../billing/money.ts';
import type { ClaimRequest, StoredAnswer } from '../billing/operations/claim.ts';
import { settleLimits } from './admission.ts';
import { runAttempts } from './attempts.ts';
import type { Held } from './begin-call.ts';
import type { CallContext } from './context.ts';
import type { InferenceParts } from './parts.ts';
import type { Candidate } from './plan.ts';
import type { CallOutput } from './provider-span.ts';
import { captureOf, releaseOf } from './settlement.ts';

export interface ServedCall {
  readonly candidate: Candidate;
  readonly providerKeyId: number;
  readonly attempts: number;
}

export interface ChargedCall<Value, Outcome> {
  readonly held: Held;
  readonly claim: ClaimRequest | undefined;
  readonly context: CallContext;
  readonly output: CallOutput;
  /** What must be at hand before a provider is called; its failure gives the hold back. */
  readonly prepare?: (() => Promise<void>) | undefined;
  readonly call: (candidate: Candidate, apiKey: string) => Promise<Value>;
  /** What the provider did, and what the caller is told once the cost is known. */
  readonly settle: (value: Value, served: ServedCall) => Promise<Settled<Outcome>>;
}

export interface Settled<Outcome> {
  readonly usage: Usage;
  readonly outcomeAt: (cost: bigint) => Outcome;
  /** How the answer of a keyed request is kept, and about how long it is. */
  readonly keep?: ((outcome: Outcome) => StoredAnswer) | undefined;
  readonly answerBytes?: number;
}

/** @returns after the capture's COMMIT. @throws {AppError} what the caller may be told. */
export async function chargedCall<Value, Outcome>(
  parts: InferenceParts,
  call: ChargedCall<Value, Outcome>,
): Promise<Outcome> {
  const { held, claim, context } = call;
  let called: { candidate: Candidate; keyId: number; count: number } | undefined;
  try {
    if (call.prepare) await call.prepare();
    const { value, candidate, key, attempts } = await runAttempts({
      candidates: held.plan.candidates,
      output: call.output,
      pool: parts.keys,
      budget: parts.retries,
      signal: context.signal,
      log: context.log,
      call: (target) => {
        called = { candidate: target.candidate, keyId: target.key.id, count: (called?.count ?? 0) + 1 };
        return call.call(target.candidate, target.key.apiKey);
      },
    });
    const served = { candidate, providerKeyId: key.id, attempts };
    const settled = await call.settle(value, served);
    settleLimits(parts.limits, held.admission, settled.usage);
    return await capture(parts, call, served, settled);
  } catch (error) {
    settleLimits(parts.limits, held.admission);
    const timing = { startedAtMs: held.startedAtMs, endedAtMs: Date.now(), ttftMs: null };
    const attempted = { attempts: called?.count ?? 0, providerKeyId: called?.keyId ?? null };
    const served = called?.candidate ?? held.plan.candidates[0];
    await parts.ledger.release({
      ...releaseOf(held.identity, served, timing, attempted, error instanceof AppError ? error.code : 500),
      ...(claim ? { claim } : {}),
    });
    throw error;
  }
}

async function capture<Value, Outcome>(
  parts: InferenceParts,
  { held, claim }: ChargedCall<Value, Outcome>,
  served: ServedCall,
  { usage, outcomeAt, keep, answerBytes }: Settled<Outcome>,
): Promise<Outcome> {
  const timing = { startedAtMs: held.startedAtMs, endedAtMs: Date.now(), ttftMs: null };
  const captured = await parts.ledger.capture({
    ...captureOf(held.identity, served.candidate, usage, timing, served),
    ...(claim ? { claim } : {}),
    ...(claim && keep ? { answer: (charged: bigint) => keep(outcomeAt(charged)), answerBytes: answerBytes ?? 0 } : {}),
  });
  if (captured.kind === 'hold-released' || captured.kind === 'claim-lost') throw lateAnswer();
  return outcomeAt(captured.charged);
}

/** The process was taken for dead, or another one answers the key by now: this answer must not be given for free. */
export function lateAnswer(): AppError {
  return new AppError('unavailable', 'the call took longer than its hold; it was not charged', {
    retryAfterSeconds: 1,
  });
}
