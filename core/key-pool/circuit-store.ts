/**
 * Owner of the circuits in Redis: `keys:{provider-ID}:…` and the channel of changes. Redis keeps them; what they become
 * is decided by circuit.ts in the process, and written only where nobody was faster. Circuits go by their names
 * (circuitName); earlier versions of the gateway kept one a key under other Redis keys, which expire.
 */
import { z } from 'zod';
import type { Redis } from '../../infra/redis/connection.ts';
import { redisScript } from '../../infra/redis/script.ts';
import { type Circuit, CLOSED } from './circuit.ts';

const swapScript = redisScript(new URL('circuit-swap.lua', import.meta.url));

/** Each lost race is another process's change; so many in a row are none. */
const MOST_TRIES = 50;

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
  name: z.string(),
  revision: z.number().int(),
  nowMs: z.number(),
  circuit: circuitSchema,
});
const swappedSchema = z.tuple([z.literal([0, 1]), z.string(), z.string()]);
const timeSchema = z.tuple([z.coerce.number(), z.coerce.number()]);
const hashSchema = z.record(z.string(), z.string());

/** A circuit as all processes share it, its times by this process's clock. */
export interface SharedCircuit {
  readonly providerId: number;
  readonly name: string;
  /** Goes up with every change of the provider's circuits. */
  readonly revision: number;
  readonly circuit: Circuit;
}

export interface ProviderCircuits {
  /** 0 = none was ever written, or Redis has lost its data. */
  readonly revision: number;
  /** All but the closed ones without failures. */
  readonly circuits: readonly SharedCircuit[];
}

/** A circuit as it was read last, and its text in Redis. */
interface Seen {
  readonly text: string;
  readonly circuit: Circuit;
}

/** Each method rejects when Redis does not answer; none of them is safe to send twice. */
export class CircuitStore {
  readonly channel: string;
  readonly #redis: Redis;
  readonly #nowMs: () => number;
  readonly #seen = new Map<string, Seen>();
  /** The last change of a circuit that is under way: those of one process do not race each other. */
  readonly #changes = new Map<string, Promise<unknown>>();

  constructor(redis: Redis, nowMs: () => number) {
    this.#redis = redis;
    this.#nowMs = nowMs;
    // Channels are shared by all databases of a server.
    this.channel = `keys:model-circuits:${redis.options.db ?? 0}`;
  }

  /**
   * Changes a shared circuit. `decide` gets it as it stands, and is asked again when another process was
   * faster; it returns the same object to leave it.
   * @returns the circuit as it stands then.
   */
  change(providerId: number, name: string, decide: (circuit: Circuit) => Circuit): Promise<SharedCircuit> {
    // One that waits behind a failed one has failed, too: a Redis that hangs is waited for once.
    const change = (this.#changes.get(name) ?? Promise.resolve()).then(() => this.#swap(providerId, name, decide));
    this.#changes.set(name, change);
    const forget = () => {
      if (this.#changes.get(name) === change) this.#changes.delete(name);
    };
    change.then(forget, forget);
    return change;
  }

  /** All circuits of a provider, at one moment. */
  async read(providerId: number): Promise<ProviderCircuits> {
    const [time, hash] = await answersOf(this.#redis.multi().time().hgetall(hashOf(providerId)).exec());
    const [seconds, micros] = timeSchema.parse(time);
    const byMs = this.#nowMs() - (seconds * 1_000 + Math.floor(micros / 1_000));
    const { revision = '0', ...texts } = hashSchema.parse(hash);
    const circuits = Object.entries(texts).map(([name, text]) => {
      const circuit = shifted(circuitSchema.parse(JSON.parse(text)), byMs);
      this.#seen.set(name, { text, circuit });
      return { providerId, name, revision: Number(revision), circuit };
    });
    return { revision: Number(revision), circuits };
  }

  /** Number of processes that took a start of their round robin before this one. */
  async takeStart(providerId: number): Promise<number> {
    return (await this.#redis.incr(`keys:{provider-${providerId}}:starts`)) - 1;
  }

  /** A message of the channel. @throws when it is malformed. */
  readMessage(text: string): SharedCircuit {
    const { nowMs, circuit, ...known } = messageSchema.parse(JSON.parse(text));
    return { ...known, circuit: shifted(circuit, this.#nowMs() - nowMs) };
  }

  async #swap(providerId: number, name: string, decide: (circuit: Circuit) => Circuit): Promise<SharedCircuit> {
    for (let attempt = 1; attempt <= MOST_TRIES; attempt += 1) {
      const seen = this.#seen.get(name) ?? { text: '', circuit: CLOSED };
      const next = decide(seen.circuit);
      const wanted = next === seen.circuit ? 'keep' : textOf(shifted(next, -this.#nowMs()));
      const args = [this.channel, providerId, name, seen.text, wanted];
      const reply = await swapScript(this.#redis, [hashOf(providerId)], args);
      const [stoodAsSeen, text, message] = swappedSchema.parse(reply);
      const shared = this.readMessage(message);
      this.#seen.set(name, { text, circuit: shared.circuit });
      if (stoodAsSeen === 1) return shared;
    }
    throw new Error(`the circuit ${name} was changed by others ${MOST_TRIES} times in a row`);
  }
}

function hashOf(providerId: number): string {
  return `keys:{provider-${providerId}}:model-circuits`;
}

function textOf(circuit: Circuit): string {
  return circuit.state === 'closed' && circuit.failures === 0 ? '' : JSON.stringify(circuit);
}

/** @throws the first error among the answers of a transaction. */
async function answersOf(transaction: Promise<[Error | null, unknown][] | null>): Promise<unknown[]> {
  const answers = (await transaction) ?? [];
  return answers.map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
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
