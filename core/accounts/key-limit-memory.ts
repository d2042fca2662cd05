/** What access keys with limits use in this process; replaces Redis while it is away. */
import { busyMsOf, stateOf, waitsFor } from './key-limit-rule.ts';
import type { Entered, Entry } from './key-limit-store.ts';

interface Used {
  requestsFreeAtMs: number;
  tokensFreeAtMs: number;
  /** Running requests, and when their leases end. */
  readonly running: Map<string, number>;
}

export class KeyLimitMemory {
  readonly #nowMs: () => number;
  readonly #keys = new Map<number, Used>();

  /** @param nowMs a clock that never goes back. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  admit({ accessKeyId, limits, id, tokens, leaseMs }: Entry): Entered {
    const nowMs = this.#nowMs();
    const used = this.#keys.get(accessKeyId) ?? { requestsFreeAtMs: 0, tokensFreeAtMs: 0, running: new Map() };
    this.#keys.set(accessKeyId, used);
    forgetEnded(used, nowMs);
    const busy = busyOf(used, nowMs);
    const waits = waitsFor(limits, { ...busy, running: used.running.size }, tokens);
    if (waits.requests + waits.tokens + waits.parallel > 0) return { waits, state: stateOf(limits, busy) };
    if (limits.rpmLimit !== null) used.requestsFreeAtMs = nowMs + busy.requestsBusyMs + busyMsOf(1, limits.rpmLimit);
    if (limits.tpmLimit !== null) used.tokensFreeAtMs = nowMs + busy.tokensBusyMs + busyMsOf(tokens, limits.tpmLimit);
    used.running.set(id, nowMs + leaseMs);
    return { waits, state: stateOf(limits, busyOf(used, nowMs)) };
  }

  settle(accessKeyId: number, id: string, giveBackMs: number): void {
    const used = this.#keys.get(accessKeyId);
    if (used === undefined || !used.running.delete(id)) return;
    const nowMs = this.#nowMs();
    used.tokensFreeAtMs = nowMs + Math.max(0, busyOf(used, nowMs).tokensBusyMs - giveBackMs);
  }

  renew(accessKeyId: number, ids: readonly string[], leaseMs: number): void {
    const endsAtMs = this.#nowMs() + leaseMs;
    const running = this.#keys.get(accessKeyId)?.running;
    for (const id of ids) if (running?.has(id)) running.set(id, endsAtMs);
  }

  /** Removes keys that use nothing. */
  forgetUnused(): void {
    const nowMs = this.#nowMs();
    for (const [accessKeyId, used] of this.#keys) {
      forgetEnded(used, nowMs);
      const { requestsBusyMs, tokensBusyMs } = busyOf(used, nowMs);
      if (requestsBusyMs + tokensBusyMs + used.running.size === 0) this.#keys.delete(accessKeyId);
    }
  }
}

function busyOf(used: Used, nowMs: number): { requestsBusyMs: number; tokensBusyMs: number } {
  return {
    requestsBusyMs: Math.max(0, used.requestsFreeAtMs - nowMs),
    tokensBusyMs: Math.max(0, used.tokensFreeAtMs - nowMs),
  };
}

function forgetEnded({ running }: Used, nowMs: number): void {
  for (const [id, endsAtMs] of running) if (endsAtMs <= nowMs) running.delete(id);
}
