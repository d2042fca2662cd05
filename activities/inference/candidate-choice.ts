/** Which model and key the next attempt of one request uses. */
import type { KeyPool, PickedKey } from '../../core/key-pool/key-pool.ts';
import type { FailureClass } from '../../core/providers/failure.ts';

interface Choosable {
  readonly providerId: number;
  readonly urlBase: string;
}

interface Tried {
  attempts: number;
  /** Keys that failed with this model in a way that another key may cure. */
  readonly keyIds: Set<number>;
  /** The provider does not serve it, whatever the key. */
  ruledOut: boolean;
}

export class CandidateChoice<C extends Choosable> {
  readonly #pool: KeyPool;
  readonly #maxAttempts: number;
  readonly #tried: Map<C, Tried>;

  constructor(candidates: readonly C[], pool: KeyPool, maxAttempts: number) {
    this.#pool = pool;
    this.#maxAttempts = maxAttempts;
    this.#tried = new Map(candidates.map((candidate) => [candidate, newlyTried()]));
  }

  /**
   * The first candidate with a usable key. One attempt is kept for another model as long as there is one: when a
   * provider is down, all its keys are.
   */
  next(): { candidate: C; key: PickedKey } | undefined {
    return this.#first((tried) => tried.attempts < this.#maxAttempts - 1) ?? this.#first(() => true);
  }

  /** When there was no key: a half-open circuit's probe may just be on its way from Redis. Half a second at most. */
  async afterProbes(): Promise<{ candidate: C; key: PickedKey } | undefined> {
    const asked = this.#pool.probesAsked([...this.#tried.keys()].map(({ providerId }) => providerId));
    if (asked === undefined) return undefined;
    await asked;
    return this.next();
  }

  failed({ candidate, key }: { candidate: C; key: PickedKey }, failure: FailureClass): void {
    const tried = this.#tried.get(candidate) ?? newlyTried();
    tried.attempts += 1;
    if (failure === 'model') tried.ruledOut = true;
    else tried.keyIds.add(key.id);
  }

  #first(allowed: (tried: Tried) => boolean): { candidate: C; key: PickedKey } | undefined {
    for (const [candidate, tried] of this.#tried) {
      if (tried.ruledOut || !allowed(tried)) continue;
      const key = this.#pool.pick(candidate, tried.keyIds);
      if (key) return { candidate, key };
    }
    return undefined;
  }
}

function newlyTried(): Tried {
  return { attempts: 0, keyIds: new Set(), ruledOut: false };
}
