/** What each server of the local stack declares: where it comes from, how it is started, how it answers. */
import type { Database, Variables } from './environment.ts';
import type { Launch } from './server-process.ts';
import type { Installation, SourcesOfPart } from './sources.ts';

export type PartName = 'mysql' | 'redis' | 'mongo' | 'temporal';

/** One server of one data folder. */
export interface PartSetup {
  /** The part's own folder inside the data folder. */
  readonly folder: string;
  /** Chosen ports by the name the part gives them. */
  readonly ports: Readonly<Record<string, number>>;
  /** Made at random for this data folder. */
  readonly password: string;
  readonly installation: Installation;
}

export interface ServerPart extends SourcesOfPart {
  readonly name: PartName;
  readonly address: string;
  /**
   * The only sources that can serve, where the data in the part's folder or the user's wish leave no choice.
   * @throws Error that says what helps where the two contradict each other.
   */
  boundTo?(folder: string, wanted: Database | undefined): { readonly part: SourcesOfPart; readonly because?: string };
  /** The ports it needs, with the ones wanted. */
  readonly ports: Readonly<Record<string, number>>;
  /** How long it may take to stop. */
  readonly stopGraceMs: number;
  /** The settings of a server that the user names explicitly; undefined when the part is ours to start. */
  fromEnvironment(variables: Variables): Variables | undefined;
  /** The settings under which our processes find it. */
  settings(setup: PartSetup): Variables;
  /** Prepares the data folder (first time only) and returns how to start. Safe to run again after an interruption. */
  prepare(setup: PartSetup): Promise<Launch>;
  /** One real query; throws when there is no answer. */
  probe(settings: Variables): Promise<void>;
  /** What answers there: `MySQL 9.7.4`. */
  describe?(settings: Variables): Promise<string>;
  /** What has to be set in the server once it answers, at each start. */
  afterStart?(setup: PartSetup): Promise<void>;
}

/** The settings of one server among others: those whose names begin with its prefix. */
export function settingsOf(variables: Variables, prefix: string): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => name.startsWith(prefix)));
}

/** Whether a switch is on: TLS that is set and off names no server of the user's. */
export function isOn(value: string | undefined): boolean {
  return value === 'true' || value === '1';
}

/** Ports by name, checked: a missing one is a fault of the caller. */
export function portOf(setup: Pick<PartSetup, 'ports'>, name: string): number {
  const port = setup.ports[name];
  if (port === undefined) throw new Error(`no port "${name}" was chosen`);
  return port;
}
