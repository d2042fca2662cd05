/** One caller of a process on the ledger: does random operations until it is stopped. */
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { Call, LedgerAsker } from './ledger-asker.ts';
import { budgetPeriod, Chance, type LedgerWorld, recentClaimKey, recentTopUp } from './ledger-world.ts';

/** Long enough for any fault of a run; a hold that lives shorter is meant to expire. */
const CALL_LIFE_MS = 600_000;
const SHORT_LIFE_MS = 700;
const LONGEST_UPSTREAM_MS = 25;
const USUAL_WAIT_MS = 5_000;
const SHORT_WAIT_MS = 150;
const MAX_HOLD = 240;
/** By a hold of its own, or by a lease. */
const HELD: ReadonlySet<string> = new Set(['held', 'leased']);

export class LedgerCaller {
  readonly #world: LedgerWorld;
  readonly #asker: LedgerAsker;
  readonly #chance: Chance;

  constructor(world: LedgerWorld, asker: LedgerAsker, seed: number) {
    this.#world = world;
    this.#asker = asker;
    this.#chance = new Chance(seed);
  }

  async run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) await this.#step();
  }

  async #step(): Promise<void> {
    const chance = this.#chance;
    const asker = this.#asker;
    const dice = chance.below(100);
    if (dice < 70 || this.#world.onlyStreams) await this.#call();
    else if (dice < 82) await asker.topUp(recentTopUp(this.#world, chance));
    else if (dice < 89) await asker.adjust(this.#change(chance.below(400) - 200), this.#waitMs());
    else if (dice < 93) await this.#refund();
    else if (dice < 95) await this.#chargeback();
    else if (dice < 96) await asker.recall(chance.oneOf(this.#world.accounts));
    else await asker.keyedRequest(this.#keyed(), chance.happens(0.3));
  }

  async #call(): Promise<void> {
    const call = this.#newCall();
    if (!HELD.has(await this.#asker.hold(call, this.#waitMs()))) return;
    await delay(this.#chance.below(LONGEST_UPSTREAM_MS));
    const dice = this.#chance.below(100);
    if (call.lifeMs === SHORT_LIFE_MS) return this.#late(call);
    if (dice < 45) await this.#asker.capture(call, this.#part(call.amount), false);
    else if (dice < 65) await this.#asker.capture(call, call.amount, false);
    else if (dice < 78) await this.#asker.capture(call, call.amount + BigInt(this.#chance.below(MAX_HOLD)), false);
    else if (dice < 88) await this.#asker.release(call, false);
    else if (dice < 94) await this.#twice(call);
    else await Promise.all([this.#asker.capture(call, call.amount, true), this.#asker.release(call, true)]);
  }

  /** The answer is charged by two runs at once, as after a time-out that was none. */
  async #twice(call: Call): Promise<void> {
    const cost = this.#part(call.amount);
    await Promise.all([this.#asker.capture(call, cost, true), this.#asker.capture(call, cost, true)]);
  }

  /** The call takes longer than its hold, or never ends at all. */
  async #late(call: Call): Promise<void> {
    if (this.#chance.happens(0.5)) return;
    await delay(SHORT_LIFE_MS);
    await this.#asker.capture(call, this.#part(call.amount), false);
  }

  /** The same refund asked several times at once. */
  async #refund(): Promise<void> {
    const change = this.#change(this.#chance.below(300));
    await Promise.all(Array.from({ length: 1 + this.#chance.below(3) }, () => this.#asker.refund(change)));
  }

  /** Mostly as in the product, which asks for leased money first; and against money that is leased. */
  async #chargeback(): Promise<void> {
    const change = this.#change(this.#chance.below(500));
    if (this.#chance.happens(0.5)) await this.#asker.recall(change.accountId);
    await this.#asker.chargeback(change);
  }

  #newCall(): Call {
    const chance = this.#chance;
    const world = this.#world;
    const key = chance.happens(0.4) ? chance.oneOf(world.accessKeys) : undefined;
    return {
      id: uuidv7(),
      accountId: key?.accountId ?? chance.oneOf(world.accounts),
      amount: BigInt(chance.below(MAX_HOLD)),
      budget: key && { keyId: key.id, limit: BigInt(key.limit), period: budgetPeriod(world, chance) },
      keyed: !world.onlyStreams && chance.happens(0.3) ? this.#keyed() : undefined,
      lifeMs: chance.happens(0.02) ? SHORT_LIFE_MS : CALL_LIFE_MS,
      mayWait: world.onlyStreams || chance.happens(0.5),
    };
  }

  #keyed() {
    return { key: recentClaimKey(this.#world, this.#chance), body: this.#chance.happens(0.05) ? 'other' : 'usual' };
  }

  #change(amount: number) {
    return { id: uuidv7(), accountId: this.#chance.oneOf(this.#world.accounts), amount: BigInt(amount) };
  }

  #part(amount: bigint): bigint {
    return BigInt(this.#chance.below(Number(amount) + 1));
  }

  #waitMs(): number {
    return this.#chance.happens(0.2) ? SHORT_WAIT_MS : USUAL_WAIT_MS;
  }
}
