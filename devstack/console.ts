/** The console is built before the API serves it; that takes half a minute at most, and nothing where it is fresh. */
import { join } from 'node:path';
import { execa } from 'execa';
import { systemVariables } from './environment.ts';

/** @throws Error with the build's own words. */
export async function buildConsole(checkout: string, signal?: AbortSignal): Promise<string> {
  await execa(process.execPath, [join(checkout, 'console/build.ts')], {
    cwd: checkout,
    env: systemVariables(),
    extendEnv: false,
    stdin: 'ignore',
    ...(signal && { cancelSignal: signal }),
  });
  return 'Console: built';
}
