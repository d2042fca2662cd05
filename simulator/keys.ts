/**
 * The simulator's keys. Any key that starts with `sim-` is valid until the control endpoint says otherwise. Other keys
 * are refused, and recorded shortened: somebody may have sent a real one.
 */

export type KeyState =
  | { state: 'valid' }
  | { state: 'revoked' }
  | { state: 'overdue' }
  /** At most `requests` calls in each window; the rest is rate limited with the seconds left as Retry-After. */
  | { state: 'limited'; requests: number; windowMs: number };

export type KeyCheck =
  | { kind: 'accepted'; limit: number; remaining: number; resetMs: number }
  | { kind: 'invalid' | 'overdue' }
  | { kind: 'limited'; limit: number; resetMs: number };

/** The rate-limit headers of an unlimited key. */
const DEFAULT_REQUESTS = 10_000;
const DEFAULT_WINDOW_MS = 60_000;

interface Window {
  startedAtMs: number;
  used: number;
}

export class Keys {
  readonly #states = new Map<string, KeyState>();
  readonly #windows = new Map<string, Window>();

  set(key: string, state: KeyState): void {
    this.#windows.delete(key);
    if (state.state === 'valid') this.#states.delete(key);
    else this.#states.set(key, state);
  }

  list(): Record<string, KeyState> {
    return Object.fromEntries(this.#states);
  }

  reset(): void {
    this.#states.clear();
    this.#windows.clear();
  }

  /** Judges one call and counts it against the key's window. */
  admit(key: string, nowMs = Date.now()): KeyCheck {
    const state = this.#states.get(key) ?? { state: 'valid' };
    if (!isSimulatorKey(key) || state.state === 'revoked') return { kind: 'invalid' };
    if (state.state === 'overdue') return { kind: 'overdue' };
    const limit = state.state === 'limited' ? state.requests : DEFAULT_REQUESTS;
    const windowMs = state.state === 'limited' ? state.windowMs : DEFAULT_WINDOW_MS;
    const window = this.#window(key, windowMs, nowMs);
    const resetMs = window.startedAtMs + windowMs - nowMs;
    if (state.state === 'limited' && window.used >= limit) return { kind: 'limited', limit, resetMs };
    window.used += 1;
    return { kind: 'accepted', limit, remaining: Math.max(0, limit - window.used), resetMs };
  }

  #window(key: string, windowMs: number, nowMs: number): Window {
    const current = this.#windows.get(key);
    if (current !== undefined && nowMs < current.startedAtMs + windowMs) return current;
    const started = { startedAtMs: nowMs, used: 0 };
    this.#windows.set(key, started);
    return started;
  }
}

/** The key as the journal may keep it. */
export function recordedKey(key: string): string {
  return isSimulatorKey(key) ? key : `${key.slice(0, 4)}…`;
}

function isSimulatorKey(key: string): boolean {
  return key.startsWith('sim-');
}
