/** The last failure of each provider key, of all processes through Redis; of this process alone while it is away. */
import { z } from 'zod';
import type { Redis } from '../../infra/redis/connection.ts';
import { scrub } from '../../infra/secrets.ts';
import type { FailureClass } from '../providers/failure.ts';
import type { CallResult } from './key-pool.ts';

const failureSchema = z.object({
  failure: z.string(),
  text: z.string(),
  atMs: z.number(),
});
export type LastFailure = Readonly<z.output<typeof failureSchema>>;

const KEPT_SECONDS = 86_400;
/** A key that fails at every call is written down this often. */
const WRITE_EVERY_MS = 1_000;
const MOST_TEXT = 300;
const OF_CALLERS: ReadonlySet<FailureClass> = new Set(['cancelled', 'bad-request', 'content']);

export class LastFailures {
  readonly #own = new Map<number, LastFailure>();
  readonly #redis: Redis | undefined;
  readonly #nowMs: () => number;

  constructor(redis: Redis | undefined, nowMs: () => number) {
    this.#redis = redis;
    this.#nowMs = nowMs;
  }

  /** No waiting. A caller's own mistake says nothing of the key. */
  note(keyId: number, result: CallResult): void {
    if (result.kind === 'success' || OF_CALLERS.has(result.failure)) return;
    const before = this.#own.get(keyId);
    const atMs = this.#nowMs();
    const last = { failure: result.failure, text: scrub(result.text ?? '').slice(0, MOST_TEXT), atMs };
    this.#own.set(keyId, last);
    if (before !== undefined && atMs - before.atMs < WRITE_EVERY_MS) return;
    if (this.#redis?.status !== 'ready') return;
    this.#redis.set(nameOf(keyId), JSON.stringify(last), 'EX', KEPT_SECONDS).catch(() => undefined);
  }

  async of(keyIds: readonly number[]): Promise<Map<number, LastFailure>> {
    const shared = await this.#shared(keyIds);
    return new Map(
      keyIds.flatMap((keyId, index) => {
        const [own, other] = [this.#own.get(keyId), shared[index]];
        const last = other === undefined || (own !== undefined && own.atMs > other.atMs) ? own : other;
        return last === undefined ? [] : [[keyId, last] as const];
      }),
    );
  }

  async #shared(keyIds: readonly number[]): Promise<(LastFailure | undefined)[]> {
    if (keyIds.length === 0 || this.#redis?.status !== 'ready') return [];
    const texts = await this.#redis.mget(keyIds.map(nameOf)).catch(() => []);
    return texts.map((text) => (text === null ? undefined : failureSchema.safeParse(jsonOf(text)).data));
  }
}

function nameOf(keyId: number): string {
  return `keys:last-failure:${keyId}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
