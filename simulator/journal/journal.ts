/**
 * Ground truth: what each key was asked, what was counted and what was really sent. Entries are kept in a ring (the
 * newest 20,000), the counts are exact for the whole life of the process, so that a run of a million calls can be
 * compared with a ledger to the token.
 */
import type { CallRecord, CallStart, Outcome } from './call-record.ts';
import { Counts, type CountsView } from './counts.ts';

const RING_SIZE = 20_000;

export class Journal {
  readonly #ring: CallRecord[] = [];
  readonly #byKey = new Counts();
  readonly #byModel = new Counts();
  #lastId = 0;

  begin(start: CallStart): CallRecord {
    this.#lastId += 1;
    const record: CallRecord = {
      ...start,
      id: this.#lastId,
      startedAtMs: Date.now(),
      endedAtMs: null,
      status: null,
      outcome: 'running',
      faults: [],
      usage: null,
      delivered: { chunks: 0, tokens: 0, images: 0 },
    };
    this.#ring[this.#lastId % RING_SIZE] = record;
    this.#byKey.begin(record.key, record.work);
    this.#byModel.begin(record.model, record.work);
    return record;
  }

  /** Closes a record, once: a second call changes nothing. */
  end(record: CallRecord, outcome: Exclude<Outcome, 'running'>): void {
    if (record.outcome !== 'running') return;
    record.outcome = outcome;
    record.endedAtMs = Date.now();
    this.#byKey.end(record.key, record);
    this.#byModel.end(record.model, record);
  }

  /** Adds images that were made after the call itself had ended, by a task it started. */
  addImages(record: CallRecord, images: number): void {
    if (record.usage) record.usage.images += images;
    this.#byKey.addImages(record.key, images);
    this.#byModel.addImages(record.model, images);
  }

  /** Entries with an id above `since`, oldest first, as far as the ring still holds them. */
  entries(since: number, limit: number): CallRecord[] {
    const oldest = Math.max(since + 1, this.#lastId - RING_SIZE + 1, 1);
    const found: CallRecord[] = [];
    for (let id = oldest; id <= this.#lastId && found.length < limit; id += 1) {
      const record = this.#ring[id % RING_SIZE];
      if (record?.id === id) found.push(record);
    }
    return found;
  }

  counts(): { byKey: CountsView; byModel: CountsView } {
    return { byKey: this.#byKey.view(), byModel: this.#byModel.view() };
  }

  /** Forgets entries and counts. Calls still running are counted where they end. Ids go on, so `since` stays valid. */
  reset(): void {
    this.#ring.length = 0;
    this.#byKey.reset();
    this.#byModel.reset();
  }
}
