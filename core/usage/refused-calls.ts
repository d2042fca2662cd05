/**
 * Calls that were refused before money was held for them and a provider was asked: no balance, no such model, too many
 * requests. They are in a collection of their own, beside the usage log, so that nothing of the ledger, the statistics or
 * the reconciliation knows of them. Whoever is refused waits for nothing here; what cannot be written is lost.
 */
import { Counter, type Registry } from 'prom-client';
import { localDay } from '../../infra/calendar.ts';
import type { Logger } from '../../infra/logger.ts';
import { scrub } from '../../infra/secrets.ts';
import { type Tags, type UsageRecord, usageRecord } from './usage-record.ts';
import type { UsageStore } from './usage-store.ts';

export interface RefusedCall {
  /** As its caller read it in `x-request-id`. */
  readonly requestId: string;
  readonly userId: number;
  readonly accessKeyId: number;
  readonly traceId: string;
  readonly tags: Tags;
  readonly isAsync: boolean;
  /** What was asked for: by its id, its name, or neither. */
  readonly model: { readonly id?: number | undefined; readonly identifier?: string | undefined };
  readonly errorCode: number;
  /** As its caller read it. */
  readonly errorText: string | null;
  readonly startedAtMs: number;
}

/** A model that there is. */
export interface KnownModel {
  readonly id: number;
  readonly modelIdentifier: string;
}

/** Of one access key with one code. */
export const MOST_ALIKE_A_MINUTE = 10;
/** Of this process. */
export const MOST_A_MINUTE = 600;
const MINUTE_MS = 60_000;
/** Refusals of this time are written together. */
const GATHERED_MS = 250;
/** While MongoDB is slow or away. */
const MOST_UNWRITTEN = 1_000;

export interface RefusedCallDeps {
  readonly store: Pick<UsageStore, 'add'>;
  readonly knownModel: (model: RefusedCall['model']) => KnownModel | undefined;
  readonly timeZone: string;
  readonly log: Logger;
  readonly counted: Pick<Counter<'code' | 'logged'>, 'inc'>;
}

export function createRefusedCalls(registry: Registry, deps: Omit<RefusedCallDeps, 'counted'>): RefusedCalls {
  const counted = new Counter({
    name: 'refused_calls_total',
    help: 'Calls with a known access key that were refused before a provider was asked, by code, and whether each is in the log of calls',
    labelNames: ['code', 'logged'],
    registers: [registry],
  });
  return new RefusedCalls({ ...deps, counted });
}

export class RefusedCalls {
  readonly #deps: RefusedCallDeps;
  #minute = 0;
  #ofMinute = 0;
  readonly #alike = new Map<string, number>();
  #gathered: UsageRecord[] = [];
  /** Gathered and being written. */
  #unwritten = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(deps: RefusedCallDeps) {
    this.#deps = deps;
  }

  /** Counts it; of the first ones of a minute a record is written, in a moment. Never throws. */
  note(call: RefusedCall, nowMs = Date.now()): void {
    const isLogged = this.#unwritten < MOST_UNWRITTEN && this.#isAmongFirst(call, nowMs);
    this.#deps.counted.inc({ code: String(call.errorCode), logged: isLogged ? 'yes' : 'no' });
    if (!isLogged) return;
    this.#gathered.push(this.#recordOf(call, nowMs));
    this.#unwritten += 1;
    this.#timer ??= setTimeout(() => this.#write(), GATHERED_MS).unref();
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  #isAmongFirst({ accessKeyId, errorCode }: RefusedCall, nowMs: number): boolean {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#ofMinute = 0;
      this.#alike.clear();
    }
    const kind = `${accessKeyId} ${errorCode}`;
    const alike = this.#alike.get(kind) ?? 0;
    if (alike >= MOST_ALIKE_A_MINUTE || this.#ofMinute >= MOST_A_MINUTE) return false;
    this.#alike.set(kind, alike + 1);
    this.#ofMinute += 1;
    return true;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const records = this.#gathered;
    this.#gathered = [];
    if (records.length === 0) return;
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#deps.store.add(records);
      } catch (err) {
        this.#deps.log.warn({ err, calls: records.length }, 'refused calls could not be written to the log of calls');
      } finally {
        this.#unwritten -= records.length;
      }
    });
  }

  #recordOf(call: RefusedCall, nowMs: number): UsageRecord {
    const { model, errorText, startedAtMs, ...rest } = call;
    const known = this.#deps.knownModel(model);
    return usageRecord.parse({
      ...rest,
      modelId: known?.id ?? null,
      // What there is not may be anything: a client may have put its key there.
      modelIdentifier: known?.modelIdentifier ?? scrub(model.identifier ?? ''),
      errorText: errorText === null ? null : scrub(errorText),
      ...{ promptTokens: 0, completionTokens: 0, imageCount: 0, cost: '0', attempts: 0 },
      latencyMs: nowMs - startedAtMs,
      ttftMs: null,
      isSuccess: false,
      createTime: new Date(startedAtMs),
      day: localDay(startedAtMs, this.#deps.timeZone),
    });
  }
}
