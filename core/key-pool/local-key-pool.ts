/** The pool of provider keys as one process holds it: decides from memory, shares what it learns through Redis. */
import type { Logger } from 'pino';
import type { Redis } from '../../infra/redis/connection.ts';
import { AccountProbes, type ProbeKey } from './account-probes.ts';
import {
  afterResult,
  type CircuitSettings,
  type CircuitState,
  CLOSED,
  DEFAULT_CIRCUIT_SETTINGS,
  KEY_TEST,
  ORDINARY_CALL,
  stateAt,
  verdictOf,
} from './circuit.ts';
import { KeyCircuits } from './key-circuits.ts';
import { KeyMetrics, type KeyMetricsOptions, type KeyState } from './key-metrics.ts';
import type { CallResult, Destination, KeyPool, PickedKey, Standing } from './key-pool.ts';
import { KeyProbes } from './key-probes.ts';
import { KeyStatistics } from './key-statistics.ts';
import { RecentOutcomes } from './recent-outcomes.ts';
import { SharedCircuits } from './shared-circuits.ts';
import { type ProviderKey, Ticket } from './ticket.ts';
import { WeightedRoundRobin } from './weighted-round-robin.ts';

export interface KeyPoolOptions {
  /** The active keys of a provider, from memory. */
  readonly keysOf: (providerId: number) => readonly ProviderKey[];
  readonly log: Logger;
  /** Where all processes share circuits and counts; without it this process is alone. `subscriber` is used for nothing else. */
  readonly redis?: { readonly commands: Redis; readonly subscriber: Redis };
  readonly metrics?: KeyMetricsOptions;
  /** Tries a refused key again when its time is over; without it the next call does. */
  readonly probe?: ProbeKey;
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
  /** Tries refused keys whose time is over, where `probe` was given. Runs by itself every five seconds. */
  probeAccounts(): Promise<void>;
  close(): void;
}

/** The most turns that a start of the round robin skips; a cycle of large weights is longer and need not be covered. */
const MOST_TURNS_SKIPPED = 1_000;

/** Tells nothing of the key, and gives a probe back. */
const NO_VERDICT: CallResult = { kind: 'failure', failure: 'cancelled' };

export function createKeyPool(options: KeyPoolOptions): LocalKeyPool {
  return new Pool(options);
}

class Pool implements LocalKeyPool {
  readonly #keysOf: (providerId: number) => readonly ProviderKey[];
  readonly #settings: CircuitSettings;
  readonly #nowMs: () => number;
  readonly #circuits: KeyCircuits;
  readonly #shared: SharedCircuits | undefined;
  readonly #probes: KeyProbes;
  readonly #statistics: KeyStatistics;
  readonly #accountProbes: AccountProbes | undefined;
  readonly #turns = new Map<number, WeightedRoundRobin>();

  constructor({ keysOf, log, redis, metrics, probe, settings, now }: KeyPoolOptions) {
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
    this.#probes = new KeyProbes({
      circuits: this.#circuits,
      shared: this.#shared,
      settings: this.#settings,
      nowMs: this.#nowMs,
      accountsScheduled: probe !== undefined,
    });
    this.#accountProbes =
      probe &&
      new AccountProbes({
        probe,
        due: () => this.#probes.takeScheduled(keysOf),
        report: (key, result) => this.report(key, result),
        log,
      });
  }

  pick({ providerId, urlBase }: Destination, except: ReadonlySet<number>): PickedKey | undefined {
    const keys = this.#keysOf(providerId).filter((key) => key.urlBase === urlBase);
    const turns = this.#turnsOf(providerId);
    // A probe may fail, so it goes to a call that has all its other attempts left, if there is a choice.
    const probe = except.size === 0 ? this.#probes.take(providerId, keys, except) : undefined;
    const ticket = probe ?? this.#turn(providerId, turns, keys, except) ?? this.#probes.take(providerId, keys, except);
    if (ticket) this.#statistics.picked(ticket);
    return ticket;
  }

  probesAsked(providerIds: readonly number[]): Promise<void> | undefined {
    const asked = [...new Set(providerIds)].flatMap((providerId) => this.#shared?.asked(providerId) ?? []);
    return asked.length === 0 ? undefined : Promise.all(asked).then(() => undefined);
  }

  report(key: PickedKey, told: CallResult, modelId?: number): void {
    const result = this.#saidElsewhere(key) ? NO_VERDICT : told;
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
    const keys = this.#keysOf(providerId);
    const usable = keys.filter(({ id }) => {
      const entry = this.#circuits.get(id);
      return entry === undefined || entry.circuit.state === 'closed' || this.#probes.isFree(entry);
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

  async probeAccounts(): Promise<void> {
    await this.#accountProbes?.run();
  }

  close(): void {
    this.#accountProbes?.close();
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

  /** Since the call began the provider has moved to another address, or has lost the key that was picked. */
  #saidElsewhere(key: PickedKey): boolean {
    const present = this.#keysOf(key.providerId).find(({ id }) => id === key.id);
    return present === undefined ? key instanceof Ticket : present.urlBase !== key.urlBase;
  }

  #isClosed(keyId: number): boolean {
    const entry = this.#circuits.get(keyId);
    return entry === undefined || entry.circuit.state === 'closed';
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
