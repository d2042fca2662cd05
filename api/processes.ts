/**
 * Several API processes behind one port (API_PROCESSES). This one serves nothing: it starts the others, replaces what
 * ends, and restarts them one after the other on SIGHUP, so that no caller notices.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Counter, Gauge, Registry } from 'prom-client';
import { answerMetricsQuestions } from '../infra/cluster-metrics.ts';
import type { Config } from '../infra/config.ts';
import type { Logger } from '../infra/logger.ts';

/** Between the end of a process and the start of its replacement: one that cannot run must not take the machine. */
const REPLACE_AFTER_MS = 1_000;
/** What a process may need beyond SHUTDOWN_GRACE to close its connections. */
const CLOSING_MS = 15_000;

/** @returns when a signal has ended all of them. @throws when the first cannot start. */
export async function superviseProcesses(config: Config, log: Logger): Promise<void> {
  const processes = new Processes(config, log);
  showProcesses(processes);
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopped.abort(signal));
  process.on('SIGHUP', () => processes.restart());
  await processes.start();
  if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
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
      this.set(processes.listening);
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
  answerMetricsQuestions(registry);
}

class Processes {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #listening = new Set<Worker>();
  /** Told to end: not to be replaced. */
  readonly #ending = new WeakSet<Worker>();
  #isStopping = false;
  #restarts = Promise.resolve();
  replaced = 0;

  constructor(config: Config, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  get wanted(): number {
    return this.#config.apiProcesses;
  }

  get listening(): number {
    return this.#listening.size;
  }

  /** The first alone: what is wrong with the settings or the servers is said once. */
  async start(): Promise<void> {
    if (!(await this.#launch())) throw new Error('the first API process ended while it started');
    await Promise.all(Array.from({ length: this.wanted - 1 }, () => this.#launchUntilListening()));
  }

  /** Each is told to end only when its successor listens. A successor that does not start leaves all as it is. */
  restart(): void {
    this.#restarts = this.#restarts.then(async () => {
      for (const old of [...this.#listening]) {
        if (this.#isStopping) return;
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

  /** @returns false when it ended before it listened. */
  async #launch(): Promise<boolean> {
    const worker = cluster.fork();
    worker.on('error', (err) => this.#log.error({ err, pid: worker.process.pid }, 'an API process cannot be reached'));
    const listens = await new Promise<boolean>((resolve) => {
      worker.once('listening', () => resolve(true));
      worker.once('exit', () => resolve(false));
    });
    if (!listens) return false;
    this.#listening.add(worker);
    worker.once('exit', (code, signal) => void this.#replace(worker, signal ?? code));
    return true;
  }

  async #launchUntilListening(): Promise<void> {
    while (!this.#isStopping && !(await this.#launch())) {
      this.#log.error({ againInMs: REPLACE_AFTER_MS }, 'an API process ended while it started');
      await delay(REPLACE_AFTER_MS);
    }
  }

  async #replace(worker: Worker, how: string | number): Promise<void> {
    this.#listening.delete(worker);
    if (this.#isStopping || this.#ending.has(worker)) return;
    this.replaced += 1;
    this.#log.error({ pid: worker.process.pid, how }, 'an API process has ended; another one is started');
    await delay(REPLACE_AFTER_MS);
    await this.#launchUntilListening();
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
