/** Where a part's program may come from, and the one order in which the possibilities are tried. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { ExecaError } from 'execa';
import { type CacheEntry, cached, entryFolder, isCached } from './cache.ts';
import type { Variables } from './environment.ts';
import type { Reporter } from './progress.ts';
import { type InstallHint, installAdvice, type System, thisSystem } from './system.ts';

const REASON_LINES = 3;

/** Programs ready to run. */
export interface Installation {
  /** Said to the user: where the program comes from. */
  readonly origin: string;
  /** Absolute paths by program name. */
  readonly programs: Readonly<Record<string, string>>;
  /** What the programs need in addition to the usual environment. */
  readonly environment: Variables;
}

export interface WorkContext extends Reporter {
  readonly signal: AbortSignal;
}

/** A source that has to be fetched or built first; its result is kept in the cache. */
export interface Fetchable {
  /** Said before it starts, as in "fetches … (8 MB, about 10 s)". */
  readonly label: string;
  readonly entry: CacheEntry;
  readonly size: string;
  readonly time: string;
  /** Why it cannot be used here (no apt-get, no Go, no internet); undefined when it can. Answers within seconds. */
  obstacle(signal: AbortSignal): Promise<string | undefined>;
  /** Leaves the programs in `folder`, tried out. Throws what went wrong. */
  build(folder: string, context: WorkContext): Promise<void>;
  installation(folder: string): Installation;
}

export interface SourcesOfPart {
  readonly title: string;
  /** Looks for an installed program; undefined when there is none. */
  onPath(folders: readonly string[]): Promise<Installation | undefined>;
  readonly fetchables: readonly Fetchable[];
  /** What helps where nothing works. */
  readonly install: InstallHint;
  /** The setting that names one elsewhere, of a server. */
  readonly address?: string;
  /** The replacement if none of these is available. */
  readonly fallback?: SourcesOfPart;
}

export type Plan = (
  | { readonly kind: 'ready'; readonly installation: Installation }
  | { readonly kind: 'fetch'; readonly fetchable: Fetchable }
) & {
  /** The part itself, or its fallback. */
  readonly part: SourcesOfPart;
  /** Why what would have been better cannot be had. */
  readonly obstacles: readonly string[];
};

export interface Obtained {
  readonly installation: Installation;
  /** Why it is a fallback and not the part itself. */
  readonly because?: string;
}

/** A part that is not available here. The message says why, and what helps on this system. */
export class PartUnavailable extends Error {
  override readonly name = 'PartUnavailable';
  constructor(part: SourcesOfPart, obstacles: readonly string[], system: System = thisSystem()) {
    const reasons = obstacles.map((obstacle) => `  ${obstacle}\n`).join('');
    super(
      `${part.title} is not installed and cannot be fetched here:\n${reasons}` +
        `${installAdvice(part.install, system)}.${part.address ? ` Or name one that runs elsewhere: ${part.address}.` : ''}`,
    );
  }
}

/** Where the programs are, when no more than a look is needed: PATH first, then the cache. */
async function findReady(
  part: SourcesOfPart,
  folders: readonly string[],
  cache: string,
): Promise<Installation | undefined> {
  const installed = await part.onPath(folders);
  if (installed) return installed;
  const entry = part.fetchables.find((fetchable) => isCached(cache, fetchable.entry));
  return entry?.installation(entryFolder(cache, entry.entry));
}

/**
 * Decides where the part comes from, without fetching anything yet. `skip` leaves out sources that have failed.
 * @throws {PartUnavailable} when no source is left.
 */
export async function planPart(
  part: SourcesOfPart,
  options: {
    folders: readonly string[];
    cache: string;
    signal: AbortSignal;
    skip?: ReadonlyMap<Fetchable, string>;
  },
): Promise<Plan> {
  const obstacles: string[] = [];
  for (let one: SourcesOfPart | undefined = part; one; one = one.fallback) {
    const ready = await findReady(one, options.folders, options.cache);
    if (ready) return { kind: 'ready', installation: ready, part: one, obstacles };
    for (const fetchable of one.fetchables) {
      const obstacle = options.skip?.get(fetchable) ?? (await fetchable.obstacle(options.signal));
      if (obstacle === undefined) return { kind: 'fetch', fetchable, part: one, obstacles };
      obstacles.push(`${fetchable.label}: ${obstacle}`);
    }
  }
  throw new PartUnavailable(part, obstacles);
}

/**
 * Carries the plan out: fetches or builds where needed, and goes on to the next source where one fails.
 * @throws {PartUnavailable} when all have failed; the abort reason when `signal` is aborted.
 */
export async function obtainPart(
  part: SourcesOfPart,
  plan: Plan,
  options: WorkContext & { folders: readonly string[]; cache: string },
): Promise<Obtained> {
  const failed = new Map<Fetchable, string>();
  let current = plan;
  while (current.kind === 'fetch') {
    const { fetchable } = current;
    try {
      const folder = await cached(options.cache, fetchable.entry, (work) => fetchable.build(work, options), {
        signal: options.signal,
        onWait: () => options.report(`waiting for another process that is at: ${fetchable.label}`),
      });
      return obtained(part, current, fetchable.installation(folder));
    } catch (error) {
      options.signal.throwIfAborted();
      const reason = reasonOf(error);
      options.report(`${fetchable.label} failed: ${reason}`);
      failed.set(fetchable, reason);
      current = await planPart(part, { ...options, skip: failed });
    }
  }
  return obtained(part, current, current.installation);
}

function obtained(part: SourcesOfPart, plan: Plan, installation: Installation): Obtained {
  if (plan.part === part) return { installation };
  return { installation, because: [`no ${part.title} is installed`, ...plan.obstacles].join('; ') };
}

/** Why a source failed, in few words: of a command, the last lines it wrote. */
function reasonOf(error: unknown): string {
  if (!(error instanceof ExecaError)) return error instanceof Error ? error.message : String(error);
  const lines = String(error.stderr ?? '')
    .trim()
    .split('\n')
    .slice(-REASON_LINES);
  return `${error.command.split(' ')[0]} failed: ${lines.join(' / ')}`;
}

/** The first of the named programs found in the folders, as an absolute path. */
export function findProgram(names: readonly string[], folders: readonly string[]): string | undefined {
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here: the next folder.
      }
    }
  }
  return undefined;
}
