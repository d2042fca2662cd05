/**
 * Several API processes behind one port (API_PROCESSES). This one serves nothing: it starts the others, replaces what
 * ends, and restarts them one after the other on SIGHUP, so that no caller notices.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { Counter, Gauge, Registry } from 'prom-client';
import { answerMetricsQuestions } from '../infra/cluster-metrics.ts';
import type { Config } from '../infra/config.ts';
import type { Logger } from '../infra/logger.ts';

/** Between the end of a process and the start of its replacement: one that cannot run must not take the machine. */
const REPLACE_AFTER_MS = 1_000;
/** One that does not listen by then is ended, and another one tried. */
const LISTENS_WITHIN_MS = 180_000;
/** What a process may need beyond SHUTDOWN_GRACE to close its connections. */
const CLOSING_MS = 15_000;

/** @returns when a signal has ended all of them. @throws when the first cannot start. */
export async function superviseProcesses(config: Config, log: Logger): Promise<void> {
  // Each takes connections from the one queue of the port by itself: what this process handed to one that is killed would
  // be lost without a word.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const processes = new Processes(config, log);
  showProcesses(processes);
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopped.abort(signal));
  process.on('SIGHUP', () => processes.restart());
  const stopping = once(stopped.signal, 'abort');
  await Promise.race([processes.start(), stopping]);
  await stopping;
  await processes.stop();
}

function showProcesses(processes: Processes): void {
  const registry = new Registry();
  const wanted = new Gauge({ name: 'api_processes_wanted', help: 'API_PROCESSES', registers: [registry] });
  wanted.set(processes.wanted);
  new Gauge({
    name: 'api_processes_listening',
    help: 'API processes that take requests',
    registers: [registry],
    collect() {
      this.set(processes.listening.size);
    },
  });
  new Counter({
    name: 'api_processes_replaced_total',
    help: 'API processes that ended by themselves or were killed, and were replaced',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(processes.replaced);
    },
  });
  answerMetricsQuestions(registry, () => processes.listening);
}

class Processes {
  readonly wanted: number;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #listening = new Set<Worker>();
  #starting = 0;
  /** Told to end. */
  readonly #ending = new WeakSet<Worker>();
  #isStopping = false;
  #restarts = Promise.resolve();
  replaced = 0;

  constructor(config: Config, log: Logger) {
    this.wanted = config.apiProcesses;
    this.#config = config;
    this.#log = log;
  }

  get listening(): ReadonlySet<Worker> {
    return this.#listening;
  }

  /** The first alone: what is wrong with the settings or the servers is said once. @throws when it does not listen. */
  async start(): Promise<void> {
    if (!(await this.#launch())) throw new Error('the first API process ended while it started');
    this.#fill();
  }

  /** Stops each process only after its successor listens. If a successor does not start, the others keep running. */
  restart(): void {
    this.#restarts = this.#restarts.then(async () => {
      for (const old of [...this.#listening]) {
        if (this.#isStopping) return;
        // One that has ended meanwhile has been replaced by a new one.
        if (!this.#listening.has(old)) continue;
        if (!(await this.#launch())) {
          this.#log.error('the new API process did not start: those that run go on');
          return;
        }
        await this.#end(old);
      }
      this.#log.info('all API processes are new');
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => worker && this.#end(worker)));
  }

  /** Starts those that are missing. */
  #fill(): void {
    while (!this.#isStopping && this.#listening.size + this.#starting < this.wanted) {
      void this.#launch().then((listens) => {
        if (!listens) this.#fillSoon('an API process ended while it started; another one is tried');
      });
    }
  }

  #fillSoon(reason: string, facts: object = {}): void {
    if (this.#isStopping) return;
    this.#log.error({ ...facts, inMs: REPLACE_AFTER_MS }, reason);
    setTimeout(() => this.#fill(), REPLACE_AFTER_MS);
  }

  /** @returns false when it ended before it listened. */
  async #launch(): Promise<boolean> {
    this.#starting += 1;
    const worker = cluster.fork();
    worker.on('error', (err) => this.#log.error({ err, pid: worker.process.pid }, 'an API process cannot be reached'));
    const late = setTimeout(() => worker.process.kill('SIGKILL'), LISTENS_WITHIN_MS);
    const listens = await new Promise<boolean>((resolve) => {
      worker.once('listening', () => resolve(true));
      worker.once('exit', () => resolve(false));
    });
    clearTimeout(late);
    this.#starting -= 1;
    if (!listens) return false;
    this.#listening.add(worker);
    worker.once('exit', (code, signal) => this.#ended(worker, signal ?? code));
    return true;
  }

  #ended(worker: Worker, how: string | number): void {
    this.#listening.delete(worker);
    if (this.#ending.has(worker)) {
      this.#fill();
      return;
    }
    this.replaced += 1;
    this.#fillSoon('an API process has ended; another one is started', { pid: worker.process.pid, how });
  }

  /** In good order; by SIGKILL when it takes longer than it may. */
  async #end(worker: Worker): Promise<void> {
    if (worker.isDead()) return;
    this.#ending.add(worker);
    const late = setTimeout(() => worker.process.kill('SIGKILL'), this.#config.SHUTDOWN_GRACE + CLOSING_MS);
    await new Promise((resolve) => {
      worker.once('exit', resolve);
      worker.process.kill('SIGTERM');
    });
    clearTimeout(late);
  }
}
