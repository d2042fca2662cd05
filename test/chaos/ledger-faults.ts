/** The faults that a run on the ledger meets, each at one of its processes. */
import { setTimeout as delay } from 'node:timers/promises';
import { openWriterConnection } from '../../core/ledger/commit-queue/connection.ts';
import { endWriterConnection } from '../../core/ledger/commit-queue/fencing.ts';
import type { BreakingPoint } from './database-relay.ts';
import type { LedgerField, Site } from './ledger-field.ts';
import type { Chance } from './ledger-world.ts';

const TRAP_WITHIN_MS = 3_000;
const TAKEN_OVER_WITHIN_MS = 6_000;
/** Above the time that the commit queue waits for an answer. */
const SILENCE_MS = 11_000;
/** A process that comes back is left in peace for a while, so that what it does under its old slot has consequences. */
const AFTERWARDS_MS = 1_000;
const BATCHES_OF_SUCCESSOR = 10;
const POLL_MS = 20;

interface Slot {
  readonly slot: number;
  readonly epoch: number;
  readonly seq: number;
}

export class LedgerFaults {
  readonly #field: LedgerField;
  readonly #writerTtlMs: number;
  readonly #chance: Chance;

  constructor(field: LedgerField, writerTtlMs: number, chance: Chance) {
    this.#field = field;
    this.#writerTtlMs = writerTtlMs;
    this.#chance = chance;
  }

  /** kill -9 at any moment; another process takes its place at once. */
  async kill({ worker }: Site): Promise<boolean> {
    await worker.restart();
    return true;
  }

  /** The database ends the commit queue's connection. */
  async killConnection(site: Site): Promise<boolean> {
    const held = await this.#slotOf(site);
    if (!held) return false;
    const connection = await openWriterConnection(this.#field.ledger.config);
    await endWriterConnection(connection, held.slot, held.epoch);
    await connection.end();
    return true;
  }

  /** The line breaks at this place of a batch. */
  async cut(site: Site, point: BreakingPoint): Promise<boolean> {
    return await this.#sprung(site, point, () => undefined);
  }

  /**
   * The network between the process and the database is gone before a batch has begun, until its slot is somebody
   * else's. It heals while the process waits to try again, so that what it sends next is a batch under its old slot.
   */
  async partition(site: Site): Promise<boolean> {
    const { relay } = site;
    const happened = await this.#sprung(site, 'batch-lost', () => relay.part());
    const before = happened ? await this.#slotOf(site) : undefined;
    if (before) {
      await delay(this.#pastTtlMs());
      await this.#takeOver(site, before);
      await Promise.race([relay.healBetweenTries(), delay(TRAP_WITHIN_MS)]);
    }
    relay.heal();
    await delay(AFTERWARDS_MS);
    return before !== undefined;
  }

  /** The network swallows everything without a word, for longer than anybody waits. */
  async silence({ relay }: Site): Promise<boolean> {
    relay.swallow();
    await delay(SILENCE_MS);
    relay.heal();
    return true;
  }

  /** The process stands still at any moment until it is past its time. */
  async freeze({ worker }: Site): Promise<boolean> {
    worker.freeze();
    await delay(this.#pastTtlMs());
    worker.thaw();
    return true;
  }

  /** The process stands still with its rows locked. */
  async freezeBetweenPackets(site: Site): Promise<boolean> {
    const happened = await this.#sprung(site, 'between-packets', () => site.worker.freeze());
    if (happened) await delay(this.#pastTtlMs());
    site.worker.thaw();
    return happened;
  }

  /** The process stands still with a COMMIT under way, and another one works on under its slot before it goes on. */
  async freezeAtCommit(site: Site, point: 'commit-lost' | 'answer-lost'): Promise<boolean> {
    const happened = await this.#sprung(site, point, () => site.worker.freeze());
    const before = happened ? await this.#slotOf(site) : undefined;
    if (before) {
      await delay(this.#pastTtlMs());
      await this.#takeOver(site, before);
    }
    site.worker.thaw();
    return before !== undefined;
  }

  #pastTtlMs(): number {
    return this.#writerTtlMs * (1.1 + this.#chance.next());
  }

  async #sprung(site: Site, point: BreakingPoint, then: () => void): Promise<boolean> {
    let sprung = false;
    site.relay.breakAt(point, () => {
      sprung = true;
      then();
    });
    const end = Date.now() + TRAP_WITHIN_MS;
    while (!sprung && Date.now() < end) await delay(POLL_MS);
    site.relay.disarm();
    return sprung;
  }

  /** New processes come until one of them has the lapsed slot and has written several batches under it. */
  async #takeOver(site: Site, before: Slot): Promise<void> {
    const end = Date.now() + TAKEN_OVER_WITHIN_MS;
    const other = this.#chance.oneOf(this.#field.sites.filter((one) => one !== site && !one.worker.frozen));
    await this.kill(other);
    while (Date.now() < end) {
      const holder = await this.#slotOf(other);
      if (holder?.slot === before.slot && holder.seq > before.seq + BATCHES_OF_SUCCESSOR) break;
      if (holder && holder.slot !== before.slot) await this.kill(other);
      await delay(POLL_MS);
    }
  }

  /** The slot that the process writes under, as the database knows it. */
  async #slotOf({ worker }: Site): Promise<Slot | undefined> {
    const row = await this.#field.ledger.one(
      `SELECT slot,epoch,seq FROM writers WHERE process LIKE '%:${worker.pid}' AND expires_at>NOW(3) ORDER BY expires_at DESC LIMIT 1`,
    );
    return row.slot === undefined
      ? undefined
      : { slot: Number(row.slot), epoch: Number(row.epoch), seq: Number(row.seq) };
  }
}
