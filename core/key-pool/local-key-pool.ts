/** The pool of provider keys as one process holds it: decides from memory, shares what it learns through Redis. */
import type { Logger } from 'pino';
import type { Redis } from '../../infra/redis/connection.ts';
import { AccountProbes, type ProbeKey } from './account-probes.ts';
import { preferred } from './affinity.ts';
import {
  accountEffect,
  afterResult,
  type CircuitSettings,
  CLOSED,
  DEFAULT_CIRCUIT_SETTINGS,
  KEY_TEST,
  modelEffect,
  ORDINARY_CALL,
} from './circuit.ts';
import { circuitName, KeyCircuits } from './key-circuits.ts';
import { type KeyHealth, KeyHealths, type OpenCircuit, type ShownModel } from './key-healths.ts';
import { KeyMetrics, type KeyMetricsOptions } from './key-metrics.ts';
import type { Affinity, CallResult, Destination, KeyPool, PickedKey, Standing } from './key-pool.ts';
import { KeyProbes } from './key-probes.ts';
import { KeyStatistics } from './key-statistics.ts';
import { LastFailures } from './last-failures.ts';
import { RecentOutcomes } from './recent-outcomes.ts';
import { SharedCircuits } from './shared-circuits.ts';
import { type ProviderKey, Ticket } from './ticket.ts';
import { WeightedRoundRobin } from './weighted-round-robin.ts';

export interface KeyPoolOptions {
  /** The active keys of a provider, from memory. */
  readonly keysOf: (providerId: number) => readonly ProviderKey[];
  /** The models that are called at a provider, for what is shown of its keys. */
  readonly modelsOf?: (providerId: number) => readonly ShownModel[];
  readonly log: Logger;
  /**
   * Where all processes share circuits and counts; without it this process is alone. `subscriber` is used for nothing
   * else.
   */
  readonly redis?: { readonly commands: Redis; readonly subscriber: Redis };
  readonly metrics?: KeyMetricsOptions;
  /** Tries a refused key again when its time is over; without it an administrator has to. */
  readonly probe?: ProbeKey;
  readonly settings?: CircuitSettings;
  readonly now?: () => number;
}

export interface LocalKeyPool extends KeyPool {
  /** Reads the state of the providers' keys, before the first call. Resolves without it when Redis does not answer. */
  load(providerIds: readonly number[]): Promise<void>;
  keyHealth(providerId: number, keyIds: readonly number[]): Promise<Map<number, KeyHealth>>;
  /** The circuits of active keys of these providers that are not closed. A provider that is new to the process is joined. */
  openCircuits(providerIds: readonly number[]): OpenCircuit[];
  /** Tries refused keys that are due, if `probe` was given. Runs by itself every five seconds. */
  probeAccounts(): Promise<void>;
  close(): void;
}

/** The most turns that a start of the round robin skips; a cycle of large weights is longer and need not be covered. */
const MOST_TURNS_SKIPPED = 1_000;

/** In place of the result of a key that has changed meanwhile: changes no circuit and returns a probe. */
const OUTDATED_RESULT: CallResult = { kind: 'failure', failure: 'cancelled' };

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
  readonly #lastFailures: LastFailures;
  readonly #healths: KeyHealths;
  readonly #accountProbes: AccountProbes | undefined;
  readonly #turns = new Map<number, WeightedRoundRobin>();
  /** Calls under way, by key. */
  readonly #calls = new Map<number, number>();
  readonly #underWay = new WeakSet<PickedKey>();

  constructor({ keysOf, modelsOf, log, redis, metrics, probe, settings, now }: KeyPoolOptions) {
    this.#keysOf = keysOf;
    this.#settings = settings ?? DEFAULT_CIRCUIT_SETTINGS;
    this.#nowMs = now ?? Date.now;
    this.#circuits = new KeyCircuits(log, this.#nowMs);
    this.#statistics = new KeyStatistics(
      new RecentOutcomes({ log, nowMs: this.#nowMs, redis: redis?.commands }),
      metrics && new KeyMetrics(metrics, () => this.#healths.states(this.#turns.keys())),
    );
    this.#lastFailures = new LastFailures(redis?.commands, this.#nowMs);
    this.#healths = new KeyHealths({
      keysOf,
      modelsOf: modelsOf ?? (() => []),
      circuits: this.#circuits,
      statistics: this.#statistics,
      lastFailures: this.#lastFailures,
      nowMs: this.#nowMs,
    });
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

  pick({ providerId, modelId, urlBase }: Destination, except: ReadonlySet<number>, affinity?: Affinity) {
    const keys = this.#keysOf(providerId).filter((key) => key.urlBase === urlBase);
    const turns = this.#turnsOf(providerId);
    const usable = ({ id }: ProviderKey) => !except.has(id) && this.#isClosed(id);
    // A probe may fail, so it goes to a call that has all its other attempts left, if there is a choice.
    const probe = except.size === 0 ? this.#probes.take(providerId, modelId, keys, usable) : undefined;
    const ready = ({ id }: ProviderKey) => !except.has(id) && this.#isClosed(id) && this.#isClosed(id, modelId);
    const key = probe ? undefined : (this.#familiar(keys, ready, modelId, affinity) ?? turns.next(keys, ready));
    const turn = key && new Ticket(key, { providerId, modelId }, this.#circuits.epochs(key.id, modelId));
    const ticket = probe ?? turn ?? this.#probes.take(providerId, modelId, keys, usable);
    if (ticket === undefined) return undefined;
    this.#statistics.picked(ticket);
    this.#calls.set(ticket.id, (this.#calls.get(ticket.id) ?? 0) + 1);
    this.#underWay.add(ticket);
    return ticket;
  }

  probesAsked(destinations: readonly Destination[]): Promise<void> | undefined {
    const names = destinations.flatMap(({ providerId, modelId }) =>
      this.#keysOf(providerId).map(({ id }) => circuitName(id, modelId)),
    );
    const asked = [...new Set(names)].flatMap((name) => this.#shared?.asked(name) ?? []);
    return asked.length === 0 ? undefined : Promise.all(asked).then(() => undefined);
  }

  report(key: PickedKey, ended: CallResult): void {
    const result = this.#isOutdated(key) ? OUTDATED_RESULT : ended;
    if (this.#underWay.delete(key)) this.#calls.set(key.id, (this.#calls.get(key.id) ?? 1) - 1);
    this.#statistics.ended(key, result);
    this.#lastFailures.note(key.id, result);
    const { modelId } = key;
    if (modelId !== undefined) this.#moveCircuit(key, modelId, result);
    // A call with a key that was picked for a model says something about the account only when the account is refused.
    const isRefused = result.kind === 'failure' && result.failure === 'account';
    if (isRefused || modelId === undefined || !(key instanceof Ticket)) this.#moveCircuit(key, undefined, result);
  }

  retryAfterSeconds(destinations: readonly Destination[]): number {
    const nowMs = this.#nowMs();
    const waitsMs = destinations.flatMap(({ providerId, modelId }) =>
      this.#keysOf(providerId).map(({ id }) => {
        const circuits = [this.#circuits.circuit(id), this.#circuits.circuit(id, modelId)];
        return Math.max(...circuits.map((circuit) => (circuit.state === 'open' ? circuit.untilMs - nowMs : 0)));
      }),
    );
    const waitMs = waitsMs.length === 0 ? this.#settings.rateDefaultMs : Math.min(...waitsMs);
    return Math.max(1, Math.ceil(waitMs / 1_000));
  }

  standing(providerId: number, modelId: number): Standing {
    const keys = this.#keysOf(providerId);
    const usable = keys.filter(({ id }) => {
      if (!this.#isClosed(id)) return false;
      const entry = this.#circuits.get(id, modelId);
      return entry === undefined || entry.circuit.state === 'closed' || this.#probes.isFree(entry);
    });
    const failureRate = this.#statistics.failureRate(modelId);
    return { usableKeys: usable.length, activeKeys: keys.length, failureRate };
  }

  async load(providerIds: readonly number[]): Promise<void> {
    for (const providerId of providerIds) this.#turnsOf(providerId);
    await Promise.all([...providerIds.map((providerId) => this.#shared?.join(providerId)), this.#statistics.sum()]);
  }

  keyHealth(providerId: number, keyIds: readonly number[]): Promise<Map<number, KeyHealth>> {
    return this.#healths.of(providerId, keyIds);
  }

  openCircuits(providerIds: readonly number[]): OpenCircuit[] {
    for (const providerId of providerIds) this.#turnsOf(providerId);
    return this.#healths.openCircuits();
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

  /**
   * The key that the conversation keeps to, as long as it is healthy: one that fails at the moment gets its turns as
   * without affinity, so that a few calls find out how it is and not all calls of a conversation.
   */
  #familiar(
    keys: readonly ProviderKey[],
    ready: (key: ProviderKey) => boolean,
    modelId: number,
    affinity: Affinity | undefined,
  ): ProviderKey | undefined {
    if (affinity === undefined || keys.length < 2) return undefined;
    const key = preferred(keys.filter(ready), affinity(), ({ id }) => this.#calls.get(id) ?? 0);
    const circuit = key && this.#circuits.circuit(key.id, modelId);
    return circuit?.state === 'closed' && circuit.failures === 0 ? key : undefined;
  }

  /** Applies a result to the circuit of the model on the key, or without a model to that of its account. */
  #moveCircuit(key: PickedKey, modelId: number | undefined, result: CallResult): void {
    const entry = this.#circuits.get(key.id, modelId);
    const circuit = entry?.circuit ?? CLOSED;
    const token = this.#tokenOf(key, modelId);
    const epoch = key instanceof Ticket && (modelId === undefined ? key.epochs.account : key.epochs.model);
    const stale = token === ORDINARY_CALL && epoch !== (entry?.epoch ?? 0);
    if (stale && circuit.state === 'closed') return;
    const effect = (modelId === undefined ? accountEffect : modelEffect)(result, this.#settings);
    const next = afterResult(circuit, effect, token, this.#nowMs(), this.#settings);
    // On a closed circuit without failures a success changes nothing, so nothing is shared.
    if (next === circuit) return;
    const moved = entry ?? this.#circuits.entry(circuitName(key.id, modelId), key.providerId);
    this.#circuits.set(moved, next);
    this.#shared?.report(moved, effect, token);
  }

  /** A probe decides only on the circuit that it was taken from. */
  #tokenOf(key: PickedKey, modelId: number | undefined): string {
    if (!(key instanceof Ticket)) return KEY_TEST;
    return key.modelId === modelId ? key.token : ORDINARY_CALL;
  }

  /** Since the call began the provider has moved to another address, or has lost the key that was picked. */
  #isOutdated(key: PickedKey): boolean {
    const present = this.#keysOf(key.providerId).find(({ id }) => id === key.id);
    return present === undefined ? key instanceof Ticket : present.urlBase !== key.urlBase;
  }

  #isClosed(keyId: number, modelId?: number): boolean {
    return this.#circuits.circuit(keyId, modelId).state === 'closed';
  }

  /** Processes that begin together do not all begin with the same key. */
  #skipTurns(providerId: number, start: number): void {
    const keys = this.#keysOf(providerId);
    const cycle = keys.reduce((sum, { weight }) => sum + weight, 0);
    if (cycle === 0) return;
    const turns = Math.min(start % cycle, MOST_TURNS_SKIPPED);
    for (let turn = 0; turn < turns; turn += 1) this.#turnsOf(providerId).next(keys, () => true);
  }
}
