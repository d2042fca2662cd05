/** Starts the servers of one data folder, without Docker, and returns the settings of our processes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Claim } from './claims.ts';
import { claimDataFolder, endLeftovers } from './data-folder.ts';
import { cacheFolder, type Database, localDatabase, programFolders, type Variables } from './environment.ts';
import type { PartName, ServerPart } from './part.ts';
import { PART_NAMES, PARTS } from './parts.ts';
import { claimPort } from './ports.ts';
import { announce, type Progress, type Reporter, runSideBySide } from './progress.ts';
import { type Installation, obtainPart, PartUnavailable, type Plan, planPart, type SourcesOfPart } from './sources.ts';
import { foreignPart, ownPart, type StackPart } from './stack-part.ts';
import { readStackState, type StackState, writeStackState } from './stack-state.ts';

export interface Stack {
  readonly dataFolder: string;
  /** What our processes need to find the servers: DB_HOST, DB_PORT, REDIS_PORT, MONGODB_URI, TEMPORAL_ADDRESS, … */
  readonly environment: Variables;
  part(name: PartName): StackPart;
}

export interface StartedStack extends Stack {
  /** Stops what it started and gives the data folder free. */
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly dataFolder: string;
  /** Where addresses of servers that the user runs may stand; those are used and nothing is started for them. */
  readonly environment?: Variables;
  /** Added to each wanted port, so that tests leave the usual ones alone. */
  readonly portOffset?: number;
  /** The one database that is to be used. Default: what LOCAL_DATABASE says. */
  readonly database?: Database;
  /** The servers to start. Default: all. */
  readonly only?: readonly PartName[];
  /** Of the data folder, where the caller has it already; it is released with the stack. */
  readonly claim?: Claim;
  readonly progress?: Progress;
  /** Ends a start that is under way; nothing stays running. */
  readonly signal?: AbortSignal;
}

/** Chosen ports of one launcher; given free when it stops. */
class Ports {
  readonly #claims: Claim[] = [];

  async choose(from: number): Promise<number> {
    const { port, claim } = await claimPort(from, join(cacheFolder(), 'ports'));
    this.#claims.push(claim);
    return port;
  }

  release(): void {
    for (const claim of this.#claims.splice(0)) claim.release();
  }
}

interface StartContext {
  readonly dataFolder: string;
  readonly portOffset: number;
  readonly ports: Ports;
  readonly state: StackState;
}

/** Gives an obtained part its ports and settings and remembers them. `busy` are the wanted ports that were taken. */
async function setUp(
  part: ServerPart,
  installation: Installation,
  context: StartContext,
): Promise<{ started: StackPart; busy: readonly number[] }> {
  const { dataFolder, state } = context;
  const remembered = state.parts[part.name]?.ports ?? {};
  const ports: Record<string, number> = {};
  const busy: number[] = [];
  for (const [name, usual] of Object.entries(part.ports)) {
    const wanted = remembered[name] ?? usual + context.portOffset;
    const port = await context.ports.choose(wanted);
    if (port !== wanted) busy.push(wanted);
    ports[name] = port;
  }
  const { password } = state;
  const settings = part.settings({ folder: join(dataFolder, part.name), ports, password, installation });
  state.parts[part.name] = { ports, installation, settings };
  writeStackState(dataFolder, state);
  return { started: ownPart(part, { ports, installation, settings, password }, dataFolder), busy };
}

/** Where a server is to come from. */
interface PlannedPart {
  readonly sources: SourcesOfPart;
  readonly plan: Plan;
  /** Why these sources and not the part's own. */
  readonly because?: string;
}

function sayWhatIsFetched(plans: ReadonlyMap<ServerPart, PlannedPart>, progress: Progress): void {
  const lines = [...plans].flatMap(([part, { plan }]) => {
    if (plan.kind === 'ready') return [];
    const { label, size, time } = plan.fetchable;
    return [`  ${part.title}: ${label} (${size}, ${time})`];
  });
  if (lines.length > 0)
    announce(progress, `Fetched or built once, then kept in ${cacheFolder()}:\n${lines.join('\n')}`);
}

async function planAll(
  parts: readonly ServerPart[],
  stack: Pick<StackOptions, 'dataFolder' | 'database'>,
  signal: AbortSignal,
): Promise<Map<ServerPart, PlannedPart>> {
  const options = { folders: programFolders(), cache: cacheFolder(), signal };
  const database = stack.database ?? localDatabase();
  const plan = async (part: ServerPart): Promise<PlannedPart> => {
    const { part: sources, because } = part.boundTo?.(join(stack.dataFolder, part.name), database) ?? { part };
    return { sources, plan: await planPart(sources, options), ...(because ? { because } : {}) };
  };
  const planned = await Promise.allSettled(parts.map(async (part) => [part, await plan(part)] as const));
  const faults = planned.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  // All that is missing in one message: one visit to the package manager.
  if (faults.length > 1 && faults.every((fault) => fault instanceof PartUnavailable)) {
    throw new Error(faults.map((fault) => fault.message).join('\n\n'));
  }
  if (faults.length > 0) throw faults[0];
  return new Map(planned.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
}

/** Parts that the user named are only asked for an answer. */
async function checkForeign(part: ServerPart, settings: Variables): Promise<StackPart> {
  try {
    await part.probe(settings);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${part.title} was named in the environment but does not answer: ${reason}`);
  }
  return foreignPart(part, settings);
}

/**
 * Starts every server side by side and waits until each answers a real query. What an earlier launcher left running
 * in the data folder is ended first; a second launcher in the same folder is refused.
 * @throws Error naming the part and what helps; nothing stays running then.
 */
export async function startStack(options: StackOptions): Promise<StartedStack> {
  const { dataFolder, progress = 'silent' } = options;
  const claim = options.claim ?? claimDataFolder(dataFolder);
  const ports = new Ports();
  const running = new Map<PartName, StackPart>();
  const stop = async () => {
    await Promise.all([...running.values()].map((part) => part.stop()));
    ports.release();
    claim.release();
  };
  try {
    await endLeftovers(dataFolder, PART_NAMES);
    const state = readStackState(dataFolder);
    const context: StartContext = { dataFolder, portOffset: options.portOffset ?? 0, ports, state };
    await startParts({ ...options, progress }, context, running);
    const environment = Object.assign({}, ...[...running.values()].map((part) => part.settings)) as Variables;
    writeFileSync(join(dataFolder, 'environment.json'), JSON.stringify(environment, undefined, 2), { mode: 0o600 });
    return { dataFolder, environment, part: (name) => partOf(running, name), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  options: StackOptions & { progress: Progress },
  context: StartContext,
  running: Map<PartName, StackPart>,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const all = (options.only ?? PART_NAMES).map((name) => PARTS[name]);
  const foreign = new Map(all.map((part) => [part, part.fromEnvironment(options.environment ?? {})]));
  const own = all.filter((part) => !foreign.get(part));
  const plans = await planAll(own, options, signal);
  sayWhatIsFetched(plans, options.progress);

  const run = async (part: ServerPart, reporter: Reporter): Promise<string> => {
    const settings = foreign.get(part);
    const planned = plans.get(part);
    if (settings || !planned) {
      running.set(part.name, await checkForeign(part, settings ?? {}));
      return `${part.title}: ${(await part.describe?.(settings ?? {})) ?? part.title} answers where the environment says`;
    }
    const lookUp = { folders: programFolders(), cache: cacheFolder(), signal, ...reporter };
    const { installation, because = planned.because } = await obtainPart(planned.sources, planned.plan, lookUp);
    const { started, busy } = await setUp(part, installation, context);
    running.set(part.name, started);
    await started.start(signal);
    const what = await part.describe?.(started.settings);
    const instead = because ? ` instead of ${part.title}, because ${because}` : '';
    const where = Object.values(started.settings).find((value) => /^\d+$/.test(value) || value.includes(':'));
    const moved = busy.length === 0 ? '' : `; ${busy.join(' and ')} was busy`;
    return `${part.title}: ready (${what ? `${what}${instead}, ` : ''}${where}${moved})`;
  };
  const tasks = all.map((part) => ({
    title: part.title,
    run: (reporter: Reporter) =>
      run(part, reporter).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
  }));
  await runSideBySide(tasks, options.progress);
}

function partOf(parts: ReadonlyMap<PartName, StackPart>, name: PartName): StackPart {
  const part = parts.get(name);
  if (!part) throw new Error(`the stack has no ${name}`);
  return part;
}
