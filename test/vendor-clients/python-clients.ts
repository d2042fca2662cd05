/** The vendors' Python clients, installed once into the cache outside the checkout. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { cached } from '../../devstack/cache.ts';
import { cacheFolder, shellVariables } from '../../devstack/environment.ts';

const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** Two, because LlamaIndex takes older clients: about 60 packages and 180 MB, and 70 packages and 290 MB. */
const LISTS = { vendors: 'requirements.txt', llamaindex: 'requirements-llamaindex.txt' };

/**
 * The Python program that knows the clients. The first call for a list of requirements installs them, in less than a
 * minute. @throws when Python or its venv module is missing, saying how to install it.
 */
export async function pythonWithClients(of: keyof typeof LISTS = 'vendors'): Promise<string> {
  const requirements = join(import.meta.dirname, LISTS[of]);
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const name = of === 'vendors' ? 'vendor-clients' : `vendor-clients-${of}`;
  const folder = await cached(cacheFolder(), { name, version }, (empty) => install(empty, requirements));
  return join(folder, 'venv/bin/python');
}

async function install(folder: string, requirements: string): Promise<void> {
  console.log(`Installing the Python clients of ${basename(requirements)}, once: up to 290 MB, less than a minute.`);
  // The caller's own settings: where its packages come from is not ours to say.
  const options = { env: shellVariables(), extendEnv: false, timeout: INSTALL_TIMEOUT_MS, all: true } as const;
  const venv = join(folder, 'venv');
  try {
    await execa('python3', ['-m', 'venv', venv], options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `python3 with its venv module is needed: "apt install python3-venv" or "brew install python".\n${reason}`,
    );
  }
  // A folder that was renamed into place keeps its programs' old paths; `python -m` does not read them.
  await execa(join(venv, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], options);
}
