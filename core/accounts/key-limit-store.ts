/** What access keys with limits use, shared by all processes: `limits:{key-ID}:…` in Redis. */
import { z } from 'zod';
import type { Redis } from '../../infra/redis/connection.ts';
import { redisScript } from '../../infra/redis/script.ts';
import { type KeyLimitSettings, type LimitState, stateOf, type Waits } from './key-limit-rule.ts';

const admitScript = redisScript(new URL('key-limits-admit.lua', import.meta.url));
const settleScript = redisScript(new URL('key-limits-settle.lua', import.meta.url));
const renewScript = redisScript(new URL('key-limits-renew.lua', import.meta.url));

const milliseconds = z.coerce.number().nonnegative();
const repliedSchema = z.tuple([milliseconds, milliseconds, milliseconds, milliseconds, milliseconds]);

export interface Entry {
  readonly accessKeyId: number;
  readonly limits: KeyLimitSettings;
  /** Id of the request and of its lease. */
  readonly id: string;
  /** At most the limit of a minute. */
  readonly tokens: number;
  readonly leaseMs: number;
}

/** The request was counted if all three are 0. */
export interface Entered {
  readonly waits: Waits;
  readonly state: LimitState;
}

/** Each method rejects when Redis does not answer. */
export class KeyLimitStore {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  get isReachable(): boolean {
    return this.#redis.status === 'ready';
  }

  async admit({ accessKeyId, limits, id, tokens, leaseMs }: Entry): Promise<Entered> {
    const { rpmLimit, tpmLimit, parallelLimit } = limits;
    const args = [rpmLimit ?? 0, tpmLimit ?? 0, parallelLimit ?? 0, tokens, id, leaseMs];
    const reply = repliedSchema.parse(await admitScript(this.#redis, keysOf(accessKeyId), args));
    const [requests, tokenWait, parallel, requestsBusyMs, tokensBusyMs] = reply;
    return {
      waits: { requests, tokens: tokenWait, parallel },
      state: stateOf(limits, { requestsBusyMs, tokensBusyMs }),
    };
  }

  /** Once for each id; does nothing for a request that is no longer running. */
  async settle(accessKeyId: number, id: string, giveBackMs: number): Promise<void> {
    await settleScript(this.#redis, keysOf(accessKeyId), [id, giveBackMs]);
  }

  async renew(accessKeyId: number, ids: readonly string[], leaseMs: number): Promise<void> {
    await renewScript(this.#redis, [runningKey(accessKeyId)], [leaseMs, ...ids]);
  }
}

function keysOf(accessKeyId: number): string[] {
  return [`limits:{key-${accessKeyId}}:rates`, runningKey(accessKeyId)];
}

function runningKey(accessKeyId: number): string {
  return `limits:{key-${accessKeyId}}:running`;
}
