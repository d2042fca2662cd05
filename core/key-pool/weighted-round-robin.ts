/**
 * Smooth weighted round robin as nginx does it: over one cycle each item comes exactly as often as its weight says,
 * and the heavy ones are spread between the light ones.
 */
export interface Weighted {
  readonly id: number;
  /** At least 1. */
  readonly weight: number;
}

export class WeightedRoundRobin {
  readonly #currentWeights = new Map<number, number>();

  /** The next item among those that `usable` lets through; undefined when there is none. */
  next<Item extends Weighted>(items: readonly Item[], usable: (item: Item) => boolean): Item | undefined {
    this.#forgetOthers(items);
    let best: Item | undefined;
    let bestWeight = 0;
    let totalWeight = 0;
    for (const item of items) {
      if (!usable(item)) continue;
      const current = (this.#currentWeights.get(item.id) ?? 0) + item.weight;
      this.#currentWeights.set(item.id, current);
      totalWeight += item.weight;
      if (best === undefined || current > bestWeight) {
        best = item;
        bestWeight = current;
      }
    }
    if (best !== undefined) this.#currentWeights.set(best.id, bestWeight - totalWeight);
    return best;
  }

  /** Items are seldom taken away, so it is enough to look when there are more than there should be. */
  #forgetOthers(items: readonly Weighted[]): void {
    if (this.#currentWeights.size <= items.length) return;
    const present = new Set(items.map((item) => item.id));
    for (const id of this.#currentWeights.keys()) if (!present.has(id)) this.#currentWeights.delete(id);
  }
}
