/**
 * A cache of rows that other processes may change. An entry lives at most 30 s, which bounds the harm of a
 * lost invalidation; callers that miss at the same time share one load.
 */
const MAX_AGE_MS = 30_000;

export interface CachedLookup<K, V, C extends unknown[] = []> {
  /** The value at once while it is fresh, else the promise of a load. A failed or undefined load is not kept. */
  get(key: K, ...context: C): V | Promise<V | undefined>;
  /** Drops the entries for which `stale` holds; running loads are not kept either. */
  forget(stale: (value: V, key: K) => boolean): void;
  clear(): void;
}

interface Entry<V> {
  readonly value: V;
  readonly freshUntil: number;
}

export interface LookupOptions<K, V, C extends unknown[]> {
  /** `context` is the second argument of `get`; it is not cached. */
  load(key: K, ...context: C): Promise<V | undefined>;
  /** With more entries, the oldest one is removed. */
  readonly maxEntries: number;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

export function createCachedLookup<K, V, C extends unknown[] = []>(
  options: LookupOptions<K, V, C>,
): CachedLookup<K, V, C> {
  const { load, maxEntries, now = Date.now } = options;
  const entries = new Map<K, Entry<V>>();
  const loads = new Map<K, Promise<V | undefined>>();

  const keep = (key: K, value: V): void => {
    entries.delete(key);
    entries.set(key, { value, freshUntil: now() + MAX_AGE_MS });
    if (entries.size <= maxEntries) return;
    for (const oldest of entries.keys()) {
      entries.delete(oldest);
      break;
    }
  };

  const start = (key: K, context: C): Promise<V | undefined> => {
    const loading = load(key, ...context)
      .then((value) => {
        // Only while nothing was invalidated since the load began.
        if (loads.get(key) === loading && value !== undefined) keep(key, value);
        return value;
      })
      .finally(() => {
        if (loads.get(key) === loading) loads.delete(key);
      });
    loads.set(key, loading);
    return loading;
  };

  return {
    get(key, ...context) {
      const entry = entries.get(key);
      if (entry !== undefined && entry.freshUntil > now()) return entry.value;
      return loads.get(key) ?? start(key, context);
    },
    forget(stale) {
      loads.clear();
      for (const [key, entry] of entries) if (stale(entry.value, key)) entries.delete(key);
    },
    clear() {
      loads.clear();
      entries.clear();
    },
  };
}
