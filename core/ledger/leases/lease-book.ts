/**
 * The leases of this process: which calls they pay for, and when they are taken, grown, given back and recalled. A call
 * that fits into a lease is admitted in memory, at once; its charge is one commit. All others take a hold of their own.
 */
import type { Logger } from 'pino';
import { newId } from '../../../infra/ids.ts';
import type { CommitQueue } from '../commit-queue/commit-queue.ts';
import type { Operation } from '../commit-queue/operation.ts';
import type { HoldRequest } from '../operations/hold.ts';
import { giveBack, growLease, type LeaseTerms, takeLease } from '../operations/lease.ts';
import { Demand } from './demand.ts';
import { LeasedCalls } from './leased-calls.ts';
import { OpenLease } from './open-lease.ts';

const TICK_MS = 1_000;
/** An account whose calls are further apart is not worth a lease. */
const BUSY_WITHIN_MS = 5_000;
/** A lease that nobody has used for this long is given back. */
const IDLE_MS = 5_000;
const QUIET_MS = 5_000;
/** Who recalls waits at most this long for a lease of this process. */
const RECALL_WAIT_MS = 1_000;
/** A lease grows when less than a half of what is wanted is free, and shrinks above four times of it. */
const GROW_BELOW = 2n;
const SHRINK_ABOVE = 4n;
/** Where the account's share is too small for what is wanted, growing more often would not help. */
const GROW_EVERY_MS = 250;

/** For the metrics. */
export interface LeaseEvents {
  readonly admitted: (way: 'lease' | 'hold') => void;
  readonly recalled: () => void;
}

export interface LeaseBookOptions {
  readonly queue: Pick<CommitQueue, 'submit' | 'standing'>;
  readonly terms: LeaseTerms;
  readonly log: Logger;
  /** No new lease for this long after a recall, or after the account was found too poor. */
  readonly quietMs?: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
  /** Made once, of what the metrics show. */
  readonly events?: (left: () => bigint) => LeaseEvents;
}

/** An account, or a key's budget of it, and the lease that its calls use. */
interface Spender {
  readonly accountId: number;
  readonly budgetKeyId: number | null;
  /** Access keys that used the lease. */
  readonly keyIds: Set<number>;
  readonly demand: Demand;
  lease: OpenLease | undefined;
  /** By the clock: until then no lease is taken. */
  quietUntilMs: number;
  /** The same for growing. */
  grownAtMs: number;
  /** A lease that is being taken or grown. */
  resizing: Promise<void> | undefined;
}

type Budget = { readonly keyId: number; readonly limit: bigint; readonly periodStart: string };

export class LeaseBook {
  /** The calls that the leases pay for. */
  readonly calls: LeasedCalls;
  readonly #options: LeaseBookOptions;
  readonly #events: LeaseEvents | undefined;
  readonly #now: () => number;
  readonly #quietMs: number;
  readonly #accounts = new Map<number, Spender>();
  readonly #budgets = new Map<number, Spender>();
  readonly #leases = new Set<OpenLease>();
  /** Recalled accounts, those without a lease too: until then, by the clock, none is taken. */
  readonly #quietAccounts = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(options: LeaseBookOptions) {
    this.#options = options;
    this.calls = new LeasedCalls(options.queue, (lease, end) => {
      if (end === 'gone') this.#forget(lease);
      else this.#drainOn(lease);
    });
    this.#now = options.now ?? (() => performance.now());
    this.#quietMs = options.quietMs ?? QUIET_MS;
    this.#events = options.events?.(() => this.left);
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Money that is leased and not yet charged. */
  get left(): bigint {
    let sum = 0n;
    for (const lease of this.#leases) sum += lease.left;
    return sum;
  }

  /**
   * Admits a call against a lease. Keyed calls and jobs need a durable claim before their provider is called.
   * @returns false: the call has to take a hold of its own.
   */
  admit(request: HoldRequest): boolean {
    if (this.#closed || request.owner !== 'call' || request.claim || request.amount < 0n) return false;
    const isAdmitted = this.#admit(request);
    this.#events?.admitted(isAdmitted ? 'lease' : 'hold');
    return isAdmitted;
  }

  #admit(request: HoldRequest): boolean {
    const { id, amount, lifeMs } = request;
    const now = this.#now();
    const budget = budgetOf(request);
    const spender = this.#spenderOf(request.accountId, budget);
    const sinceMs = spender.demand.note(amount, now);
    if (request.accessKeyId !== null) spender.keyIds.add(request.accessKeyId);
    const lease = this.#usable(spender, budget);
    if (!lease) {
      if (sinceMs <= BUSY_WITHIN_MS) this.#take(spender, budget);
      return false;
    }
    const isAdmitted = this.calls.admit(id, lease, amount, now + lifeMs);
    if (lease.free < spender.demand.wanted / GROW_BELOW) this.#grow(spender, lease);
    return isAdmitted;
  }

  /** The spender's lease, if it is still ours and of the budget's present limit and period. */
  #usable(spender: Spender, budget: Budget | null): OpenLease | undefined {
    const { lease } = spender;
    const { standing } = this.#options.queue;
    if (!lease || !standing) return undefined;
    if (standing.slot !== lease.writer.slot || standing.epoch !== lease.writer.epoch) {
      this.#forget(lease);
      return undefined;
    }
    // A call that still names the period before counts in the running one, as a hold of its own would.
    const isOutdated = budget && (budget.limit !== lease.budgetLimit || budget.periodStart > (lease.period ?? ''));
    if (!isOutdated) return lease;
    void this.#drain(spender, lease);
    return undefined;
  }

  #spenderOf(accountId: number, budget: Budget | null): Spender {
    const spenders = budget ? this.#budgets : this.#accounts;
    const key = budget ? budget.keyId : accountId;
    const known = spenders.get(key);
    if (known) return known;
    const spender: Spender = {
      accountId,
      budgetKeyId: budget?.keyId ?? null,
      keyIds: new Set(),
      demand: new Demand(),
      lease: undefined,
      quietUntilMs: Number.NEGATIVE_INFINITY,
      grownAtMs: Number.NEGATIVE_INFINITY,
      resizing: undefined,
    };
    spenders.set(key, spender);
    return spender;
  }

  #submit<Result>(operation: Operation<Result>): Promise<Result> {
    return this.#options.queue.submit(operation);
  }

  /** Takes a lease in the background. */
  #take(spender: Spender, budget: Budget | null): void {
    if (spender.resizing || spender.lease || this.#closed) return;
    const quietUntilMs = this.#quietAccounts.get(spender.accountId) ?? Number.NEGATIVE_INFINITY;
    if (this.#now() < Math.max(quietUntilMs, spender.quietUntilMs) || !this.#options.queue.standing) return;
    this.#resize(spender, async () => {
      const { accountId, budgetKeyId, demand } = spender;
      const id = newId();
      const request = { id, accountId, budget };
      const need = { wanted: demand.wanted, bound: demand.bound };
      const outcome = await this.#submit(takeLease(request, need, this.#options.terms));
      if (outcome.kind === 'poor') {
        spender.quietUntilMs = this.#now() + this.#quietMs;
        return;
      }
      const { period, writer, amount } = outcome;
      const budgetLimit = budget?.limit ?? null;
      const lease = new OpenLease({ id, accountId, budgetKeyId, budgetLimit, period, writer }, amount);
      this.#leases.add(lease);
      spender.lease = lease;
      // It was recalled while it was being taken.
      if (this.#closed || this.#now() < spender.quietUntilMs) await this.#drain(spender, lease);
    });
  }

  /** Grows a lease in the background, or gives it back when the account has become poor. */
  #grow(spender: Spender, lease: OpenLease): void {
    const now = this.#now();
    if (spender.resizing || lease.draining || now - spender.grownAtMs < GROW_EVERY_MS) return;
    spender.grownAtMs = now;
    this.#resize(spender, async () => {
      const { wanted, bound } = spender.demand;
      const need = { wanted: lease.reserved + wanted, bound };
      const outcome = await this.#submit(growLease(lease, need, this.#options.terms));
      if (outcome.kind === 'gone') return this.#forget(lease);
      if (outcome.kind === 'grown') lease.grow(outcome.by);
      else spender.quietUntilMs = this.#now() + this.#quietMs;
      // It may have been recalled meanwhile.
      if (outcome.kind === 'poor' || lease.draining) await this.#drain(spender, lease);
    });
  }

  #resize(spender: Spender, work: () => Promise<void>): void {
    spender.resizing = work()
      .catch((err: unknown) => this.#options.log.warn({ err }, 'a lease was not taken or changed'))
      .finally(() => {
        spender.resizing = undefined;
      });
  }

  /** The lease takes no further calls. Resolves when its free money is back. */
  async #drain(spender: Spender, lease: OpenLease): Promise<void> {
    lease.draining = true;
    if (spender.lease === lease) spender.lease = undefined;
    await this.#giveBack(lease);
  }

  /** What a call has left of a lease that is draining goes back at once. */
  #drainOn(lease: OpenLease): void {
    if (lease.draining) void this.#giveBack(lease);
  }

  /** Gives the free money of a draining lease back; without a call in flight the lease ends. Does not reject. */
  async #giveBack(lease: OpenLease): Promise<void> {
    const isEnd = lease.isIdle;
    if (lease.closing || !this.#leases.has(lease)) return;
    if (!isEnd && lease.isMarked && lease.free === 0n) return;
    if (isEnd) lease.closing = true;
    lease.isMarked = await this.#return(lease, lease.free, isEnd ? 'closed' : 'draining');
    if (isEnd && lease.isMarked) this.#leases.delete(lease);
    if (isEnd) lease.closing = false;
  }

  /** @returns whether it was committed. */
  async #return(lease: OpenLease, amount: bigint, end: Parameters<typeof giveBack>[2]): Promise<boolean> {
    lease.takeOut(amount);
    try {
      if ((await this.#submit(giveBack(lease, amount, end))) === 'gone') this.#forget(lease);
      return true;
    } catch (err) {
      // Nothing was done; the next tick tries again.
      lease.grow(amount);
      this.#options.log.warn({ err, lease: lease.id }, 'leased money was not given back yet');
      return false;
    }
  }

  /** The process was fenced: the sweeper gives back what the lease has left. */
  #forget(lease: OpenLease): void {
    this.#leases.delete(lease);
    lease.draining = true;
    for (const spender of this.#spenders()) if (spender.lease === lease) spender.lease = undefined;
  }

  *#spenders(): Iterable<Spender> {
    yield* this.#accounts.values();
    yield* this.#budgets.values();
  }

  /** Gives back all that is free of an account's leases; no new one is taken for some seconds. Within a second. */
  async recall(accountId: number): Promise<void> {
    this.#quietAccounts.set(accountId, this.#now() + this.#quietMs);
    await this.#recall((spender) => spender.accountId === accountId, this.#quietMs);
  }

  /** The same of the leases that calls of an access key have used. They may be taken again at once. */
  async recallKey(accessKeyId: number): Promise<void> {
    await this.#recall(({ keyIds }) => keyIds.has(accessKeyId), 0);
  }

  /** The same of all: what was recalled meanwhile is not known. */
  async recallAll(): Promise<void> {
    await this.#recall(() => true, 0);
  }

  async #recall(isMeant: (spender: Spender) => boolean, quietMs: number): Promise<void> {
    const until = this.#now() + quietMs;
    const returned = [...this.#spenders()].filter(isMeant).map(async (spender) => {
      spender.quietUntilMs = Math.max(spender.quietUntilMs, until);
      const { lease } = spender;
      if (lease) {
        this.#events?.recalled();
        await this.#drain(spender, lease);
      }
      await spender.resizing;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, RECALL_WAIT_MS);
    });
    await Promise.race([Promise.all(returned), late]);
    clearTimeout(timer);
  }

  /** Once a second: leases follow what the calls need, and those that are not used go back. */
  tick(): void {
    const now = this.#now();
    this.calls.expire(now);
    for (const [accountId, untilMs] of this.#quietAccounts) if (untilMs <= now) this.#quietAccounts.delete(accountId);
    for (const spenders of [this.#accounts, this.#budgets]) {
      for (const [key, spender] of spenders) {
        const { lease, demand } = spender;
        const isIdle = demand.idleMs(now) > IDLE_MS;
        const asked = demand.tick();
        if (lease && isIdle) void this.#drain(spender, lease);
        else if (lease && asked) this.#follow(spender, lease);
        else if (!lease && isIdle && !spender.resizing && now > spender.quietUntilMs) spenders.delete(key);
      }
    }
    for (const lease of this.#leases) {
      if (lease.draining && (lease.free > 0n || lease.isIdle)) void this.#giveBack(lease);
    }
  }

  /** Also finds out whether the account has become poor, which needs no message. */
  #follow(spender: Spender, lease: OpenLease): void {
    const { wanted } = spender.demand;
    const surplus = lease.free - wanted;
    if (surplus > wanted * (SHRINK_ABOVE - 1n)) void this.#return(lease, surplus, 'stays');
    else this.#grow(spender, lease);
  }

  /** Gives everything back. Calls in flight can still be charged. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.recallAll();
  }
}

function budgetOf({ budget, accessKeyId }: HoldRequest): Budget | null {
  return budget && accessKeyId !== null ? { keyId: accessKeyId, ...budget } : null;
}
