/** Load of streams by a program of bench/go: a number of them stays open, each is read to its end. */
import { execa } from 'execa';
import { z } from 'zod';
import { systemVariables } from '../devstack/environment.ts';
import type { Headers } from './wrk.ts';

const resultSchema = z.object({
  streams: z.number(),
  failures: z.number(),
  firstP50Ms: z.number(),
  firstP99Ms: z.number(),
  wholeP50Ms: z.number(),
});

export type StreamResult = z.infer<typeof resultSchema>;

export interface StreamLoad {
  /** The program `streams`. */
  readonly program: string;
  readonly url: string;
  readonly body: string;
  /** Of each caller; they call in turn. */
  readonly headers: readonly Headers[];
  /** Streams open at once. */
  readonly open: number;
  /** How long new ones are begun. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** @throws when a stream failed. */
export async function runStreams(load: StreamLoad): Promise<StreamResult> {
  const result = await runFaultyStreams(load);
  if (result.failures > 0) throw new Error(`${result.failures} streams failed at ${load.url}`);
  return result;
}

/** As `runStreams`, where streams may fail. */
export async function runFaultyStreams(load: StreamLoad): Promise<StreamResult> {
  const options = ['-url', load.url, '-body', load.body, '-open', String(load.open), '-seconds', String(load.seconds)];
  const { stdout } = await execa(load.program, [...options, '-callers', JSON.stringify(load.headers)], {
    env: systemVariables(),
    extendEnv: false,
    cancelSignal: load.signal,
  });
  return resultSchema.parse(JSON.parse(stdout));
}
