/**
 * Admits requests of access keys with limits. Counted in Redis for all processes with one call a request, or in this
 * process while Redis is away. Keys without limits are not counted (`isLimited`). A running request has a lease that its
 * process renews, so that a dead process does not occupy places for long.
 */
import { z } from 'zod';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { OutageLog } from '../../infra/outage-log.ts';
import type { Redis } from '../../infra/redis/connection.ts';
import type { AccessKeyCaller } from './caller.ts';
import { KeyLimitMemory } from './key-limit-memory.ts';
import { busyMsOf, countedTokens, type LimitState, tokensToGiveBack, type Waits } from './key-limit-rule.ts';
import { type Entered, type Entry, KeyLimitStore } from './key-limit-store.ts';

/** An admitted request; stored with a job, so that any process can settle it when the job ends. */
export const admissionSchema = z.object({
  accessKeyId: z.number(),
  id: z.string(),
  /** Tokens that were counted. */
  tokens: z.number(),
  tpmLimit: z.number().nullable(),
  atMs: z.number(),
  /** False when Redis was away: counted in one process only. */
  shared: z.boolean(),
});
export type Admission = z.infer<typeof admissionSchema>;

export interface AdmissionRequest {
  /** Id of the call or job. */
  readonly id: string;
  /** The most tokens it may use. */
  readonly tokens: number;
  /** For a job: its lease is not renewed but ends by itself after so long. */
  readonly leaseMs?: number;
}

export type Admitted =
  | { readonly kind: 'admitted'; readonly admission: Admission; readonly state: LimitState }
  | { readonly kind: 'refused'; readonly error: AppError; readonly state: LimitState };

const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 5_000;
/** A job that one process has counted ends in another, which cannot inform it. */
const LONGEST_LEASE_IN_MEMORY_MS = 60_000;
/** After a failure Redis is not asked for this long, so that requests do not wait for a server that hangs. */
const PAUSE_MS = 1_000;
/** Settlements that are kept while Redis is away; a lost one expires with its lease. */
const MOST_UNSETTLED = 1_000;

export class KeyLimits {
  readonly #store: KeyLimitStore;
  readonly #memory = new KeyLimitMemory();
  readonly #outage: OutageLog;
  readonly #timer: NodeJS.Timeout;
  /** Running calls of this process, whose leases are renewed. */
  readonly #open = new Map<string, Admission>();
  #unsettled: { admission: Admission; usedTokens: number }[] = [];
  #pausedUntilMs = 0;

  constructor(redis: Redis, log: Logger) {
    this.#store = new KeyLimitStore(redis);
    this.#outage = new OutageLog(log, 'limits of access keys are counted by each process for itself');
    this.#timer = setInterval(() => void this.#keepUp(), RENEW_EVERY_MS).unref();
  }

  /** Without Redis this process decides alone. @throws {RangeError} for a bound of tokens that is not a count. */
  async admit(caller: AccessKeyCaller, request: AdmissionRequest): Promise<Admitted> {
    const { accessKeyId, rpmLimit, tpmLimit, parallelLimit } = caller;
    const entry: Entry = {
      accessKeyId,
      limits: { rpmLimit, tpmLimit, parallelLimit },
      id: request.id,
      tokens: countedTokens(request.tokens, tpmLimit),
      leaseMs: request.leaseMs ?? LEASE_MS,
    };
    const shared = await this.#shared(() => this.#store.admit(entry));
    const leaseMs = Math.min(entry.leaseMs, LONGEST_LEASE_IN_MEMORY_MS);
    const { waits, state }: Entered = shared ?? this.#memory.admit({ ...entry, leaseMs });
    const error = refusalOf(waits, caller);
    if (error) return { kind: 'refused', error, state };
    const { id, tokens } = entry;
    const admission = { accessKeyId, id, tokens, tpmLimit, atMs: Date.now(), shared: shared !== undefined };
    if (request.leaseMs === undefined) this.#open.set(id, admission);
    return { kind: 'admitted', admission, state };
  }

  /**
   * A request has ended with so many tokens used; 0 for one that was not served. The first time counts. No waiting,
   * never throws.
   */
  settle(admission: Admission, usedTokens: number): void {
    this.#open.delete(admission.id);
    if (admission.shared) void this.#settleShared(admission, usedTokens);
    else this.#memory.settle(admission.accessKeyId, admission.id, giveBackMs(admission, usedTokens));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #settleShared(admission: Admission, usedTokens: number): Promise<void> {
    const { accessKeyId, id } = admission;
    const done = await this.#shared(async () => {
      await this.#store.settle(accessKeyId, id, giveBackMs(admission, usedTokens));
      return true;
    });
    if (!done && this.#unsettled.length < MOST_UNSETTLED) this.#unsettled.push({ admission, usedTokens });
  }

  /** @returns undefined when Redis did not answer. */
  async #shared<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!this.#store.isReachable || performance.now() < this.#pausedUntilMs) return undefined;
    try {
      const result = await work();
      this.#outage.over();
      return result;
    } catch (error) {
      this.#outage.failed(error);
      this.#pausedUntilMs = performance.now() + PAUSE_MS;
      return undefined;
    }
  }

  async #keepUp(): Promise<void> {
    const open = Map.groupBy(this.#open.values(), ({ accessKeyId }) => accessKeyId);
    for (const [accessKeyId, admissions] of open) {
      const ids = admissions.filter(({ shared }) => shared).map(({ id }) => id);
      const alone = admissions.filter(({ shared }) => !shared).map(({ id }) => id);
      if (ids.length > 0) await this.#shared(() => this.#store.renew(accessKeyId, ids, LEASE_MS));
      this.#memory.renew(accessKeyId, alone, LEASE_MS);
    }
    this.#memory.forgetUnused();
    const unsettled = this.#unsettled;
    this.#unsettled = [];
    for (const { admission, usedTokens } of unsettled) await this.#settleShared(admission, usedTokens);
  }
}

function giveBackMs({ tokens, tpmLimit, atMs }: Admission, usedTokens: number): number {
  if (tpmLimit === null) return 0;
  return busyMsOf(tokensToGiveBack(tokens, usedTokens, tpmLimit, Date.now() - atMs), tpmLimit);
}

function refusalOf(waits: Waits, caller: AccessKeyCaller): AppError | undefined {
  const longestMs = Math.max(waits.requests, waits.tokens, waits.parallel);
  if (longestMs === 0) return undefined;
  const limit =
    longestMs === waits.requests
      ? `${caller.rpmLimit} requests a minute`
      : longestMs === waits.tokens
        ? `${caller.tpmLimit} tokens a minute`
        : `${caller.parallelLimit} requests at once`;
  return new AppError('tooManyRequests', `the access key's limit of ${limit} is reached`, {
    retryAfterSeconds: Math.ceil(longestMs / 1_000),
  });
}
