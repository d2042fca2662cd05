/** Pools of provider keys as several processes hold them, on the stack's Redis. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { type CircuitSettings, DEFAULT_CIRCUIT_SETTINGS } from '../../core/key-pool/circuit.ts';
import type { CallResult, PickedKey } from '../../core/key-pool/key-pool.ts';
import { createKeyPool, type LocalKeyPool } from '../../core/key-pool/local-key-pool.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { readConfig } from '../../infra/config.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectRedis, type Redis, whenReady } from '../../infra/redis/connection.ts';
import { until } from '../until.ts';

export const NONE: ReadonlySet<number> = new Set();
export const SUCCESS: CallResult = { kind: 'success' };

/** Short times, so that a test sees a circuit open and come back. */
export const QUICK: CircuitSettings = {
  ...DEFAULT_CIRCUIT_SETTINGS,
  rateShortestMs: 100,
  rateDefaultMs: 400,
  accountMs: 60_000,
  transientMs: 400,
};

/** The model of every pick that names none. */
export const MODEL = 1;
export const URL_BASE = 'https://provider.example/v1';

export interface KeyProcess {
  readonly providerId: number;
  readonly pool: LocalKeyPool;
  readonly lines: readonly Record<string, unknown>[];
  readonly commands: Redis;
  readonly subscriber: Redis;
  pick(except?: readonly number[]): PickedKey;
  /** A call with this very key that fails so, `times` times. */
  fail(keyId: number, failure: Extract<CallResult, { kind: 'failure' }>['failure'], times?: number): void;
  /** Ids that `count` first attempts in a row are given; each is reported as a success. */
  ids(count: number): number[];
}

export interface KeyProcesses {
  readonly providerId: number;
  readonly keyIds: readonly number[];
  readonly redis: Redis;
  /** Where Redis has the circuits of this provider. */
  readonly circuits: string;
  /** Id of the key at this place. */
  key(index: number): number;
  /** Resolves when any circuit of the provider is in Redis. */
  untilStored(): Promise<void>;
  /** Another process; its connections are ready and the provider's circuits read. */
  start(settings?: CircuitSettings): Promise<KeyProcess>;
  close(): void;
}

/** A provider of its own with this many keys. */
export async function keyProcesses(keyCount: number): Promise<KeyProcesses> {
  const config = readConfig({ ...testStack().environment });
  const providerId = randomInt(1, 2 ** 31);
  const firstId = randomInt(1, 2 ** 30);
  const keys = Array.from({ length: keyCount }, (_, index) => ({
    id: firstId + index,
    urlBase: URL_BASE,
    apiKey: 'a key',
    weight: 1,
  }));
  const closers: (() => void)[] = [];
  const connect = async (name: string): Promise<Redis> => {
    const redis = connectRedis(config, createLogger('silent'), name);
    closers.push(() => redis.disconnect());
    assert.ok(await whenReady(redis, 5_000), 'Redis answers');
    return redis;
  };
  const redis = await connect('test');
  const circuits = `keys:{provider-${providerId}}:model-circuits`;
  return {
    providerId,
    keyIds: keys.map(({ id }) => id),
    redis,
    circuits,
    key: (index) => keys[index]?.id ?? assert.fail(`there is no key at ${index}`),
    untilStored: () => until('a circuit is stored', async () => (await redis.exists(circuits)) === 1),
    async start(settings = QUICK) {
      const lines: Record<string, unknown>[] = [];
      const [commands, subscriber] = [await connect('commands'), await connect('subscriber')];
      const log = createLogger('info', { write: (line) => lines.push(JSON.parse(line)) });
      const keysOf = (id: number) => (id === providerId ? keys : []);
      const modelsOf = () => [{ modelId: MODEL, modelIdentifier: 'model' }];
      const pool = createKeyPool({ keysOf, modelsOf, log, settings, redis: { commands, subscriber } });
      closers.push(() => pool.close());
      await pool.load([providerId]);
      return processOf(pool, providerId, keys, { lines, commands, subscriber });
    },
    close() {
      for (const close of closers.splice(0)) close();
    },
  };
}

function processOf(
  pool: LocalKeyPool,
  providerId: number,
  keys: readonly { id: number }[],
  parts: Pick<KeyProcess, 'lines' | 'commands' | 'subscriber'>,
): KeyProcess {
  const pick = (except: readonly number[] = []): PickedKey => {
    const key = pool.pick({ providerId, modelId: MODEL, urlBase: URL_BASE }, new Set(except));
    assert.ok(key, 'there is a usable key');
    return key;
  };
  return {
    ...parts,
    providerId,
    pool,
    pick,
    fail(keyId, failure, times = 1) {
      const others = keys.map(({ id }) => id).filter((id) => id !== keyId);
      for (let time = 0; time < times; time += 1) pool.report(pick(others), { kind: 'failure', failure });
    },
    ids: (count) =>
      Array.from({ length: count }, () => {
        const key = pick();
        pool.report(key, SUCCESS);
        return key.id;
      }),
  };
}

/** Of the key as a whole. */
export async function circuitOf(process: KeyProcess, keyId: number): Promise<string | undefined> {
  return (await process.pool.keyHealth(process.providerId, [keyId])).get(keyId)?.circuit;
}
