/**
 * One request, up to three attempts before the first byte: the next key of the model, then the next model, and only
 * where another key or model may help.
 */
import type { Logger } from 'pino';
import type { KeyPool, PickedKey } from '../../core/key-pool/key-pool.ts';
import { UpstreamFailure } from '../../core/providers/failure.ts';
import type { ProviderKind } from '../../core/providers/provider.ts';
import { AppError } from '../../infra/errors.ts';
import { CandidateChoice } from './candidate-choice.ts';
import { type CallOutput, inProviderSpan } from './provider-span.ts';
import type { RetryBudget } from './retry-budget.ts';
import { errorOf } from './upstream-error.ts';

/** A model that may serve the request; callers add what else they need to know of it. */
export interface Candidate {
  readonly modelId: number;
  readonly modelIdentifier: string;
  readonly providerId: number;
  readonly providerName: string;
  readonly kind: ProviderKind;
  readonly urlBase: string;
  /** The name the provider knows. */
  readonly upstreamModel: string;
  readonly priority: number;
}

export interface Target<C extends Candidate> {
  readonly candidate: C;
  readonly key: PickedKey;
  /** 1 for the first. */
  readonly attempt: number;
}

export interface AttemptOptions<C extends Candidate, Value> {
  /** In the order in which they are tried. */
  readonly candidates: readonly C[];
  readonly output: CallOutput;
  readonly pool: KeyPool;
  readonly budget: RetryBudget;
  /** Throws UpstreamFailure for what the provider did; anything else it throws ends the request as it is. */
  readonly call: (target: Target<C>) => Promise<Value>;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly maxAttempts?: number;
  /**
   * True when the value is a stream that may still break: a success is then not reported here, and the caller reports
   * `key` when the stream has ended.
   */
  readonly streamed?: boolean;
}

export interface Attempted<C extends Candidate, Value> {
  readonly value: Value;
  readonly candidate: C;
  readonly key: PickedKey;
  readonly attempts: number;
}

const MAX_ATTEMPTS = 3;

/**
 * @throws {AppError} modelOffline when there is no usable key; otherwise the last failure as the caller is told.
 * @throws {UpstreamFailure} `cancelled` when the caller has left.
 */
export async function runAttempts<C extends Candidate, Value>(
  options: AttemptOptions<C, Value>,
): Promise<Attempted<C, Value>> {
  const { candidates, pool, budget, signal, maxAttempts = MAX_ATTEMPTS } = options;
  const choice = new CandidateChoice(candidates, pool, maxAttempts);
  budget.requestBegan();
  let failure: UpstreamFailure | undefined;
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    if (failure && (signal.aborted || !anotherMayHelp(failure) || !budget.mayRetry())) break;
    if (signal.aborted) throw new UpstreamFailure('cancelled', 'the caller has left', { status: 0 });
    const chosen = choice.next() ?? (await choice.afterProbes());
    if (chosen === undefined) break;
    if (failure) budget.retryBegan();
    const target = { ...chosen, attempt };
    try {
      const call = { candidate: target.candidate, output: options.output, keyId: target.key.id, attempt };
      const value = await inProviderSpan(call, () => options.call(target));
      if (!options.streamed) pool.report(target.key, { kind: 'success' }, target.candidate.modelId);
      return { value, ...chosen, attempts: attempt };
    } catch (error) {
      failure = reported(error, target, options);
      choice.failed(target, failure.failure);
    }
  }
  const waitSeconds = pool.retryAfterSeconds(candidates.map(({ providerId }) => providerId));
  throw failure ? errorOf(failure, waitSeconds) : offline(candidates, waitSeconds);
}

/** Tells the pool and the log. @throws what is no failure of the provider, after the key is given back. */
function reported<C extends Candidate, Value>(
  error: unknown,
  { candidate, key, attempt }: Target<C>,
  { pool, log }: AttemptOptions<C, Value>,
): UpstreamFailure {
  if (!(error instanceof UpstreamFailure)) {
    // Our own refusal or a bug: says nothing about the key.
    pool.report(key, { kind: 'failure', failure: 'cancelled' });
    throw error;
  }
  const { failure, details } = error;
  const { retryAfterMs, status, code, upstreamRequestId } = details;
  const { providerName, modelId, modelIdentifier } = candidate;
  pool.report(key, { kind: 'failure', failure, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }, modelId);
  const facts = { provider: providerName, model: modelIdentifier, keyId: key.id, attempt, failure, status, code };
  log.warn({ ...facts, upstreamRequestId, err: error }, 'a provider call failed');
  return error;
}

/** Whether the same request may do better with another key or model, or a second time. */
export function anotherMayHelp({ failure }: UpstreamFailure): boolean {
  switch (failure) {
    case 'account':
    case 'rate':
    case 'transient':
    case 'timeout':
    case 'model':
      return true;
    case 'content':
    case 'bad-request':
    case 'cancelled':
      return false;
  }
}

function offline(candidates: readonly Candidate[], retryAfterSeconds: number): AppError {
  const names = candidates.map(({ modelIdentifier }) => modelIdentifier).join(', ');
  return new AppError('modelOffline', `no provider key of ${names} is usable at the moment`, { retryAfterSeconds });
}
