/** The circuits of provider keys in the memory of this process, and the log of their changes. */
import type { Logger } from 'pino';
import { type Circuit, CLOSED } from './circuit.ts';
import type { Epochs } from './ticket.ts';

/** The subject of a circuit: one model on a key, or without a model the account of the key. */
export interface CircuitSubject {
  readonly keyId: number;
  readonly modelId: number | undefined;
}

export interface CircuitEntry extends CircuitSubject {
  readonly name: string;
  readonly providerId: number;
  readonly circuit: Circuit;
  /** Incremented by every opening; a call that began before it says nothing about the time after it. */
  readonly epoch: number;
  /** Token of a probe that was given to this process and is not used yet; '' = none. */
  grant: string;
}

type OwnEntry = { -readonly [Field in keyof CircuitEntry]: CircuitEntry[Field] };

/** The name of a circuit, in memory and in Redis. */
export function circuitName(keyId: number, modelId?: number): string {
  return modelId === undefined ? String(keyId) : `${keyId}:${modelId}`;
}

/** @throws for what is no name. */
function subjectOf(name: string): CircuitSubject {
  const [, keyId, modelId] = /^(\d+)(?::(\d+))?$/.exec(name) ?? [];
  if (keyId === undefined) throw new Error(`no name of a circuit: ${name}`);
  return { keyId: Number(keyId), modelId: modelId === undefined ? undefined : Number(modelId) };
}

export class KeyCircuits {
  readonly #entries = new Map<string, OwnEntry>();
  readonly #log: Logger;
  readonly #nowMs: () => number;

  constructor(log: Logger, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Undefined where there never was a failure. */
  get(keyId: number, modelId?: number): CircuitEntry | undefined {
    return this.#entries.get(circuitName(keyId, modelId));
  }

  circuit(keyId: number, modelId?: number): Circuit {
    return this.get(keyId, modelId)?.circuit ?? CLOSED;
  }

  epochs(keyId: number, modelId: number | undefined): Epochs {
    const model = modelId === undefined ? undefined : this.get(keyId, modelId);
    return { account: this.get(keyId)?.epoch ?? 0, model: model?.epoch ?? 0 };
  }

  entry(name: string, providerId: number): CircuitEntry {
    return this.#own(name, providerId);
  }

  ofProvider(providerId: number): CircuitEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.providerId === providerId);
  }

  all(): IterableIterator<CircuitEntry> {
    return this.#entries.values();
  }

  /** A change that this process brought about: it goes to the log. */
  set(entry: CircuitEntry, next: Circuit): void {
    const before = entry.circuit;
    this.adopt(entry, next);
    this.#report(entry, before);
  }

  /** A change made by another process, which has logged it. */
  adopt({ name, providerId }: CircuitEntry, next: Circuit): void {
    const entry = this.#own(name, providerId);
    const before = entry.circuit;
    entry.circuit = next;
    const opens =
      next.state === 'open' ? before.state !== 'open' : next.state !== 'closed' && before.state === 'closed';
    if (opens) entry.epoch += 1;
  }

  #own(name: string, providerId: number): OwnEntry {
    const known = this.#entries.get(name);
    if (known) return known;
    const entry: OwnEntry = { ...subjectOf(name), name, providerId, circuit: CLOSED, epoch: 0, grant: '' };
    this.#entries.set(name, entry);
    return entry;
  }

  #report({ keyId, modelId, providerId, circuit }: CircuitEntry, before: Circuit): void {
    const subject = { providerId, keyId, ...(modelId === undefined ? {} : { modelId }) };
    const what = modelId === undefined ? 'a provider key' : 'a model on a provider key';
    if (circuit.state === 'closed') {
      if (before.state !== 'closed') this.#log.info(subject, `${what} is back in rotation`);
      return;
    }
    if (circuit.state !== 'open' || (before.state === 'open' && before.reason === circuit.reason)) return;
    const { reason, openings } = circuit;
    const facts = { ...subject, reason, openings, openMs: circuit.untilMs - this.#nowMs() };
    if (reason === 'account' && before.state === 'closed') {
      this.#log.error({ ...facts, alert: true }, 'a provider refuses this key or its account; someone must act');
    } else this.#log.warn(facts, `${what} is taken out of rotation`);
  }
}
