/**
 * Keeps this process's circuits and those in Redis the same. Nothing here is waited for by a call: results go out in
 * the background, changes of all processes come in by push. Without Redis the process continues with its own results
 * and shares them when Redis is back.
 */
import type { Logger } from 'pino';
import { OutageLog } from '../../infra/outage-log.ts';
import type { Redis } from '../../infra/redis/connection.ts';
import {
  afterResult,
  type Circuit,
  type CircuitEffect,
  type CircuitSettings,
  CLOSED,
  takeProbe,
  withOwn,
} from './circuit.ts';
import { CircuitStore, type SharedCircuit } from './circuit-store.ts';
import type { CircuitEntry, KeyCircuits } from './key-circuits.ts';

export interface SharedCircuitsOptions {
  readonly redis: Redis;
  /** A separate connection, used for nothing else. */
  readonly subscriber: Redis;
  readonly circuits: KeyCircuits;
  readonly settings: CircuitSettings;
  readonly nowMs: () => number;
  readonly log: Logger;
  /** Read once per provider: how many processes started before this one. */
  readonly onStart: (providerId: number, start: number) => void;
}

/** What is known of a circuit's copy in Redis. */
interface Copy {
  revision: number;
  /** The newest circuit from Redis, applied when no report of this process is running. */
  latest: Circuit | undefined;
  reportsUnderWay: number;
  /** The circuit was decided here while Redis was away. */
  alone: boolean;
}

interface Member {
  startTaken: boolean;
  /** The last reading of the provider's circuits. */
  reading: Promise<void>;
}

/** Pause before a provider is read again when Redis was connected and did not answer. */
const REJOIN_AFTER_MS = 5_000;
/** A probe that no call of this process has taken goes back, so that another process may have it. */
const UNUSED_PROBE_MS = 60_000;

export class SharedCircuits {
  readonly #options: SharedCircuitsOptions;
  readonly #store: CircuitStore;
  readonly #copies = new Map<string, Copy>();
  readonly #members = new Map<number, Member>();
  readonly #rejoins = new Map<number, NodeJS.Timeout>();
  readonly #asked = new Map<string, Promise<void>>();
  readonly #outage: OutageLog;

  constructor(options: SharedCircuitsOptions) {
    this.#options = options;
    const { redis, subscriber, nowMs, log } = options;
    this.#store = new CircuitStore(redis, nowMs);
    this.#outage = new OutageLog(log, 'circuits of provider keys are not shared for the time being');
    subscriber.on('message', (_channel: string, text: string) => this.#receive(text));
    subscriber.on('ready', () => void this.#subscribe());
    if (subscriber.status === 'ready') void this.#subscribe();
    // Reports fail while this connection is down, so what was decided meanwhile is sent when it is back.
    redis.on('ready', () => this.#readAll());
  }

  get connected(): boolean {
    return this.#options.redis.status === 'ready';
  }

  /** Begins to share a provider's circuits. @returns when they are read, or cannot be at the moment. */
  join(providerId: number): Promise<void> {
    const known = this.#members.get(providerId);
    if (known) return known.reading;
    this.#members.set(providerId, { startTaken: false, reading: Promise.resolve() });
    return this.#read(providerId);
  }

  report(entry: CircuitEntry, effect: CircuitEffect, token: string): void {
    const copy = this.#copy(entry.name);
    if (!this.connected) {
      copy.alone = true;
      return;
    }
    copy.reportsUnderWay += 1;
    const { settings, nowMs } = this.#options;
    this.#store
      .change(entry.providerId, entry.name, (circuit) => afterResult(circuit, effect, token, nowMs(), settings))
      .then(
        (shared) => this.#remember(shared),
        (error: unknown) => {
          copy.alone = true;
          this.#failed(error, entry.providerId);
        },
      )
      .finally(() => {
        copy.reportsUnderWay -= 1;
        // What Redis made of it where it knew more than this process: the log of it is here.
        this.#apply(entry, copy, (circuit) => this.#options.circuits.set(entry, circuit));
      });
  }

  /** Asks for a circuit's probe, once at a time; `entry.grant` is set when this process has it. */
  askProbe(entry: CircuitEntry, token: string): void {
    if (this.#asked.has(entry.name)) return;
    const take = (circuit: Circuit) => takeProbe(circuit, token, this.#options.nowMs(), this.#options.settings);
    const asked = this.#store
      .change(entry.providerId, entry.name, take)
      .then(
        (shared) => {
          this.#remember(shared);
          return shared.circuit;
        },
        (error: unknown) => {
          this.#failed(error, entry.providerId);
          return take(entry.circuit);
        },
      )
      .then((circuit) => {
        if (circuit.state === 'half-open' && circuit.probe === token) this.#grant(entry, circuit, token);
      })
      .finally(() => this.#asked.delete(entry.name));
    this.#asked.set(entry.name, asked);
  }

  /** The probe of this circuit, where it was asked for and is not decided yet. */
  asked(name: string): Promise<void> | undefined {
    return this.#asked.get(name);
  }

  #grant(entry: CircuitEntry, circuit: Circuit, token: string): void {
    this.#options.circuits.set(entry, circuit);
    entry.grant = token;
    setTimeout(() => {
      if (entry.grant === token) this.#giveBack(entry, token);
    }, UNUSED_PROBE_MS).unref();
  }

  #giveBack(entry: CircuitEntry, token: string): void {
    const { circuits, settings, nowMs } = this.#options;
    const unused: CircuitEffect = { kind: 'neutral' };
    entry.grant = '';
    circuits.set(entry, afterResult(entry.circuit, unused, token, nowMs(), settings));
    this.report(entry, unused, token);
  }

  async #subscribe(): Promise<void> {
    const { subscriber } = this.#options;
    try {
      await subscriber.subscribe(this.#store.channel);
      // Earlier changes are not announced again.
      this.#readAll();
    } catch (error) {
      this.#outage.failed(error);
      subscriber.disconnect(true);
    }
  }

  #readAll(): void {
    for (const providerId of this.#members.keys()) void this.#read(providerId);
  }

  #read(providerId: number): Promise<void> {
    const member = this.#members.get(providerId);
    if (member === undefined || !this.connected) return Promise.resolve();
    member.reading = this.#exchange(providerId, member);
    return member.reading;
  }

  /** Tells what this process knows better, and reads what the others know. */
  async #exchange(providerId: number, member: Member): Promise<void> {
    const takeStart = !member.startTaken;
    member.startTaken = true;
    const entries = this.#options.circuits.ofProvider(providerId);
    const lastRevision = Math.max(0, ...entries.map(({ name }) => this.#copy(name).revision));
    try {
      const { revision, circuits } = await this.#store.read(providerId);
      const shared = new Map(circuits.map((one) => [one.name, one]));
      const memoryLost = lastRevision > revision;
      for (const { name, circuit } of entries) {
        const { alone } = this.#copy(name);
        const own = { circuit, alone };
        const known = shared.get(name)?.circuit ?? CLOSED;
        if ((!alone && !memoryLost) || withOwn(known, own) === known) continue;
        shared.set(name, await this.#store.change(providerId, name, (present) => withOwn(present, own)));
      }
      this.#adopt(providerId, Math.max(revision, ...[...shared.values()].map((one) => one.revision)), shared);
      if (takeStart) this.#options.onStart(providerId, await this.#store.takeStart(providerId));
    } catch (error) {
      member.startTaken = !takeStart;
      this.#failed(error, providerId);
    }
  }

  /** Circuits that Redis did not name are closed there. */
  #adopt(providerId: number, revision: number, circuits: ReadonlyMap<string, SharedCircuit>): void {
    this.#outage.over();
    for (const shared of circuits.values()) this.#remember(shared);
    for (const { name } of this.#options.circuits.ofProvider(providerId)) {
      if (!circuits.has(name)) this.#remember({ providerId, name, revision, circuit: CLOSED });
    }
  }

  #receive(text: string): void {
    try {
      this.#remember(this.#store.readMessage(text));
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a message about a circuit is malformed and was ignored');
    }
  }

  #remember(shared: SharedCircuit): void {
    this.#outage.over();
    const copy = this.#copy(shared.name);
    if (shared.revision < copy.revision) return;
    copy.revision = shared.revision;
    copy.latest = shared.circuit;
    copy.alone = false;
    const { circuits } = this.#options;
    const entry = circuits.entry(shared.name, shared.providerId);
    this.#apply(entry, copy, (circuit) => circuits.adopt(entry, circuit));
  }

  /** While reports are under way this process knows better than Redis. */
  #apply(entry: CircuitEntry, { latest, reportsUnderWay, alone }: Copy, change: (circuit: Circuit) => void): void {
    if (latest === undefined || reportsUnderWay > 0 || alone) return;
    change(latest);
    if (latest.state !== 'half-open' || latest.probe !== entry.grant) entry.grant = '';
  }

  #failed(error: unknown, providerId: number): void {
    this.#outage.failed(error);
    // A lost connection is read again when it is back; this is for a server that answers too late.
    if (this.#rejoins.has(providerId)) return;
    const timer = setTimeout(() => {
      this.#rejoins.delete(providerId);
      void this.#read(providerId);
    }, REJOIN_AFTER_MS);
    this.#rejoins.set(providerId, timer.unref());
  }

  #copy(name: string): Copy {
    const copy = this.#copies.get(name) ?? { revision: 0, latest: undefined, reportsUnderWay: 0, alone: false };
    this.#copies.set(name, copy);
    return copy;
  }
}
