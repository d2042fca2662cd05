/** In which order the models that can serve a request are tried. Pure. */
import type { Standing } from '../../core/key-pool/key-pool.ts';

/** `priority`: as the administrators ordered them; `smart`: weighed against how the providers do at the moment. */
export type RoutingStrategy = 'priority' | 'smart';

interface Routable {
  /** The lower the sooner. */
  readonly priority: number;
}

interface Rated<C> {
  readonly candidate: C;
  readonly standing: Standing;
}

/** Weights of the `smart` score; their sum is 1. */
const PRIORITY_WEIGHT = 0.4;
const USABLE_KEYS_WEIGHT = 0.2;
const USABLE_RATIO_WEIGHT = 0.2;
const RELIABILITY_WEIGHT = 0.2;

/** The candidates in the order of the strategy; equals keep the order in which they came. */
export function routed<C extends Routable>(
  candidates: readonly C[],
  strategy: RoutingStrategy,
  standingOf: (candidate: C) => Standing,
): C[] {
  if (candidates.length < 2) return [...candidates];
  const rated = candidates.map((candidate) => ({ candidate, standing: standingOf(candidate) }));
  const ordered = strategy === 'priority' ? byPriority(rated) : byScore(rated);
  return ordered.map(({ candidate }) => candidate);
}

/** Priority ascending; among equals the one that failed less in the last five minutes. */
function byPriority<C extends Routable>(rated: readonly Rated<C>[]): Rated<C>[] {
  return [...rated].sort(
    (a, b) => a.candidate.priority - b.candidate.priority || a.standing.failureRate - b.standing.failureRate,
  );
}

function byScore<C extends Routable>(rated: readonly Rated<C>[]): Rated<C>[] {
  const priorities = rated.map(({ candidate }) => candidate.priority);
  const bounds: Bounds = {
    lowestPriority: Math.min(...priorities),
    highestPriority: Math.max(...priorities),
    mostUsableKeys: Math.max(...rated.map(({ standing }) => standing.usableKeys)),
  };
  return rated.map((one) => ({ ...one, score: smartScore(one, bounds) })).sort((a, b) => b.score - a.score);
}

interface Bounds {
  readonly lowestPriority: number;
  readonly highestPriority: number;
  readonly mostUsableKeys: number;
}

/**
 * 0–1, each part normalised to 0–1 over the candidates of this request:
 * - priority: 1 for the lowest number among them, 0 for the highest, linear between; 1 when all are the same;
 * - usable keys: their number as a share of the most that any candidate has; 0 when nobody has one;
 * - usable ratio: usable keys of the provider's active keys; 0 without any;
 * - reliability: 1 − failure rate of the last five minutes; 1 without calls.
 */
function smartScore({ candidate, standing }: Rated<Routable>, bounds: Bounds): number {
  const { lowestPriority, highestPriority, mostUsableKeys } = bounds;
  const { usableKeys, activeKeys, failureRate } = standing;
  const priority = ratio(highestPriority - candidate.priority, highestPriority - lowestPriority, 1);
  return (
    PRIORITY_WEIGHT * priority +
    USABLE_KEYS_WEIGHT * ratio(usableKeys, mostUsableKeys, 0) +
    USABLE_RATIO_WEIGHT * ratio(usableKeys, activeKeys, 0) +
    RELIABILITY_WEIGHT * (1 - failureRate)
  );
}

function ratio(part: number, whole: number, ofNothing: number): number {
  return whole === 0 ? ofNothing : part / whole;
}
