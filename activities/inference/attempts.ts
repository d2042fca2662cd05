/**
 * One request, up to three attempts before the first byte: the next key of the model, then the next model, and only
 * where another key or model may help and the retry budget allows it.
 */
import type { Logger } from 'pino';
import type { ServedModel } from '../../core/catalog/model.ts';
import type { Affinity, Destination, KeyPool, PickedKey } from '../../core/key-pool/key-pool.ts';
import { errorOf, type FailureClass, UpstreamFailure } from '../../core/providers/failure.ts';
import { AppError } from '../../infra/errors.ts';
import { type Attributes, inSpan } from '../../infra/telemetry/spans.ts';

export interface Target<C extends ServedModel> {
  readonly candidate: C;
  readonly key: PickedKey;
  /** 1 for the first. */
  readonly attempt: number;
}

export interface AttemptOptions<C extends ServedModel, Value> {
  /** In the order in which they are tried. */
  readonly candidates: readonly C[];
  readonly output: CallOutput;
  readonly pool: KeyPool;
  /** Of the conversation that the request belongs to (KeyPool.pick). */
  readonly affinity?: Affinity | undefined;
  readonly budget: RetryBudget;
  /** Throws UpstreamFailure for what the provider did; anything else it throws ends the request as it is. */
  readonly call: (target: Target<C>) => Promise<Value>;
  readonly signal: AbortSignal;
  readonly log: () => Logger;
  readonly maxAttempts?: number;
  /**
   * True when the value is a stream that may still break: a success is then not reported here, and the caller reports
   * `key` when the stream has ended.
   */
  readonly streamed?: boolean;
}

export interface Attempted<C extends ServedModel, Value> {
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
export async function runAttempts<C extends ServedModel, Value>(
  options: AttemptOptions<C, Value>,
): Promise<Attempted<C, Value>> {
  const { candidates, pool, budget, signal, maxAttempts = MAX_ATTEMPTS } = options;
  const choice = new CandidateChoice(options, maxAttempts);
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
      if (!options.streamed) pool.report(target.key, { kind: 'success' });
      return { value, ...chosen, attempts: attempt };
    } catch (error) {
      failure = reported(error, target, options);
      choice.failed(target, failure.failure);
    }
  }
  const waitSeconds = pool.retryAfterSeconds(candidates);
  throw failure ? errorOf(failure, waitSeconds) : offline(candidates, waitSeconds);
}

/** Tells the pool and the log. @throws what is no failure of the provider, after the key is given back. */
function reported<C extends ServedModel, Value>(
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
  const { providerName, modelIdentifier } = candidate;
  const retryAfter = retryAfterMs === undefined ? {} : { retryAfterMs };
  pool.report(key, { kind: 'failure', failure, text: error.message, ...retryAfter });
  const facts = { provider: providerName, model: modelIdentifier, keyId: key.id, attempt, failure, status, code };
  log().warn({ ...facts, upstreamRequestId, err: error }, 'a provider call failed');
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
    case 'empty':
      return true;
    case 'content':
    case 'bad-request':
    case 'unusable':
    case 'cancelled':
      return false;
  }
}

function offline(candidates: readonly ServedModel[], retryAfterSeconds: number): AppError {
  const names = candidates.map(({ modelIdentifier }) => modelIdentifier).join(', ');
  return new AppError('modelOffline', `no provider key of ${names} is usable at the moment`, { retryAfterSeconds });
}

interface Tried {
  attempts: number;
  /** Keys that failed with this model in a way that another key may cure. */
  readonly keyIds: Set<number>;
  /** The provider does not serve it, whatever the key. */
  ruledOut: boolean;
}

type Choosing<C> = Pick<AttemptOptions<ServedModel, unknown>, 'pool' | 'affinity'> & {
  readonly candidates: readonly C[];
};

/** Which model and key the next attempt of one request uses. */
class CandidateChoice<C extends Destination> {
  readonly #pool: KeyPool;
  readonly #affinity: Affinity | undefined;
  readonly #maxAttempts: number;
  readonly #tried: Map<C, Tried>;

  constructor({ candidates, pool, affinity }: Choosing<C>, maxAttempts: number) {
    this.#pool = pool;
    this.#affinity = affinity;
    this.#maxAttempts = maxAttempts;
    this.#tried = new Map(candidates.map((candidate) => [candidate, newlyTried()]));
  }

  /**
   * The first candidate with a usable key. One attempt is kept for another model as long as there is one: when a
   * provider is down, all its keys are.
   */
  next(): { candidate: C; key: PickedKey } | undefined {
    return this.#first((tried) => tried.attempts < this.#maxAttempts - 1) ?? this.#first(() => true);
  }

  /** When there was no key: a half-open circuit's probe may just be on its way from Redis. Half a second at most. */
  async afterProbes(): Promise<{ candidate: C; key: PickedKey } | undefined> {
    const asked = this.#pool.probesAsked([...this.#tried.keys()]);
    if (asked === undefined) return undefined;
    await asked;
    return this.next();
  }

  failed({ candidate, key }: { candidate: C; key: PickedKey }, failure: FailureClass): void {
    const tried = this.#tried.get(candidate) ?? newlyTried();
    tried.attempts += 1;
    if (failure === 'model') tried.ruledOut = true;
    else tried.keyIds.add(key.id);
  }

  #first(allowed: (tried: Tried) => boolean): { candidate: C; key: PickedKey } | undefined {
    for (const [candidate, tried] of this.#tried) {
      if (tried.ruledOut || !allowed(tried)) continue;
      const key = this.#pool.pick(candidate, tried.keyIds, this.#affinity);
      if (key) return { candidate, key };
    }
    return undefined;
  }
}

function newlyTried(): Tried {
  return { attempts: 0, keyIds: new Set(), ruledOut: false };
}

const WINDOW_SECONDS = 10;
const RETRY_SHARE = 0.2;
const LEAST_RETRIES = 3;

/**
 * Keeps retries a small share of the calls, so that a provider in trouble is not called more when it can do less:
 * within ten seconds at most 20 % of the requests begun, and at least 3 (Envoy's figures for a retry budget).
 */
export class RetryBudget {
  readonly #nowMs: () => number;
  /** Counts of the last seconds, at index second % WINDOW_SECONDS. */
  readonly #requests = new Array<number>(WINDOW_SECONDS).fill(0);
  readonly #retries = new Array<number>(WINDOW_SECONDS).fill(0);
  #second: number;

  /** @param nowMs a clock that never goes back, in milliseconds. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#second = Math.floor(nowMs() / 1_000);
  }

  /** A request, whatever number of attempts it will take. */
  requestBegan(): void {
    add(this.#requests, this.#index());
  }

  mayRetry(): boolean {
    this.#index();
    return sum(this.#retries) + 1 <= Math.max(LEAST_RETRIES, RETRY_SHARE * sum(this.#requests));
  }

  /** A second or later attempt of a request; asks `mayRetry` first. */
  retryBegan(): void {
    add(this.#retries, this.#index());
  }

  /** The index of the present second, after the seconds that have gone by are emptied. */
  #index(): number {
    const second = Math.floor(this.#nowMs() / 1_000);
    const passed = Math.min(second - this.#second, WINDOW_SECONDS);
    for (let step = 1; step <= passed; step += 1) {
      this.#requests[(this.#second + step) % WINDOW_SECONDS] = 0;
      this.#retries[(this.#second + step) % WINDOW_SECONDS] = 0;
    }
    this.#second = Math.max(this.#second, second);
    return this.#second % WINDOW_SECONDS;
  }
}

function add(counts: number[], index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** What the provider is asked for. */
export type CallOutput = 'text' | 'image' | 'embedding' | 'ranking' | 'speech' | 'transcript' | 'moderation';

const OPERATIONS: Readonly<Record<CallOutput, string>> = {
  text: 'chat',
  image: 'generate_content',
  embedding: 'embeddings',
  ranking: 'rerank',
  speech: 'speech',
  transcript: 'transcription',
  moderation: 'moderation',
};

/** Those that OpenTelemetry has a word for. */
const OUTPUT_TYPES: ReadonlySet<CallOutput> = new Set(['text', 'image', 'speech']);

/** What the span of one provider call says, by OpenTelemetry's conventions for generative AI. */
export interface ProviderCall {
  readonly candidate: {
    readonly modelIdentifier: string;
    readonly providerName: string;
    readonly upstreamModel: string;
  };
  readonly output: CallOutput;
  readonly keyId: number;
  /** 1 for the first. */
  readonly attempt: number;
}

/** Makes the call in a span of its own. It names keys by their number, failures by their class. */
export function inProviderSpan<Value>(call: ProviderCall, work: () => Promise<Value>): Promise<Value> {
  const name = `${OPERATIONS[call.output]} ${call.candidate.upstreamModel}`;
  return inSpan(
    name,
    () => attributesOf(call),
    async (span) => {
      try {
        return await work();
      } catch (error) {
        if (error instanceof UpstreamFailure) span.set(failureOf(error));
        throw error;
      }
    },
    'client',
  );
}

function attributesOf({ candidate, output, keyId, attempt }: ProviderCall): Attributes {
  return {
    'gen_ai.operation.name': OPERATIONS[output],
    ...(OUTPUT_TYPES.has(output) ? { 'gen_ai.output.type': output } : {}),
    'gen_ai.provider.name': candidate.providerName,
    'gen_ai.request.model': candidate.upstreamModel,
    'gateway.model': candidate.modelIdentifier,
    'gateway.provider_key.id': keyId,
    'gateway.attempt': attempt,
  };
}

function failureOf({ failure, details }: UpstreamFailure): Attributes {
  return { 'error.type': failure, ...(details.status > 0 ? { 'http.response.status_code': details.status } : {}) };
}
