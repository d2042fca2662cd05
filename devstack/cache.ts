/**
 * The cache of programs that had to be fetched or built: one folder each, `<name>-<version>`, complete or not there.
 * A build works in a folder beside it and is renamed into place, so that an interrupted one leaves nothing half.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { waitForClaim } from './claims.ts';

export interface CacheEntry {
  readonly name: string;
  readonly version: string;
}

/** Where the entry is, or will be. */
export function entryFolder(cache: string, entry: CacheEntry): string {
  return join(cache, `${entry.name}-${entry.version}`);
}

/** Whether the entry is there, complete. */
export function isCached(cache: string, entry: CacheEntry): boolean {
  return existsSync(entryFolder(cache, entry));
}

/** Leftovers of interrupted builds; called by the holder of the entry's claim, so none of them is in use. */
function clearLeftovers(work: string, entry: CacheEntry): void {
  const prefix = `${entry.name}-${entry.version}.`;
  for (const name of readdirSync(work)) {
    if (name.startsWith(prefix) && !name.includes('.lock')) rmSync(join(work, name), { recursive: true, force: true });
  }
}

/**
 * The entry's folder, built first when it is not there. Two processes asking at once build once: the second waits.
 * Whatever `build` throws is passed on and nothing is left.
 */
export async function cached(
  cache: string,
  entry: CacheEntry,
  build: (folder: string) => Promise<void>,
  options: { signal?: AbortSignal; onWait?: () => void } = {},
): Promise<string> {
  const folder = entryFolder(cache, entry);
  if (existsSync(folder)) return folder;
  const work = join(cache, 'work');
  mkdirSync(work, { recursive: true });
  const claim = await waitForClaim(join(work, `${entry.name}-${entry.version}.lock`), options);
  try {
    if (existsSync(folder)) return folder;
    clearLeftovers(work, entry);
    const building = join(work, `${entry.name}-${entry.version}.${process.pid}`);
    mkdirSync(building);
    try {
      await build(building);
      renameSync(building, folder);
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
    return folder;
  } finally {
    claim.release();
  }
}
