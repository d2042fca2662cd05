/** Programs that only the benches need: wrk from PATH or Debian, and those of bench/go, built once into the cache. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { cached } from '../devstack/cache.ts';
import { debianPackages } from '../devstack/debian.ts';
import { cacheFolder, programFolders } from '../devstack/environment.ts';
import {
  findProgram,
  type Installation,
  obtainPart,
  PartUnavailable,
  planPart,
  type SourcesOfPart,
} from '../devstack/sources.ts';
import type { BenchContext } from './bench.ts';

const GO_MODULE = join(import.meta.dirname, 'go');

const wrk: SourcesOfPart = {
  title: 'wrk',
  onPath: async (folders) => {
    const program = findProgram(['wrk'], folders);
    return program ? { origin: program, programs: { wrk: program }, environment: {} } : undefined;
  },
  fetchables: [
    debianPackages({ name: 'wrk', packages: ['wrk'], size: 'about 1 MB', programs: { wrk: 'usr/bin/wrk' } }),
  ],
  install: { packages: { debian: 'wrk', fedora: 'wrk', arch: 'wrk', suse: 'wrk', macos: 'wrk' }, program: 'wrk' },
};

/** The message says what to install. */
export class ProgramMissing extends Error {
  override readonly name = 'ProgramMissing';
}

type ProgramContext = Pick<BenchContext, 'signal' | 'say'>;

/** @throws {ProgramMissing} */
export async function wrkProgram({ signal, say }: ProgramContext): Promise<Installation> {
  const where = { folders: programFolders(), cache: cacheFolder(), signal };
  try {
    const plan = await planPart(wrk, where);
    const obtained = await obtainPart(wrk, plan, { ...where, report: say, tick: () => undefined });
    return obtained.installation;
  } catch (error) {
    if (error instanceof PartUnavailable) throw new ProgramMissing(error.message);
    throw error;
  }
}

/** The path of a program of bench/go; built again when its source has changed. @throws {ProgramMissing} */
export async function goProgram(name: 'upstream' | 'streams', { signal, say }: ProgramContext): Promise<string> {
  const go = findProgram(['go'], [...programFolders(), '/usr/local/go/bin']);
  if (!go) throw new ProgramMissing('the benches need Go for their load and their upstream: https://go.dev/dl');
  const version = `${sourceHash()}-${process.platform}-${process.arch}`;
  const build = async (folder: string): Promise<void> => {
    say(`building bench/go/${name}`);
    await execa(go, ['build', '-buildvcs=false', '-o', join(folder, name), `./${name}`], {
      cwd: GO_MODULE,
      stdin: 'ignore',
      cancelSignal: signal,
    });
  };
  return join(await cached(cacheFolder(), { name: `bench-${name}`, version }, build, { signal }), name);
}

function sourceHash(): string {
  const hash = createHash('sha256');
  for (const file of globSync('**/*.{go,mod}', { cwd: GO_MODULE }).sort())
    hash.update(readFileSync(join(GO_MODULE, file)));
  return hash.digest('hex').slice(0, 12);
}
