/** The pool of provider keys as one process holds it: decides from memory, shares what it learns through Redis. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Redis } from '../../infra/redis/connection.ts';
import {
  afterResult,
  type CircuitSettings,
  type CircuitState,
  CLOSED,
  DEFAULT_CIRCUIT_SETTINGS,
  KEY_TEST,
  mayProbe,
  ORDINARY_CALL,
  stateAt,
  takeProbe,
  verdictOf,
} from './circuit.ts';
import { KeyCircuits, type KeyEntry } from './key-circuits.ts';
import { KeyMetrics, type KeyMetricsOptions, type KeyState } from './key-metrics.ts';
import type { CallResult, KeyPool, PickedKey, Standing } from './key-pool.ts';
import { KeyStatistics } from './key-statistics.ts';
import { RecentOutcomes } from './recent-outcomes.ts';
import { SharedCircuits } from './shared-circuits.ts';
import { WeightedRoundRobin } from './weighted-round-robin.ts';

/** An active key of a provider. `apiKey` is a secret, `weight` at least 1. */
export interface ProviderKey {
  readonly id: number;
  readonly apiKey: string;
  readonly weight: number;
}

export interface KeyPoolOptions {
  /** The active keys of a provider, from memory. */
  readonly keysOf: (providerId: number) => readonly ProviderKey[];
  readonly log: Logger;
  /** Where all processes share circuits and counts; without it this process is alone. `subscriber` is used for nothing else. */
  readonly redis?: { readonly commands: Redis; readonly subscriber: Redis };
  readonly metrics?: KeyMetricsOptions;
  readonly settings?: CircuitSettings;
  readonly now?: () => number;
}

/** How a key stands, for administrators. */
export interface KeyHealth {
  readonly circuit: CircuitState;
  /** In the last five minutes, of all processes; a caller's mistakes are neither. */
  readonly recentFailures: number;
  readonly recentSuccesses: number;
}

export interface LocalKeyPool extends KeyPool {
  /** Reads how the providers' keys stand, before the first call. Resolves without it when Redis does not answer. */
  load(providerIds: readonly number[]): Promise<void>;
  keyHealth(keyIds: readonly number[]): Promise<Map<number, KeyHealth>>;
  close(): void;
}

/** The most turns that a start of the round robin skips; a cycle of large weights is longer and need not be covered. */
const MOST_TURNS_SKIPPED = 1_000;

/** A picked key with what its report needs. */
class Ticket implements PickedKey {
  readonly id: number;
  readonly providerId: number;
  readonly apiKey: string;
  readonly epoch: number;
  readonly token: string;

  constructor(key: ProviderKey, providerId: number, epoch: number, token: string) {
    this.id = key.id;
    this.providerId = providerId;
    this.apiKey = key.apiKey;
    this.epoch = epoch;
    this.token = token;
  }
}

export function createKeyPool(options: KeyPoolOptions): LocalKeyPool {
  return new Pool(options);
}

class Pool implements LocalKeyPool {
  readonly #keysOf: (providerId: number) => readonly ProviderKey[];
  readonly #settings: CircuitSettings;
  readonly #nowMs: () => number;
  readonly #circuits: KeyCircuits;
  readonly #shared: SharedCircuits | undefined;
  readonly #statistics: KeyStatistics;
  readonly #turns = new Map<number, WeightedRoundRobin>();
  readonly #process = randomUUID();
  #probes = 0;

  constructor({ keysOf, log, redis, metrics, settings, now }: KeyPoolOptions) {
    this.#keysOf = keysOf;
    this.#settings = settings ?? DEFAULT_CIRCUIT_SETTINGS;
    this.#nowMs = now ?? Date.now;
    this.#circuits = new KeyCircuits(log, this.#nowMs);
    this.#statistics = new KeyStatistics(
      new RecentOutcomes({ log, nowMs: this.#nowMs, redis: redis?.commands }),
      metrics && new KeyMetrics(metrics, () => this.#states()),
    );
    this.#shared =
      redis &&
      new SharedCircuits({
        redis: redis.commands,
        subscriber: redis.subscriber,
        circuits: this.#circuits,
        settings: this.#settings,
        nowMs: this.#nowMs,
        log,
        onStart: (providerId, start) => this.#skipTurns(providerId, start),
      });
  }

  pick(providerId: number, except: ReadonlySet<number>): PickedKey | undefined {
    const keys = this.#keysOf(providerId);
    const turns = this.#turnsOf(providerId);
    // A probe may fail, so it goes to a call that has all its other attempts left, if there is a choice.
    const probe = except.size === 0 ? this.#probe(providerId, keys, except) : undefined;
    const ticket = probe ?? this.#turn(providerId, turns, keys, except) ?? this.#probe(providerId, keys, except);
    if (ticket) this.#statistics.picked(ticket);
    return ticket;
  }

  probesAsked(providerIds: readonly number[]): Promise<void> | undefined {
    const asked = [...new Set(providerIds)].flatMap((providerId) => this.#shared?.asked(providerId) ?? []);
    return asked.length === 0 ? undefined : Promise.all(asked).then(() => undefined);
  }

  report(key: PickedKey, result: CallResult, modelId?: number): void {
    this.#statistics.ended(key, result, modelId);
    const entry = this.#circuits.get(key.id);
    const { circuit = CLOSED, epoch = 0 } = entry ?? {};
    const token = key instanceof Ticket ? key.token : KEY_TEST;
    const stale = key instanceof Ticket && token === ORDINARY_CALL && key.epoch !== epoch;
    if (stale && circuit.state === 'closed') return;
    const verdict = verdictOf(result, this.#settings);
    const next = afterResult(circuit, verdict, token, this.#nowMs(), this.#settings);
    // On a closed circuit without failures a success changes nothing, and nobody is told.
    if (next === circuit) return;
    const moved = entry ?? this.#circuits.entry(key.id, key.providerId);
    this.#circuits.set(moved, next);
    this.#shared?.report(moved, verdict, token);
  }

  retryAfterSeconds(providerIds: readonly number[]): number {
    const nowMs = this.#nowMs();
    const keys = providerIds.flatMap((providerId) => this.#keysOf(providerId));
    const waitsMs = keys.map(({ id }) => {
      const circuit = this.#circuits.get(id)?.circuit;
      return circuit?.state === 'open' ? circuit.untilMs - nowMs : 0;
    });
    const waitMs = waitsMs.length === 0 ? this.#settings.rateDefaultMs : Math.min(...waitsMs);
    return Math.max(1, Math.ceil(waitMs / 1_000));
  }

  standing(providerId: number, modelId: number): Standing {
    const nowMs = this.#nowMs();
    const keys = this.#keysOf(providerId);
    const usable = keys.filter(({ id }) => {
      const circuit = this.#circuits.get(id)?.circuit ?? CLOSED;
      return circuit.state === 'closed' || mayProbe(circuit, nowMs);
    });
    const failureRate = this.#statistics.failureRate(modelId);
    return { usableKeys: usable.length, activeKeys: keys.length, failureRate };
  }

  async load(providerIds: readonly number[]): Promise<void> {
    for (const providerId of providerIds) this.#turnsOf(providerId);
    await Promise.all([...providerIds.map((providerId) => this.#shared?.join(providerId)), this.#statistics.sum()]);
  }

  async keyHealth(keyIds: readonly number[]): Promise<Map<number, KeyHealth>> {
    const nowMs = this.#nowMs();
    return new Map(
      keyIds.map((keyId) => {
        const circuit = stateAt(this.#circuits.get(keyId)?.circuit ?? CLOSED, nowMs);
        const { failures, successes } = this.#statistics.recent(keyId);
        return [keyId, { circuit, recentFailures: failures, recentSuccesses: successes }];
      }),
    );
  }

  close(): void {
    this.#statistics.close();
  }

  /** The provider's round robin; at first sight of the provider the process begins to share its circuits. */
  #turnsOf(providerId: number): WeightedRoundRobin {
    const known = this.#turns.get(providerId);
    if (known) return known;
    const turns = new WeightedRoundRobin();
    this.#turns.set(providerId, turns);
    this.#statistics.watch(providerId);
    void this.#shared?.join(providerId);
    return turns;
  }

  /** Weighted round robin over the keys whose circuit is closed. */
  #turn(
    providerId: number,
    turns: WeightedRoundRobin,
    keys: readonly ProviderKey[],
    except: ReadonlySet<number>,
  ): PickedKey | undefined {
    const key = turns.next(keys, ({ id }) => !except.has(id) && this.#isClosed(id));
    return key && new Ticket(key, providerId, this.#circuits.get(key.id)?.epoch ?? 0, ORDINARY_CALL);
  }

  #isClosed(keyId: number): boolean {
    const entry = this.#circuits.get(keyId);
    return entry === undefined || entry.circuit.state === 'closed';
  }

  /** A key whose one probe this process has; where Redis must give it first, it is asked for and comes to a later call. */
  #probe(providerId: number, keys: readonly ProviderKey[], except: ReadonlySet<number>): PickedKey | undefined {
    for (const key of keys) {
      const entry = this.#circuits.get(key.id);
      if (entry === undefined || except.has(key.id)) continue;
      const token = this.#probeToken(entry);
      if (token !== undefined) return new Ticket(key, providerId, entry.epoch, token);
    }
    return undefined;
  }

  #probeToken(entry: KeyEntry): string | undefined {
    const granted = entry.grant;
    entry.grant = '';
    if (granted !== '') return granted;
    const nowMs = this.#nowMs();
    if (!mayProbe(entry.circuit, nowMs)) return undefined;
    this.#probes += 1;
    const token = `${this.#process}:${this.#probes}`;
    if (this.#shared?.connected) {
      this.#shared.askProbe(entry, token);
      return undefined;
    }
    this.#circuits.set(entry, takeProbe(entry.circuit, token, nowMs, this.#settings));
    return token;
  }

  /** Processes that begin together do not all begin with the same key. */
  #skipTurns(providerId: number, start: number): void {
    const keys = this.#keysOf(providerId);
    const cycle = keys.reduce((sum, { weight }) => sum + weight, 0);
    if (cycle === 0) return;
    const turns = Math.min(start % cycle, MOST_TURNS_SKIPPED);
    for (let turn = 0; turn < turns; turn += 1) this.#turnsOf(providerId).next(keys, () => true);
  }

  #states(): KeyState[] {
    const nowMs = this.#nowMs();
    return [...this.#turns.keys()].flatMap((providerId) =>
      this.#keysOf(providerId).map(({ id }) => ({
        providerId,
        keyId: id,
        state: stateAt(this.#circuits.get(id)?.circuit ?? CLOSED, nowMs),
      })),
    );
  }
}
