/** A process on the ledger as its parent sees it: started again when it is killed, frozen and thawed, asked to end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemVariables } from '../../devstack/environment.ts';
import type { LedgerWorld } from './ledger-world.ts';

const SCRIPT = join(import.meta.dirname, 'ledger-worker.ts');

/** All that run; a parent that ends takes them along, also frozen ones, which would otherwise stay for ever. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class WorkerProcess {
  readonly name: string;
  readonly #worldOf: (record: string) => LedgerWorld;
  readonly #records: string[] = [];
  #child: ChildProcess | undefined;
  #unexpected: string | undefined;
  #frozen = false;
  #restart: Promise<void> | undefined;
  #earlier = 0;
  #latest = 0;

  /** @param worldOf its world, given the name of the record it is to write. */
  constructor(name: string, worldOf: (record: string) => LedgerWorld) {
    this.name = name;
    this.#worldOf = worldOf;
  }

  /** The records of all processes that ran under this name. */
  get records(): readonly string[] {
    return this.#records;
  }

  /** How it ended without being stopped, if it did. */
  get unexpectedEnd(): string | undefined {
    return this.#unexpected;
  }

  /** Operations asked so far, as last reported. */
  get operations(): number {
    return this.#earlier + this.#latest;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    this.#earlier += this.#latest;
    this.#latest = 0;
    const record = `${this.name}-${this.#records.length + 1}`;
    this.#records.push(record);
    const world = this.#worldOf(record);
    // A process that is killed at once has a record too: an empty one.
    closeSync(openSync(world.recordFile, 'a', 0o600));
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(world)], {
      env: systemVariables(),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    running.add(child);
    child.once('exit', (code, signal) => {
      running.delete(child);
      if (code !== 0 && signal !== 'SIGKILL') this.#unexpected = `${record} ended with ${code ?? signal}`;
    });
    child.on('message', (count) => {
      this.#latest = Number(count);
    });
    this.#child = child;
    this.#frozen = false;
  }

  /** kill -9 and a new process in its place; a restart that is under way counts for both. */
  restart(): Promise<void> {
    this.#restart ??= this.kill()
      .then(() => this.start())
      .finally(() => {
        this.#restart = undefined;
      });
    return this.#restart;
  }

  /** kill -9; resolves when it has ended. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
    this.#frozen = false;
  }

  freeze(): void {
    this.#frozen = this.#child?.kill('SIGSTOP') ?? false;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
    this.#frozen = false;
  }

  /** Lets every caller hear the answer it waits for, then ends. @throws when that takes too long. */
  async stop(withinMs: number): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.send('stop');
    const inTime = await Promise.race([ended.then(() => true), delay(withinMs, false, { ref: false })]);
    if (inTime) return;
    child.kill('SIGKILL');
    throw new Error(`${this.name}: a caller was not answered within ${withinMs / 1000} s`);
  }
}
