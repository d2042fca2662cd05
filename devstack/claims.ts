/**
 * A claim is a file that names the process holding something: a port, a build, a data folder. It ends with its
 * owner: if its process has ended, in whatever way, the next one takes the claim over.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** Writes a file whole: aside, then linked into place. @returns whether it was: not where there is one already. */
function place(path: string, content: string): boolean {
  const aside = `${path}.${randomUUID()}`;
  writeFileSync(aside, content, { mode: 0o600 });
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Removes the claim of a dead process, if it is one. One process at a time: else another could have removed it since the
 * look at it, and a third one's live claim would go.
 */
function clearDead(path: string, clearer: string): void {
  const clearing = `${path}.clearing`;
  if (!place(clearing, clearer)) {
    // Its process has died within this function: rare enough to have no third file for.
    if (!claimOwner(clearing)) rmSync(clearing, { force: true });
    return;
  }
  try {
    if (read(path) !== undefined && !claimOwner(path)) rmSync(path, { force: true });
  } finally {
    rmSync(clearing, { force: true });
  }
}

const ATTEMPTS = 3;

/** Takes the claim, or answers undefined when a running process (this one included) holds it or is taking it over. */
export function tryClaim(path: string): Claim | undefined {
  mkdirSync(dirname(path), { recursive: true });
  const content = JSON.stringify({ ...ownIdentity(), nonce: randomUUID() });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (place(path, content)) return { release: () => releaseOwn(path, content) };
    if (claimOwner(path)) return undefined;
    clearDead(path, content);
  }
  return undefined;
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
