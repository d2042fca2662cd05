/**
 * What is stored about an account's sign-ins: the addresses where they succeeded, and when failures were last forgiven.
 * In Redis for all processes, and in memory while Redis is away. Names and addresses are stored as keyed hashes only.
 */
import { createHmac, randomUUID } from 'node:crypto';
import type { Redis } from '../../infra/redis/connection.ts';

const ADDRESSES_PER_ACCOUNT = 20;
const ADDRESS_LIFE_SECONDS = 90 * 86_400;
/** As long as failures count. */
const FORGIVEN_SECONDS = 900;
/** Accounts in memory; the one with the oldest sign-in is removed first. */
const ACCOUNTS_IN_MEMORY = 10_000;

export interface Remembered {
  /** The account has signed in from this address. */
  readonly known: boolean;
  /** Changes when the failures of the account are forgiven. */
  readonly round: string;
}

export class SignInMemory {
  readonly #redis: Redis;
  readonly #secret: string;
  readonly #local = new Map<string, { addresses: readonly string[]; round: string }>();

  /** @param secret for the hashes: addresses could be guessed from plain hashes. */
  constructor(redis: Redis, secret: string) {
    this.#redis = redis;
    this.#secret = secret;
  }

  async look(account: string, address: string): Promise<Remembered> {
    const [name, place] = [this.#hash(account), this.#hash(`${account} ${address}`)];
    try {
      const [since, round] = await Promise.all([
        this.#redis.zscore(addressesKey(name), place),
        this.#redis.get(roundKey(name)),
      ]);
      return { known: since !== null, round: round ?? '' };
    } catch {
      const local = this.#local.get(name);
      return { known: local?.addresses.includes(place) === true, round: local?.round ?? '' };
    }
  }

  /** The account has signed in from this address. */
  async remember(account: string, address: string): Promise<void> {
    const [name, place] = [this.#hash(account), this.#hash(`${account} ${address}`)];
    const { addresses = [], round = '' } = this.#local.get(name) ?? {};
    const others = addresses.filter((one) => one !== place);
    this.#keepLocally(name, { addresses: [place, ...others].slice(0, ADDRESSES_PER_ACCOUNT), round });
    const key = addressesKey(name);
    await this.#tried(
      this.#redis
        .multi()
        .zadd(key, Date.now(), place)
        .zremrangebyrank(key, 0, -1 - ADDRESSES_PER_ACCOUNT)
        .expire(key, ADDRESS_LIFE_SECONDS)
        .exec(),
    );
  }

  /** Forgives failures and forgets all addresses: a thief of the old password may have signed in from some of them. */
  async forget(account: string): Promise<void> {
    const name = this.#hash(account);
    const round = randomUUID();
    this.#keepLocally(name, { addresses: [], round });
    await this.#tried(
      this.#redis.multi().del(addressesKey(name)).set(roundKey(name), round, 'EX', FORGIVEN_SECONDS).exec(),
    );
  }

  #keepLocally(name: string, kept: { addresses: readonly string[]; round: string }): void {
    this.#local.delete(name);
    this.#local.set(name, kept);
    const [oldest] = this.#local.keys();
    if (this.#local.size > ACCOUNTS_IN_MEMORY && oldest !== undefined) this.#local.delete(oldest);
  }

  /** Without Redis, uses the memory of this process. */
  async #tried(command: Promise<unknown>): Promise<void> {
    await command.catch(() => undefined);
  }

  #hash(text: string): string {
    return createHmac('sha256', this.#secret).update(`sign-in ${text}`).digest('base64url').slice(0, 22);
  }
}

function addressesKey(name: string): string {
  return `sign-in:addresses:${name}`;
}

function roundKey(name: string): string {
  return `sign-in:round:${name}`;
}
