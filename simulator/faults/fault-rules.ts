/** Faults set through the control endpoint: for a key, a model, a vendor or a path; for N calls or a share of calls. */
import { seededRandom } from '../content/seeded-random.ts';
import { defaultValue, type FaultName } from './fault-table.ts';

export interface FaultRule {
  fault: FaultName;
  value?: number | undefined;
  key?: string | undefined;
  model?: string | undefined;
  vendor?: string | undefined;
  /** Matches when the path contains it. */
  path?: string | undefined;
  /** The rule ends after this many calls; without it, it stays until it is cleared. */
  calls?: number | undefined;
  /** Share of the matching calls, 0 to 1. The draw is seeded, so the same calls get the same faults. */
  share?: number | undefined;
}

export interface CallFacts {
  key: string;
  model: string;
  vendor: string;
  path: string;
}

interface StoredRule extends FaultRule {
  id: number;
  fired: number;
  draw: () => number;
}

export class FaultRules {
  #rules: StoredRule[] = [];
  #lastId = 0;

  /** Adds a rule; returns its id. */
  add(rule: FaultRule): number {
    this.#lastId += 1;
    this.#rules.push({ ...rule, id: this.#lastId, fired: 0, draw: seededRandom(this.#lastId) });
    return this.#lastId;
  }

  list(): (FaultRule & { id: number; fired: number })[] {
    return this.#rules.map(({ draw: _, ...rule }) => rule);
  }

  /** Removes the rules that carry every given field, all without any; returns how many. */
  clear(filter: { id?: number | undefined; key?: string | undefined; model?: string | undefined }): number {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter(
      (rule) =>
        (filter.id !== undefined && rule.id !== filter.id) ||
        (filter.key !== undefined && rule.key !== filter.key) ||
        (filter.model !== undefined && rule.model !== filter.model),
    );
    return before - this.#rules.length;
  }

  /** The faults of one call. Counts the call against each rule that fires; a later rule for the same fault wins. */
  take(call: CallFacts): Map<FaultName, number> {
    const faults = new Map<FaultName, number>();
    for (const rule of this.#rules) {
      if (!matches(rule, call)) continue;
      if (rule.share !== undefined && rule.draw() >= rule.share) continue;
      rule.fired += 1;
      faults.set(rule.fault, rule.value ?? defaultValue(rule.fault));
    }
    this.#rules = this.#rules.filter((rule) => rule.calls === undefined || rule.fired < rule.calls);
    return faults;
  }
}

function matches(rule: FaultRule, call: CallFacts): boolean {
  return (
    (rule.key === undefined || rule.key === call.key) &&
    (rule.model === undefined || rule.model === call.model) &&
    (rule.vendor === undefined || rule.vendor === call.vendor) &&
    (rule.path === undefined || call.path.includes(rule.path))
  );
}
