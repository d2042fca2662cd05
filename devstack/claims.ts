/**
 * A claim is a file that names the process holding something: a port, a build, a data folder. It ends with its
 * owner: if its process has ended, in whatever way, the next one takes the claim over.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, ownIdentity, type ProcessIdentity, parseIdentity } from './process-identity.ts';

export interface Claim {
  release(): void;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The process that holds the claim; undefined when nobody who still runs does. */
export function claimOwner(path: string): ProcessIdentity | undefined {
  const owner = parseIdentity(read(path) ?? '');
  return owner && isRunning(owner) ? owner : undefined;
}

/** Moves a claim of a dead process away. Another one may have replaced it in between: then it is put back. */
function clearDead(path: string, dead: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, 'utf8') !== dead) linkSync(aside, path);
  } catch (error) {
    if (!isCode(error, 'ENOENT') && !isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Takes the claim, or answers undefined when a running process (this one included) holds it.
 * The file appears whole: it is written aside and linked into place.
 */
export function tryClaim(path: string): Claim | undefined {
  mkdirSync(dirname(path), { recursive: true });
  const content = JSON.stringify({ ...ownIdentity(), nonce: randomUUID() });
  const aside = `${path}.${randomUUID()}`;
  writeFileSync(aside, content, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        linkSync(aside, path);
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error;
        if (claimOwner(path)) return undefined;
        const dead = read(path);
        if (dead !== undefined) clearDead(path, dead);
        continue;
      }
      return read(path) === content ? { release: () => releaseOwn(path, content) } : undefined;
    }
    return undefined;
  } finally {
    rmSync(aside, { force: true });
  }
}

function releaseOwn(path: string, content: string): void {
  if (read(path) === content) rmSync(path, { force: true });
}

/** Waits until the claim is free and takes it. `onWait` is called once, with the owner, if that takes a while. */
export async function waitForClaim(
  path: string,
  options: { signal?: AbortSignal; onWait?: (owner: ProcessIdentity) => void; pollMs?: number } = {},
): Promise<Claim> {
  let announced = false;
  for (;;) {
    options.signal?.throwIfAborted();
    const claim = tryClaim(path);
    if (claim) return claim;
    const owner = claimOwner(path);
    if (owner && !announced) {
      announced = true;
      options.onWait?.(owner);
    }
    await delay(options.pollMs ?? 300, undefined, options.signal ? { signal: options.signal } : {});
  }
}
