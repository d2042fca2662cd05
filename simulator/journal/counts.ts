/** Exact counters for each key or model; cheap, and never dropped as the journal's entries are. */
import type { CallRecord } from './call-record.ts';

const ZERO = {
  calls: 0,
  running: 0,
  completed: 0,
  refused: 0,
  cutByClient: 0,
  cutBySimulator: 0,
  otherCalls: 0,
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: 0,
  images: 0,
  searchUnits: 0,
  characters: 0,
  audioSeconds: 0,
  deliveredTokens: 0,
  deliveredChunks: 0,
  deliveredImages: 0,
};

type Count = typeof ZERO;

export type CountsView = Record<string, Count>;

const FIELD_OF_OUTCOME = {
  completed: 'completed',
  refused: 'refused',
  cut_by_client: 'cutByClient',
  cut_by_simulator: 'cutBySimulator',
} as const;

export class Counts {
  readonly #counts = new Map<string, Count>();

  begin(name: string, work: boolean): void {
    const count = this.#of(name);
    if (!work) {
      count.otherCalls += 1;
      return;
    }
    count.calls += 1;
    count.running += 1;
  }

  end(name: string, record: CallRecord): void {
    if (record.outcome === 'running') return;
    const count = this.#of(name);
    count.deliveredImages += record.delivered.images;
    if (!record.work) return;
    // A reset while the call ran has forgotten its start.
    count.running = Math.max(0, count.running - 1);
    count[FIELD_OF_OUTCOME[record.outcome]] += 1;
    count.promptTokens += record.usage?.promptTokens ?? 0;
    count.completionTokens += record.usage?.completionTokens ?? 0;
    count.cachedTokens += record.usage?.cachedTokens ?? 0;
    count.images += record.usage?.images ?? 0;
    count.searchUnits += record.usage?.searchUnits ?? 0;
    count.characters += record.usage?.characters ?? 0;
    count.audioSeconds += record.usage?.audioSeconds ?? 0;
    count.deliveredTokens += record.delivered.tokens;
    count.deliveredChunks += record.delivered.chunks;
  }

  addImages(name: string, images: number): void {
    this.#of(name).images += images;
  }

  view(): CountsView {
    return Object.fromEntries(this.#counts);
  }

  reset(): void {
    this.#counts.clear();
  }

  #of(name: string): Count {
    let count = this.#counts.get(name);
    if (count === undefined) {
      count = { ...ZERO };
      this.#counts.set(name, count);
    }
    return count;
  }
}
