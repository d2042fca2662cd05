/** Looks, as long as anybody listens, at what has happened since the last look. */
import type { UserList } from '../../core/accounts/user-list.ts';
import type { OpenCircuit } from '../../core/key-pool/key-healths.ts';
import { type OutboxRow, recordOf, type UsageOutbox } from '../../core/usage/usage-outbox.ts';
import type { UsageRecord } from '../../core/usage/usage-record.ts';
import type { Logger } from '../../infra/logger.ts';
import { OutageLog } from '../../infra/outage-log.ts';
import type { AllJobs, JobOverview } from '../jobs/all-jobs.ts';
import type { JobEvent, JobEvents } from '../jobs/job-events.ts';

/** Texts of users and providers are in none of them. */
export type FeedEvent =
  | { readonly kind: 'call'; readonly call: UsageRecord; readonly username: string }
  | { readonly kind: 'job'; readonly state: JobEvent; readonly job: JobOverview }
  | { readonly kind: 'circuit'; readonly circuit: OpenCircuit };

export interface FeedNews {
  readonly events: readonly FeedEvent[];
  /** Events that were left out. */
  readonly missed: number;
}

export interface FeedWatchDeps {
  readonly outbox: Pick<UsageOutbox, 'committed' | 'newest'>;
  readonly jobEvents: Pick<JobEvents, 'listenToAll'>;
  readonly allJobs: Pick<AllJobs, 'some'>;
  readonly userList: Pick<UserList, 'names'>;
  /** Those that are not closed. */
  readonly openCircuits: () => readonly OpenCircuit[];
  readonly log: Logger;
}

const ROUND_MS = 1_000;
/** More than a person can follow. */
const MOST_CALLS_A_ROUND = 200;
const MOST_JOB_EVENTS_A_ROUND = 500;
/** The time of an opening differs a little between processes, whose clocks do. */
const SAME_TIME_MS = 1_000;

export class FeedWatch {
  /** Resolves when whatever happens from now on will be sent. @throws when the database cannot be read. */
  readonly begun: Promise<void>;
  readonly #deps: FeedWatchDeps;
  readonly #send: (news: FeedNews) => void;
  readonly #outage: OutageLog;
  readonly #unlisten: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** The last batch of each slot that was sent. */
  #committed: ReadonlyMap<number, bigint> = new Map();
  readonly #states = new Map<string, JobEvent>();
  #missedStates = 0;
  #circuits: ReadonlyMap<string, OpenCircuit> = new Map();

  constructor(deps: FeedWatchDeps, send: (news: FeedNews) => void) {
    this.#deps = deps;
    this.#send = send;
    this.#outage = new OutageLog(deps.log, 'the live feed cannot read what has happened');
    this.#unlisten = deps.jobEvents.listenToAll((state) => this.#noteState(state));
    this.begun = this.#begin();
    this.begun.then(
      () => this.#lookSoon(),
      () => this.stop(),
    );
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#unlisten();
  }

  openCircuits(): FeedEvent[] {
    return [...this.#circuits.values()].map((circuit) => ({ kind: 'circuit', circuit }));
  }

  async #begin(): Promise<void> {
    this.#committed = await this.#deps.outbox.committed();
    this.#circuits = this.#circuitsNow();
  }

  #lookSoon(): void {
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#round(), ROUND_MS);
  }

  async #round(): Promise<void> {
    const looks = await Promise.allSettled([this.#calls(), this.#jobs(), this.#changedCircuits()]);
    const failed = looks.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') this.#outage.failed(failed.reason);
    else this.#outage.over();
    if (this.#isStopped) return;
    const news = looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []));
    this.#send({
      events: news.flatMap(({ events }) => events),
      missed: news.reduce((sum, { missed }) => sum + missed, 0),
    });
    this.#lookSoon();
  }

  async #calls(): Promise<FeedNews> {
    const { outbox, userList } = this.#deps;
    const committed = await outbox.committed();
    const calls: UsageRecord[] = [];
    let total = 0;
    for (const [slot, seq] of committed) {
      const sent = this.#committed.get(slot) ?? 0n;
      if (seq <= sent) continue;
      const newest = await outbox.newest(slot, sent, seq, MOST_CALLS_A_ROUND);
      total += newest.total;
      calls.push(...newest.rows.flatMap(readableRecord));
    }
    const names = await userList.names([...new Set(calls.map(({ userId }) => userId))]);
    this.#committed = committed;
    const shown = calls
      .sort((a, b) => a.createTime.getTime() + a.latencyMs - b.createTime.getTime() - b.latencyMs)
      .slice(-MOST_CALLS_A_ROUND);
    return {
      events: shown.map((call) => ({ kind: 'call', call, username: names.get(call.userId) ?? '' })),
      missed: total - shown.length,
    };
  }

  #noteState(state: JobEvent): void {
    // The same state comes from this process and again from Redis.
    const key = keyOf(state);
    if (this.#states.size < MOST_JOB_EVENTS_A_ROUND || this.#states.has(key)) this.#states.set(key, state);
    else this.#missedStates += 1;
  }

  async #jobs(): Promise<FeedNews> {
    const states = [...this.#states.values()];
    const missed = this.#missedStates;
    const rows = await this.#deps.allJobs.some([...new Set(states.map(({ jobId }) => jobId))]);
    for (const state of states) this.#states.delete(keyOf(state));
    this.#missedStates -= missed;
    const byId = new Map(rows.map((job) => [job.id, job]));
    const events = states.flatMap((state): FeedEvent[] => {
      // Installations that share a Redis hear of each other's jobs.
      const job = byId.get(state.jobId);
      return job === undefined ? [] : [{ kind: 'job', state, job }];
    });
    return { events, missed };
  }

  async #changedCircuits(): Promise<FeedNews> {
    const [before, now] = [this.#circuits, this.#circuitsNow()];
    this.#circuits = now;
    const changed = [...now].flatMap(([name, circuit]) => (isSame(before.get(name), circuit) ? [] : [circuit]));
    const closed = [...before].flatMap(([name, circuit]) =>
      now.has(name) ? [] : [{ ...circuit, circuit: 'closed', reason: null, untilMs: null } as const],
    );
    return { events: [...changed, ...closed].map((circuit) => ({ kind: 'circuit', circuit })), missed: 0 };
  }

  #circuitsNow(): ReadonlyMap<string, OpenCircuit> {
    return new Map(this.#deps.openCircuits().map((circuit) => [`${circuit.keyId}:${circuit.modelId}`, circuit]));
  }
}

function keyOf({ jobId, status, progress }: JobEvent): string {
  return `${jobId} ${status} ${progress}`;
}

/** The relay logs one that cannot be read. */
function readableRecord(row: OutboxRow): UsageRecord[] {
  try {
    return [recordOf(row)];
  } catch {
    return [];
  }
}

function isSame(before: OpenCircuit | undefined, now: OpenCircuit): boolean {
  if (before === undefined || before.circuit !== now.circuit || before.reason !== now.reason) return false;
  return Math.abs((before.untilMs ?? 0) - (now.untilMs ?? 0)) <= SAME_TIME_MS;
}
