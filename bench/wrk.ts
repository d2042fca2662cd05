/** Load by wrk: as many calls as a number of callers can make, each waiting for its answer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { systemVariables } from '../devstack/environment.ts';
import type { Installation } from '../devstack/sources.ts';

const SCRIPT = join(import.meta.dirname, 'load.lua');

const resultSchema = z.object({
  requests: z.number(),
  seconds: z.number(),
  failures: z.number(),
  /** Of the requests and of the failures: answers with another status than 2xx and 3xx. */
  refused: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
});

export type LoadResult = z.infer<typeof resultSchema>;

/** Those that tell who calls. */
export type Headers = Readonly<Record<string, string>>;

export interface Load {
  readonly wrk: Installation;
  readonly url: string;
  readonly callers: number;
  readonly seconds: number;
  readonly body: string;
  /** Of each caller; they call in turn. */
  readonly headers: readonly Headers[];
  /** Where the files that wrk reads are written. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** @throws when a call failed or was refused. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const result = await runFaultyLoad(load);
  if (result.failures > 0) throw new Error(`${result.failures} of ${result.requests} calls failed at ${load.url}`);
  return result;
}

/** As `runLoad`, where calls may fail: the program is killed meanwhile. */
export async function runFaultyLoad(load: Load): Promise<LoadResult> {
  mkdirSync(load.folder, { recursive: true });
  const [body, headers] = [join(load.folder, 'body.json'), join(load.folder, 'headers.txt')];
  writeFileSync(body, load.body);
  writeFileSync(headers, load.headers.map((one) => `${Object.entries(one).flat().join('\t')}\n`).join(''), {
    mode: 0o600,
  });
  const options = [
    '--threads',
    '1',
    '--connections',
    String(load.callers),
    '--duration',
    `${Math.max(1, Math.round(load.seconds))}s`,
  ];
  const args = [...options, '--timeout', '20s', '--script', SCRIPT, load.url, '--', body, headers];
  const { stdout } = await execa(load.wrk.programs.wrk ?? 'wrk', args, {
    env: { ...systemVariables(), ...load.wrk.environment },
    extendEnv: false,
    cancelSignal: load.signal,
  });
  const line = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (line === undefined) throw new Error(`wrk gave no result:\n${stdout}`);
  return resultSchema.parse(JSON.parse(line));
}
