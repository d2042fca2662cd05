/**
 * Password hashes. New ones are argon2id; bcrypt hashes of the earlier service are accepted and reported as outdated.
 * Each hash takes 19 MiB and a thread, so only a few run at once and a bounded number waits.
 */
import { hash as argonHash, verify as argonVerify } from '@node-rs/argon2';
import { hash as bcryptHash, verify as bcryptVerify } from '@node-rs/bcrypt';
import { AppError } from './errors.ts';

/** OWASP's second choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const ARGON = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const ARGON_PREFIX = '$argon2id$v=19$m=19456,t=2,p=1$';
const BCRYPT_HASH = /^\$2[aby]\$/;
/** What the earlier service's hashes have. */
const BCRYPT_COST = 10;

/** Half of libuv's four threads: files and name look-ups go on meanwhile. */
const CONCURRENT_HASHES = 2;
/** Some seconds of work; whoever comes later is better told to come back. */
const WAITING_HASHES = 200;

export type Verdict = 'wrong' | 'right' | 'right-but-outdated';

export interface Passwords {
  /** @throws {AppError} tooManyRequests when too many hashes wait already; the same for the others. */
  hash(password: string): Promise<string>;
  /** A wrong password takes as long whatever the kind of hash, so that time does not tell who came from where. */
  verify(password: string, hash: string): Promise<Verdict>;
  /** Takes as long as a wrong password, for a user that does not exist. */
  pretendToVerify(password: string): Promise<void>;
}

export async function createPasswords(): Promise<Passwords> {
  const limited = limit(CONCURRENT_HASHES, WAITING_HASHES);
  const decoys: Decoys = {
    argon: await argonHash(DECOY_PASSWORD, ARGON),
    bcrypt: await bcryptHash(DECOY_PASSWORD, BCRYPT_COST),
  };
  return {
    hash: (password) => limited(() => argonHash(password, ARGON)),
    verify: (password, hash) => limited(() => verdict(password, hash, decoys)),
    pretendToVerify: async (password) => {
      await limited(() => verdict(password, decoys.argon, decoys));
    },
  };
}

/** Hashes that nobody's password has; checked for their work alone. */
interface Decoys {
  readonly argon: string;
  readonly bcrypt: string;
}
const DECOY_PASSWORD = 'nobody has this password';

async function verdict(password: string, hash: string, decoys: Decoys): Promise<Verdict> {
  if (BCRYPT_HASH.test(hash)) {
    if (await bcryptVerify(password, hash)) return 'right-but-outdated';
    await argonVerify(decoys.argon, password);
    return 'wrong';
  }
  if (await argonVerify(hash, password)) return hash.startsWith(ARGON_PREFIX) ? 'right' : 'right-but-outdated';
  await bcryptVerify(password, decoys.bcrypt);
  return 'wrong';
}

/** Runs at most `running` tasks at once, in order of arrival. */
function limit(running: number, waiting: number): <T>(task: () => Promise<T>) => Promise<T> {
  let free = running;
  const queue: (() => void)[] = [];
  const release = (): void => {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async (task) => {
    if (free > 0) free -= 1;
    else if (queue.length < waiting) await new Promise<void>((resolve) => queue.push(resolve));
    else throw new AppError('tooManyRequests', 'too many sign-ins at once, try again', { retryAfterSeconds: 3 });
    try {
      return await task();
    } finally {
      release();
    }
  };
}
