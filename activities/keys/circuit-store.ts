/** Owner of the circuits in Redis: `keys:{provider-ID}:…` and the channel of changes. */
import { z } from 'zod';
import type { Redis } from '../../infra/redis/connection.ts';
import { redisScript } from '../../infra/redis/script.ts';
import type { Circuit, CircuitSettings, Verdict } from './circuit.ts';

const file = (name: string) => new URL(name, import.meta.url);
const RECORD = file('circuit-record.lua');
const reportScript = redisScript(RECORD, file('report.lua'));
const probeScript = redisScript(RECORD, file('probe.lua'));
const joinScript = redisScript(RECORD, file('join.lua'));

const reasonSchema = z.enum(['rate', 'account', 'transient', 'timeout']);
const countSchema = z.number().int().nonnegative();
const circuitSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('closed'), failures: countSchema }),
  z.object({ state: z.literal('open'), reason: reasonSchema, openings: countSchema, untilMs: z.number() }),
  z.object({
    state: z.literal('half-open'),
    reason: reasonSchema,
    openings: countSchema,
    probe: z.string(),
    probeUntilMs: z.number(),
  }),
]);
const messageSchema = z.object({
  providerId: z.number().int(),
  keyId: z.number().int(),
  revision: z.number().int(),
  nowMs: z.number(),
  circuit: circuitSchema,
});
const joinedSchema = z.tuple([z.number().int(), z.number().int(), z.array(z.string())]);

/** The circuit of a key as all processes share it, its times by this process's clock. */
export interface SharedCircuit {
  readonly providerId: number;
  readonly keyId: number;
  /** Goes up with every change of the provider's circuits. */
  readonly revision: number;
  readonly circuit: Circuit;
}

export interface Joining {
  readonly takeStart: boolean;
  /** 0 = none seen. */
  readonly lastRevision: number;
  /** `alone`: decided while this process was cut off. */
  readonly own: readonly { readonly keyId: number; readonly alone: boolean; readonly circuit: Circuit }[];
}

export interface Joined {
  /** Number of processes that took a start of their round robin before; 0 unless one was taken. */
  readonly start: number;
  readonly revision: number;
  /** All but the closed ones without failures. */
  readonly circuits: readonly SharedCircuit[];
}

/** Each method rejects when Redis does not answer; none of them is safe to send twice. */
export class CircuitStore {
  readonly channel: string;
  readonly #redis: Redis;
  readonly #settings: CircuitSettings;
  readonly #nowMs: () => number;

  constructor(redis: Redis, settings: CircuitSettings, nowMs: () => number) {
    this.#redis = redis;
    this.#settings = settings;
    this.#nowMs = nowMs;
    // Channels are shared by all databases of a server.
    this.channel = `keys:circuits:${redis.options.db ?? 0}`;
  }

  async report(providerId: number, keyId: number, verdict: Verdict, token: string): Promise<SharedCircuit> {
    const { failuresToOpen, transientMs, transientLongestMs } = this.#settings;
    const reason = verdict.kind === 'open' || verdict.kind === 'count' ? verdict.reason : '';
    const openMs = verdict.kind === 'open' ? verdict.openMs : 0;
    const call = [keyId, token, verdict.kind, reason, openMs, failuresToOpen, transientMs, transientLongestMs];
    return this.#answer(await reportScript(this.#redis, [hashOf(providerId)], [this.channel, providerId, ...call]));
  }

  /** The probe was given when the circuit is half-open with this token. */
  async takeProbe(providerId: number, keyId: number, token: string): Promise<SharedCircuit> {
    const { probeLeaseMs } = this.#settings;
    const args = [this.channel, providerId, keyId, token, probeLeaseMs];
    return this.#answer(await probeScript(this.#redis, [hashOf(providerId)], args));
  }

  /** Tells what this process knows better, and reads what the others know. */
  async join(providerId: number, joining: Joining): Promise<Joined> {
    const nowMs = this.#nowMs();
    const own = joining.own.map(({ circuit, ...known }) => ({ ...known, circuit: shifted(circuit, -nowMs) }));
    const args = [this.channel, providerId, joining.takeStart ? 1 : 0, joining.lastRevision, JSON.stringify(own)];
    const reply = await joinScript(this.#redis, [hashOf(providerId), `keys:{provider-${providerId}}:starts`], args);
    const [start, revision, circuits] = joinedSchema.parse(reply);
    return { start, revision, circuits: circuits.map((text) => this.read(text)) };
  }

  /** A message of the channel. @throws when it is malformed. */
  read(text: string): SharedCircuit {
    const { nowMs, circuit, ...known } = messageSchema.parse(JSON.parse(text));
    return { ...known, circuit: shifted(circuit, this.#nowMs() - nowMs) };
  }

  #answer(reply: unknown): SharedCircuit {
    return this.read(z.string().parse(reply));
  }
}

function hashOf(providerId: number): string {
  return `keys:{provider-${providerId}}:circuits`;
}

/** The circuit with its times moved to another clock. */
function shifted(circuit: Circuit, byMs: number): Circuit {
  switch (circuit.state) {
    case 'closed':
      return circuit;
    case 'open':
      return { ...circuit, untilMs: circuit.untilMs + byMs };
    case 'half-open':
      return { ...circuit, probeUntilMs: circuit.probe === '' ? 0 : circuit.probeUntilMs + byMs };
  }
}
