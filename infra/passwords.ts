/**
 * Password hashes. New ones are argon2id; bcrypt hashes of the earlier service are accepted and reported as outdated.
 * Each hash takes 19 MiB and a thread, so only a few run at once and a bounded number waits.
 */
import { hash as argonHash, verify as argonVerify } from '@node-rs/argon2';
import { hash as bcryptHash, verify as bcryptVerify } from '@node-rs/bcrypt';
import { AppError } from './errors.ts';

interface Cost {
  readonly argon: { readonly memoryCost: number; readonly timeCost: number; readonly parallelism: number };
  readonly bcrypt: number;
}
const COST: Cost = {
  /** OWASP's second choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
  argon: { memoryCost: 19_456, timeCost: 2, parallelism: 1 },
  /** What the earlier service's hashes have. */
  bcrypt: 10,
};
/** The least that both take. */
const TEST_COST: Cost = { argon: { memoryCost: 8, timeCost: 1, parallelism: 1 }, bcrypt: 4 };
const BCRYPT_HASH = /^\$2[aby]\$/;

/** Half of libuv's four threads, so that files and name lookups continue. */
const CONCURRENT_HASHES = 2;
/** Some seconds of work; later callers get 429. */
const WAITING_HASHES = 60;
/** A caller that has waited longer gets 429: most callers have left by this time. */
const LONGEST_WAIT_MS = 5_000;

export type PasswordCheck = 'wrong' | 'right' | 'right-but-outdated';

export interface Passwords {
  /** @throws {AppError} tooManyRequests when too many hashes wait already; the same for the others. */
  hash(password: string): Promise<string>;
  /** A wrong password takes equally long for both kinds of hash, so that time reveals nothing about the account. */
  verify(password: string, hash: string): Promise<PasswordCheck>;
  /** Takes as long as a wrong password, for a user that does not exist. */
  pretendToVerify(password: string): Promise<void>;
}

/** @param weak cheap hashes, for tests. */
export async function createPasswords(weak = false): Promise<Passwords> {
  const { argon, bcrypt } = weak ? TEST_COST : COST;
  const limited = limit(CONCURRENT_HASHES, WAITING_HASHES);
  const yardstick: Yardstick = {
    argon: await argonHash(DECOY_PASSWORD, argon),
    bcrypt: await bcryptHash(DECOY_PASSWORD, bcrypt),
    prefix: `$argon2id$v=19$m=${argon.memoryCost},t=${argon.timeCost},p=${argon.parallelism}$`,
  };
  return {
    hash: (password) => limited(() => argonHash(password, argon)),
    verify: (password, hash) => limited(() => check(password, hash, yardstick)),
    pretendToVerify: async (password) => {
      await limited(() => check(password, yardstick.argon, yardstick));
    },
  };
}

interface Yardstick {
  /** Hashes of random passwords, checked only because checking takes time. */
  readonly argon: string;
  readonly bcrypt: string;
  /** How a hash of the present cost begins. */
  readonly prefix: string;
}
const DECOY_PASSWORD = 'nobody has this password';

async function check(password: string, hash: string, yardstick: Yardstick): Promise<PasswordCheck> {
  if (BCRYPT_HASH.test(hash)) {
    if (await bcryptVerify(password, hash)) return 'right-but-outdated';
    await argonVerify(yardstick.argon, password);
    return 'wrong';
  }
  if (await argonVerify(hash, password)) return hash.startsWith(yardstick.prefix) ? 'right' : 'right-but-outdated';
  await bcryptVerify(password, yardstick.bcrypt);
  return 'wrong';
}

/** Runs at most `running` tasks at once, in order of arrival, and none that has waited for too long. */
function limit(running: number, waiting: number): <T>(task: () => Promise<T>) => Promise<T> {
  let free = running;
  const queue: (() => void)[] = [];
  const release = (): void => {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async (task) => {
    const sinceMs = performance.now();
    if (free > 0) free -= 1;
    else if (queue.length < waiting) await new Promise<void>((resolve) => queue.push(resolve));
    else throw tooMany();
    try {
      if (performance.now() - sinceMs > LONGEST_WAIT_MS) throw tooMany();
      return await task();
    } finally {
      release();
    }
  };
}

function tooMany(): AppError {
  return new AppError('tooManyRequests', 'too many sign-ins at once, try again', { retryAfterSeconds: 3 });
}
