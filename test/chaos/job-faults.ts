/** Kills parts of a running product at random, with kill -9, and brings each up again as a supervisor would. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Product } from '../e2e/product.ts';
import type { Chance } from './ledger-world.ts';

export interface ProviderCalls {
  /** Begun so far. */
  readonly calls: number;
  readonly running: number;
}

export interface JobsSeen {
  providerCalls(): Promise<ProviderCalls>;
  /** Undefined while the database is away. */
  liveJobs(): Promise<LiveJobs | undefined>;
}

/** Of jobs that have not ended. */
export interface LiveJobs {
  /** The most calls that were made for one of them. */
  readonly mostCalls: number;
  /** How many of them have called their provider. */
  readonly called: number;
}

/** A process or server that can be killed and started again. */
interface Victim {
  kill(signal: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
}

const SHORTEST_PAUSE_MS = 1_500;
const LONGEST_PAUSE_MS = 4_000;
const LONGEST_ABSENCE_MS = 2_000;
const RESTART_PAUSE_MS = 200;
const STORED_LOOK_MS = 100;
/** A job has three calls: one that makes its last is left alone. */
const CALLS_THAT_MAY_BE_LOST = 2;
/** Their kills lose the calls that run. */
const LOSES_CALLS: ReadonlySet<string> = new Set(['worker', 'temporal']);

export class JobFaults {
  readonly #victims: ReadonlyMap<string, Victim>;
  readonly #chance: Chance;
  readonly #jobs: JobsSeen;
  readonly #down = new Map<string, Promise<void>>();
  readonly kills = new Map<string, number>();
  /**
   * Provider calls whose answer was not stored when the worker or Temporal was killed: each may be made once more. A
   * worker that lives waits for the other parts, so their kills put no call at risk.
   */
  callsAtRisk = 0;
  /** Calls that were answered when the database was killed; undefined while answers are stored at once. */
  #answeredBefore: number | undefined;
  /** Looks whether they are, since the database came back. */
  #watch = { stop: new AbortController(), ended: Promise.resolve() };

  constructor(product: Product, chance: Chance, jobs: JobsSeen) {
    const [api] = product.apis;
    if (!api) throw new Error('the product has no API process');
    this.#victims = new Map<string, Victim>([
      ['worker', product.worker],
      ['api', api],
      ...(['temporal', 'mysql', 'redis'] as const).map((name) => [name, product.stack.part(name)] as const),
    ]);
    this.#chance = chance;
    this.#jobs = jobs;
  }

  /** Goes on until it is stopped; then everything is up again. */
  async run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      await delay(SHORTEST_PAUSE_MS + this.#chance.below(LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS));
      const mayLoseCalls = await this.#mayLoseCalls();
      const up = [...this.#victims.keys()].filter(
        (name) => !this.#down.has(name) && (mayLoseCalls || !LOSES_CALLS.has(name)),
      );
      if (!stopped.aborted && up.length > 0) await this.#kill(this.#chance.oneOf(up));
    }
    await Promise.all(this.#down.values());
    this.#watch.stop.abort();
    await this.#watch.ended;
  }

  async #mayLoseCalls(): Promise<boolean> {
    const live = await this.#jobs.liveJobs();
    return live !== undefined && live.mostCalls <= CALLS_THAT_MAY_BE_LOST;
  }

  async #kill(name: string): Promise<void> {
    const victim = this.#victims.get(name);
    if (!victim) throw new Error(`there is no ${name}`);
    const { calls, running } = await this.#jobs.providerCalls();
    const answered = calls - running;
    if (name === 'mysql') {
      // What it sees from now on is of a database that goes.
      this.#watch.stop.abort();
      this.#answeredBefore ??= answered;
    }
    if (LOSES_CALLS.has(name)) {
      this.callsAtRisk += running + answered - (this.#answeredBefore ?? answered);
    }
    await victim.kill('SIGKILL');
    // Begun between the look and the kill.
    if (LOSES_CALLS.has(name)) this.callsAtRisk += (await this.#jobs.providerCalls()).calls - calls;
    this.kills.set(name, (this.kills.get(name) ?? 0) + 1);
    const back = delay(this.#chance.below(LONGEST_ABSENCE_MS))
      .then(() => bringUp(victim))
      .finally(() => this.#down.delete(name));
    this.#down.set(name, back);
    if (name === 'mysql') {
      const stop = new AbortController();
      this.#watch = { stop, ended: back.then(() => this.#storesAgain(stop.signal)) };
    }
  }

  /** A worker that has waited for the database stores its answers when that is back. */
  async #storesAgain(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const hasStored = await this.#hasStoredAll();
      if (stopped.aborted) return;
      if (hasStored) {
        this.#answeredBefore = undefined;
        return;
      }
      await delay(STORED_LOOK_MS);
    }
  }

  /** Each call of a live job runs, none waits with its answer; seen when no call began or ended in between. */
  async #hasStoredAll(): Promise<boolean> {
    const before = await this.#jobs.providerCalls();
    const live = await this.#jobs.liveJobs();
    const after = await this.#jobs.providerCalls();
    if (live === undefined || before.calls !== after.calls || before.running !== after.running) return false;
    return live.called <= after.running;
  }
}

/**
 * A process whose database is away ends while it starts; a supervisor starts it again. One that is only slow to become
 * ready still runs after its try: it is ended first.
 */
async function bringUp(victim: Victim): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      if (tries > 1) await victim.kill('SIGKILL');
      return await victim.start();
    } catch (error) {
      if (tries === 100) throw error;
      await delay(RESTART_PAUSE_MS);
    }
  }
}
