/**
 * A circuit as a pure state machine: closed → open → half-open with one probe. Each provider key has one for its
 * account and one for each model that is called with it. Time comes in as an argument. The same rules decide a
 * process's own copy and the shared one in Redis, which only keeps it.
 */
import type { CallResult } from './key-pool.ts';

export interface CircuitSettings {
  /** A rate limit opens for the provider's Retry-After, within these bounds. */
  readonly rateDefaultMs: number;
  readonly rateShortestMs: number;
  readonly rateLongestMs: number;
  /** A refused key or an unpaid account: people have to act, so trying again soon is of no use. */
  readonly accountMs: number;
  /** This many failures of the provider in a row open for `transientMs` x times opened in a row. */
  readonly failuresToOpen: number;
  readonly transientMs: number;
  readonly transientLongestMs: number;
  /** A probe without a result after this time is lost; longer than the longest call. */
  readonly probeLeaseMs: number;
}

/** Why these: docs/providers.md, "How long a key rests". For 5xx: Envoy's outlier detection (envoyproxy.io). */
export const DEFAULT_CIRCUIT_SETTINGS: CircuitSettings = {
  rateDefaultMs: 60_000,
  rateShortestMs: 1_000,
  rateLongestMs: 300_000,
  accountMs: 600_000,
  failuresToOpen: 5,
  transientMs: 30_000,
  transientLongestMs: 300_000,
  probeLeaseMs: 330_000,
};

export const OPEN_REASONS = ['rate', 'account', 'transient', 'timeout'] as const;
export type OpenReason = (typeof OPEN_REASONS)[number];

export type Circuit =
  /** `failures`: of the provider, in a row. */
  | { readonly state: 'closed'; readonly failures: number }
  /** `openings`: times opened since it was last closed. */
  | { readonly state: 'open'; readonly reason: OpenReason; readonly openings: number; readonly untilMs: number }
  /** `probe`: the token of the one call that is let through; '' = free. */
  | {
      readonly state: 'half-open';
      readonly reason: OpenReason;
      readonly openings: number;
      readonly probe: string;
      readonly probeUntilMs: number;
    };

export type CircuitState = Circuit['state'];

export const CLOSED: Circuit = { state: 'closed', failures: 0 };

/** In place of a probe's token: an ordinary call, and an administrator's test of the key (which may close circuits). */
export const ORDINARY_CALL = '';
export const KEY_TEST = '*';

/** What a result means for a circuit. */
export type CircuitEffect =
  | { readonly kind: 'success' }
  /** Says nothing about the circuit's model or account. */
  | { readonly kind: 'neutral' }
  /** Opens at once. */
  | { readonly kind: 'open'; readonly reason: OpenReason; readonly openMs: number }
  /** Opens when there are several in a row. */
  | { readonly kind: 'count'; readonly reason: OpenReason };

/** For the circuit of a model on a key. A failure of the account says nothing about the model. */
export function modelEffect(result: CallResult, settings: CircuitSettings): CircuitEffect {
  if (result.kind === 'success') return result;
  switch (result.failure) {
    case 'rate': {
      const asked = result.retryAfterMs ?? settings.rateDefaultMs;
      const openMs = Math.min(Math.max(asked, settings.rateShortestMs), settings.rateLongestMs);
      return { kind: 'open', reason: 'rate', openMs };
    }
    case 'transient':
    case 'timeout':
      return { kind: 'count', reason: result.failure };
    case 'account':
    case 'content':
    case 'bad-request':
    case 'model':
    case 'cancelled':
    // A caller's own request can make a model say nothing: it must not take a key from all others.
    case 'empty':
    case 'unusable':
      return { kind: 'neutral' };
  }
}

/** For the circuit of the key itself. A provider that refuses anything but the account has taken the key. */
export function accountEffect(result: CallResult, settings: CircuitSettings): CircuitEffect {
  if (result.kind === 'success') return result;
  switch (result.failure) {
    case 'account':
      return { kind: 'open', reason: 'account', openMs: settings.accountMs };
    case 'rate':
    case 'content':
    case 'bad-request':
    case 'model':
    case 'empty':
    case 'unusable':
      return { kind: 'success' };
    case 'transient':
    case 'timeout':
    case 'cancelled':
      return { kind: 'neutral' };
  }
}

/** The state as it is seen from outside: an open circuit whose time is over waits for a probe. */
export function stateAt(circuit: Circuit, nowMs: number): CircuitState {
  return circuit.state === 'open' && nowMs >= circuit.untilMs ? 'half-open' : circuit.state;
}

/** Whether the one probe is due and nobody has it. */
export function mayProbe(circuit: Circuit, nowMs: number): boolean {
  if (circuit.state === 'open') return nowMs >= circuit.untilMs;
  return circuit.state === 'half-open' && (circuit.probe === '' || nowMs >= circuit.probeUntilMs);
}

/** Gives the probe to `token` when it may be given; otherwise the same circuit. */
export function takeProbe(circuit: Circuit, token: string, nowMs: number, settings: CircuitSettings): Circuit {
  if (circuit.state === 'closed' || !mayProbe(circuit, nowMs)) return circuit;
  const { reason, openings } = circuit;
  return { state: 'half-open', reason, openings, probe: token, probeUntilMs: nowMs + settings.probeLeaseMs };
}

/**
 * The circuit after a call has ended. The same object when nothing changes.
 * @param token the probe's token, ORDINARY_CALL or KEY_TEST.
 */
export function afterResult(
  circuit: Circuit,
  effect: CircuitEffect,
  token: string,
  nowMs: number,
  settings: CircuitSettings,
): Circuit {
  switch (circuit.state) {
    case 'closed':
      return whenClosed(circuit, effect, nowMs, settings);
    case 'open':
      return whenOpen(circuit, effect, token, nowMs);
    case 'half-open':
      return whenHalfOpen(circuit, effect, token, nowMs, settings);
  }
}

/** A circuit that a process knows from its memory when it reads the shared one again. */
export interface OwnCircuit {
  readonly circuit: Circuit;
  /** It was decided while the process was cut off from Redis. */
  readonly alone: boolean;
}

/** The shared circuit after a process has added what it knows better; the same object when it knows nothing better. */
export function withOwn(shared: Circuit, { circuit: own, alone }: OwnCircuit): Circuit {
  if (own.state === 'open') {
    const isNews = shared.state === 'closed' || (shared.state === 'open' && shared.untilMs < own.untilMs);
    return isNews ? own : shared;
  }
  return alone && own.state === 'closed' && shared.state === 'half-open' ? own : shared;
}

type State<S extends CircuitState> = Extract<Circuit, { state: S }>;

function whenClosed(
  circuit: State<'closed'>,
  effect: CircuitEffect,
  nowMs: number,
  settings: CircuitSettings,
): Circuit {
  switch (effect.kind) {
    case 'neutral':
      return circuit;
    case 'success':
      return circuit.failures === 0 ? circuit : CLOSED;
    case 'open':
      return { state: 'open', reason: effect.reason, openings: 1, untilMs: nowMs + effect.openMs };
    case 'count': {
      const failures = circuit.failures + 1;
      if (failures < settings.failuresToOpen) return { state: 'closed', failures };
      return reopened(effect, 1, nowMs, settings);
    }
  }
}

/** Calls that were under way when it opened may lengthen its time. */
function whenOpen(circuit: State<'open'>, effect: CircuitEffect, token: string, nowMs: number): Circuit {
  if (effect.kind === 'success' && token === KEY_TEST) return CLOSED;
  if (effect.kind !== 'open') return circuit;
  const untilMs = Math.max(circuit.untilMs, nowMs + effect.openMs);
  // Every call of the account would report the same time, so that one report is enough.
  return effect.reason === 'account' || untilMs === circuit.untilMs ? circuit : { ...circuit, untilMs };
}

/** Only the probe decides. */
function whenHalfOpen(
  circuit: State<'half-open'>,
  effect: CircuitEffect,
  token: string,
  nowMs: number,
  settings: CircuitSettings,
): Circuit {
  if (effect.kind === 'success' && token === KEY_TEST) return CLOSED;
  if (token === ORDINARY_CALL || token !== circuit.probe) return circuit;
  switch (effect.kind) {
    case 'neutral':
      return { ...circuit, probe: '', probeUntilMs: 0 };
    case 'success':
      return CLOSED;
    case 'open':
    case 'count':
      return reopened(effect, circuit.openings + 1, nowMs, settings);
  }
}

function reopened(
  effect: Extract<CircuitEffect, { kind: 'open' | 'count' }>,
  openings: number,
  nowMs: number,
  settings: CircuitSettings,
): Circuit {
  const openMs =
    effect.kind === 'open' ? effect.openMs : Math.min(settings.transientMs * openings, settings.transientLongestMs);
  return { state: 'open', reason: effect.reason, openings, untilMs: nowMs + openMs };
}
